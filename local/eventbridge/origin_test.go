package eventbridge_test

import (
	"context"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/local/eventbridge"
)

// reopen closes a service and opens its folder again.
func reopen(t *testing.T, s *eventbridge.Service, o eventbridge.Options) *eventbridge.Service {
	t.Helper()
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return started(t, o)
}

func config(rules ...eventbridge.RuleConfig) eventbridge.Config {
	return eventbridge.Config{Buses: []eventbridge.BusConfig{{Name: "bus"}}, Rules: rules}
}

func applied(t *testing.T, s *eventbridge.Service, c eventbridge.Config) {
	t.Helper()
	if err := s.Apply(c); err != nil {
		t.Fatal(err)
	}
}

// names are the rules of a bus, or its absence.
func rulesOf(t *testing.T, s *eventbridge.Service, bus string) string {
	t.Helper()
	status, answer := call(t, s, "ListRules", `{"EventBusName":"`+bus+`"}`)
	if status != 200 {
		return "no bus"
	}
	var names []string
	for part := range strings.SplitSeq(answer, `"Name":"`) {
		if name, _, found := strings.Cut(part, `"`); found && !strings.HasPrefix(part, "{") {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func is2(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// What the assembly makes and what SDK calls make live side by side.
func TestOrigins(t *testing.T) {
	o := eventbridge.Options{Queues: openQueues(t, freeQueues(t, "a")...), Dir: t.TempDir()}
	s := started(t, o)
	again := func() { s = reopen(t, s, o) } // with the test's own life, not a subtest's
	first := rule("first", `{"source":["app"]}`, "a")
	applied(t, s, config(first, rule("second", `{"source":["app"]}`)))
	ok(t, s, "CreateEventBus", `{"Name":"mine","Description":"d","Tags":[{"Key":"k","Value":"v"}]}`)
	ok(t, s, "PutRule", `{"Name":"own","EventBusName":"mine","EventPattern":"{\"source\":[\"x\"]}","State":"DISABLED"}`)
	ok(t, s, "PutRule", `{"Name":"guest","EventBusName":"bus","EventPattern":"{\"source\":[\"app\"]}"}`)
	ok(t, s, "PutTargets", `{"Rule":"guest","EventBusName":"bus","Targets":[{"Id":"q","Arn":"`+queuePrefix+`a","InputPath":"$.detail","RetryPolicy":{"MaximumRetryAttempts":3}}]}`)
	ok(t, s, "PutRule", `{"Name":"nightly","ScheduleExpression":"cron(0 3 * * ? *)"}`)
	ok(t, s, "CreateArchive", `{"ArchiveName":"kept","EventSourceArn":"`+busPrefix+`mine","RetentionDays":2}`)

	t.Run("Apply leaves alone what SDK calls made", func(t *testing.T) {
		applied(t, s, config(first))
		is2(t, "rules of the assembly's bus", rulesOf(t, s, "bus"), "first guest")
		is2(t, "rules of the other", rulesOf(t, s, "mine"), "own")
	})
	t.Run("SDK calls change a thing of the assembly until it asks for something else", func(t *testing.T) {
		ok(t, s, "DisableRule", `{"Name":"first","EventBusName":"bus"}`)
		applied(t, s, config(first))
		if got := ok(t, s, "DescribeRule", `{"Name":"first","EventBusName":"bus"}`); !strings.Contains(got, "DISABLED") {
			t.Errorf("the same configuration changed the rule back: %s", got)
		}
		other := first
		other.Description = "other"
		applied(t, s, config(other))
		if got := ok(t, s, "DescribeRule", `{"Name":"first","EventBusName":"bus"}`); !strings.Contains(got, "ENABLED") {
			t.Errorf("another configuration did not change the rule: %s", got)
		}
	})
	t.Run("a rule of the assembly that was deleted stays away until it asks for something else", func(t *testing.T) {
		ok(t, s, "RemoveTargets", `{"Rule":"first","EventBusName":"bus","Ids":["a"]}`)
		ok(t, s, "DeleteRule", `{"Name":"first","EventBusName":"bus"}`)
		other := first
		other.Description = "other"
		applied(t, s, config(other))
		is2(t, "rules", rulesOf(t, s, "bus"), "guest")
		applied(t, s, config(first))
		is2(t, "rules", rulesOf(t, s, "bus"), "first guest")
	})
	t.Run("after a restart it is all there again", func(t *testing.T) {
		again()
		is2(t, "rules before Apply", rulesOf(t, s, "mine"), "own")
		is2(t, "a bus before Apply", rulesOf(t, s, "bus"), "no bus")
		ok(t, s, "DisableRule", `{"Name":"nightly"}`)
		applied(t, s, config(first))
		is2(t, "rules of the assembly's bus", rulesOf(t, s, "bus"), "first guest")
		is2(t, "rules of the default bus", rulesOf(t, s, "default"), "nightly")
		if got := ok(t, s, "ListTargetsByRule", `{"Rule":"guest","EventBusName":"bus"}`); !strings.Contains(got, `"InputPath":"$.detail"`) || !strings.Contains(got, `"MaximumRetryAttempts":3`) {
			t.Errorf("targets %s", got)
		}
		if got := ok(t, s, "DescribeRule", `{"Name":"own","EventBusName":"mine"}`); !strings.Contains(got, "DISABLED") {
			t.Errorf("rule %s", got)
		}
		if got := ok(t, s, "ListTagsForResource", `{"ResourceARN":"`+busPrefix+`mine"}`); !strings.Contains(got, `"Value":"v"`) {
			t.Errorf("tags %s", got)
		}
		if got := ok(t, s, "DescribeArchive", `{"ArchiveName":"kept"}`); !strings.Contains(got, `"RetentionDays":2`) {
			t.Errorf("archive %s", got)
		}
	})
	t.Run("what SDK calls deleted does not come back", func(t *testing.T) {
		ok(t, s, "RemoveTargets", `{"Rule":"guest","EventBusName":"bus","Ids":["q"]}`)
		ok(t, s, "DeleteRule", `{"Name":"guest","EventBusName":"bus"}`)
		applied(t, s, config())
		applied(t, s, config(first))
		is2(t, "rules", rulesOf(t, s, "bus"), "first")
		again()
		applied(t, s, config(first))
		is2(t, "rules", rulesOf(t, s, "bus"), "first")
	})
	t.Run("a name that both want becomes the assembly's, with what is in it", func(t *testing.T) {
		put(t, s, eventbridge.Entry{Source: "x", DetailType: "t", Detail: "{}", EventBusName: "mine"})
		c := config(first)
		c.Buses = append(c.Buses, eventbridge.BusConfig{Name: "mine", Description: "of the assembly"})
		c.Rules = append(c.Rules, eventbridge.RuleConfig{Name: "own", EventBusName: "mine", EventPattern: []byte(`{"source":["y"]}`)})
		c.Archives = []eventbridge.ArchiveConfig{{Name: "kept", EventSourceARN: busPrefix + "mine"}}
		applied(t, s, c)
		if got := ok(t, s, "DescribeRule", `{"Name":"own","EventBusName":"mine"}`); !strings.Contains(got, `[\"y\"]`) {
			t.Errorf("rule %s", got)
		}
		if n := s.Archived("kept"); n != 1 {
			t.Errorf("the archive has %d events", n)
		}
		again()
		if n := s.Archived("kept"); n != 1 {
			t.Errorf("the archive has %d events after a restart", n)
		}
		is2(t, "a bus that is the assembly's, before Apply", rulesOf(t, s, "mine"), "no bus")
		applied(t, s, c)
		applied(t, s, config(first))
		is2(t, "a bus that the assembly gave up", rulesOf(t, s, "mine"), "no bus")
		if status, _ := call(t, s, "DescribeArchive", `{"ArchiveName":"kept"}`); status == 200 {
			t.Error("the archive that the assembly gave up is there")
		}
	})
	t.Run("a bus that the assembly gives up stays as long as SDK calls need it", func(t *testing.T) {
		ok(t, s, "PutRule", `{"Name":"guest","EventBusName":"bus","EventPattern":"{\"source\":[\"app\"]}"}`)
		applied(t, s, eventbridge.Config{})
		is2(t, "rules", rulesOf(t, s, "bus"), "guest")
		again()
		applied(t, s, eventbridge.Config{})
		is2(t, "rules", rulesOf(t, s, "bus"), "guest")
	})
}

// The default bus is nobody's: what SDK calls do to it is kept, unless the
// assembly says what it is.
func TestDefaultBus(t *testing.T) {
	o := eventbridge.Options{Queues: openQueues(t), Dir: t.TempDir()}
	s := started(t, o)
	policy := func() string {
		_, after, _ := strings.Cut(ok(t, s, "DescribeEventBus", `{}`), `"Policy":`)
		return after
	}
	ok(t, s, "PutPermission", `{"StatementId":"mine","Action":"events:PutEvents","Principal":"111111111111"}`)
	s = reopen(t, s, o)
	applied(t, s, config())
	if !strings.Contains(policy(), "mine") {
		t.Errorf("the policy is lost: %s", policy())
	}
	c := config()
	c.Buses = append(c.Buses, eventbridge.BusConfig{Name: "default", Policy: `{"Statement":[{"Sid":"theirs","Effect":"Allow","Principal":"*","Action":"events:PutEvents","Resource":"*"}]}`})
	applied(t, s, c)
	if !strings.Contains(policy(), "theirs") || strings.Contains(policy(), "mine") {
		t.Errorf("the assembly's policy is not there: %s", policy())
	}
	applied(t, s, config())
	if policy() != "" {
		t.Errorf("the assembly's policy is there: %s", policy())
	}
	s = reopen(t, s, o)
	if policy() != "" {
		t.Errorf("an older policy came back: %s", policy())
	}
}

// An error of Apply changes nothing, and what waits for its bus waits on.
func TestApplyFails(t *testing.T) {
	o := eventbridge.Options{Queues: openQueues(t, freeQueues(t, "a")...), Dir: t.TempDir()}
	s := started(t, o)
	applied(t, s, config(rule("r", `{"source":["app"]}`)))
	ok(t, s, "PutRule", `{"Name":"guest","EventBusName":"bus","EventPattern":"{\"source\":[\"app\"]}"}`)
	s = reopen(t, s, o)
	if err := s.Apply(config(rule("bad", `{}`))); err == nil {
		t.Fatal("no error")
	}
	is2(t, "after an error", rulesOf(t, s, "bus"), "no bus")
	applied(t, s, config())
	is2(t, "after a success", rulesOf(t, s, "bus"), "guest")
}
