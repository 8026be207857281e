package capture_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/capture/capturetest"
	"github.com/vinci-go/vinci/event/pattern"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// TestDefinitions: everything that is wrong with a definition is told, each with the
// place and how to mend it.
func TestDefinitions(t *testing.T) {
	broken := orm.Define[struct {
		Name string `dynamo:"name"`
	}, string]("broken")
	var absent *orm.Table[box, orm.Pair[string, int]]
	for _, c := range []struct {
		def  *capture.Definition
		want []string
	}{
		{nil, []string{"the definition is nil"}},
		{capture.Define("Follow", boxes), []string{`name "Follow"`, "definition_test.go:"}},
		{capture.Define("follow_dlq", boxes), []string{"reserved"}},
		{capture.Define("follow", nil), []string{"it has no table"}},
		{capture.Define("follow", absent), []string{"it has no table"}},
		{capture.Define("follow", broken), []string{"its table is defined wrong", "no partition key"}},
		{capture.Define("follow", totals), []string{`table "totals" has no stream`, "orm.Stream()"}},
		{capture.Define("follow", eventlog.Events), []string{"the framework's own", "bus.Subscription"}},
		{capture.Define("follow", bus.Deliveries), []string{"the framework's own"}},
		{capture.Define("follow", boxes, nil), []string{"option 0 is nil"}},
		{capture.Define("follow", boxes, capture.Operations()), []string{"names none"}},
		{capture.Define("follow", boxes, capture.Operations("MERGE", capture.Insert, capture.Insert)), []string{`names "MERGE"`, "names INSERT twice"}},
		{capture.Define("follow", boxes, capture.Tenant(totals, func(x *total) *string { return &x.Room })), []string{`capture.Tenant is about table "totals"`}},
		{capture.Define("follow", boxes, capture.Tenant(absent, nil)), []string{"capture.Tenant got no table"}},
		{capture.Define("follow", boxes, bus.Writes(totals, totals), bus.Reads(nil)), []string{"names table \"totals\" twice", "table 0 of bus.Reads is nil"}},
	} {
		err := c.def.Err()
		if !errors.Is(err, bus.KindDefinition) {
			t.Errorf("%v: %v", c.def, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error lacks %q:\n%v", want, err)
			}
		}
	}
	if err := follow.Err(); err != nil {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	nothing := func(context.Context, capture.Change[box]) error { return nil }
	other := orm.Define[total, string]("others", orm.Stream())
	for _, c := range []struct {
		parts []capture.Part
		want  string
	}{
		{nil, "it has no handler"},
		{[]capture.Part{nil}, "part 0 is nil"},
		{[]capture.Part{capture.Handler{}}, "handler 0 is empty"},
		{[]capture.Part{capture.On(boxes, nil)}, "the handler has no function"},
		{[]capture.Part{capture.On[box, string](nil, nothing)}, "the handler has no table"},
		{[]capture.Part{capture.On(boxes, nothing), capture.On(boxes, nothing)}, "a second handler, the first is at "},
		{[]capture.Part{capture.On(other, func(context.Context, capture.Change[total]) error { return nil })}, `the handler is for table "others"`},
		{[]capture.Part{capture.On(boxes, nothing), capture.Use(nil)}, "middleware 0 of capture.Use is nil"},
	} {
		if err := capture.Check(follow, c.parts...); !errors.Is(err, bus.KindDefinition) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q, got %v", c.want, err)
		}
	}
	if err := capture.Check(follow, capture.On(boxes, nothing), capture.Use(func(n bus.Next) bus.Next { return n })); err != nil {
		t.Error(err)
	}
	_, err := capture.NewConsumer(capture.ConsumerOptions{Definition: follow, Parts: []capture.Part{capture.On(boxes, nothing)}})
	for _, want := range []string{"Store is nil", "FailureQueue is nil", "QueueName is empty"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// TestFilters: the mapping's patterns let through what the definition wants and
// nothing else, and the consumer agrees with them.
func TestFilters(t *testing.T) {
	if got := follow.Filters(); got != nil {
		t.Errorf("a handler of everything filters: %v", got)
	}
	ops := []capture.Operation{capture.Insert, capture.Modify, capture.Remove}
	for bits := 1; bits < 1<<len(ops); bits++ {
		var wanted []capture.Operation
		for i, op := range slices.Backward(ops) {
			if bits&(1<<i) != 0 {
				wanted = append(wanted, op)
			}
		}
		t.Run(fmt.Sprint(wanted), func(t *testing.T) {
			def := capture.Define("some", boxes, capture.Operations(wanted...))
			if err := def.Err(); err != nil {
				t.Fatal(err)
			}
			var seen []capture.Operation
			k := capturetest.New(t, def, capture.On(boxes, func(_ context.Context, c capture.Change[box]) error {
				seen = append(seen, c.Operation)
				return nil
			}))
			k.Write(put("a", 1, 1))
			k.Write(put("a", 1, 2))
			k.Write(boxes.Delete(orm.Key("a", 1)))
			k.Deliver()
			var passed []capture.Operation
			for _, r := range k.Records() {
				body, err := json.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				matches := 0
				for _, source := range def.Filters() {
					p, err := pattern.Compile([]byte(source))
					if err != nil {
						t.Fatalf("%s: %v", source, err)
					}
					if ok, err := p.Match(body); err != nil {
						t.Fatal(err)
					} else if ok {
						matches++
					}
				}
				if matches > 1 {
					t.Errorf("%d patterns match %s", matches, r.EventName)
				}
				if matches == 1 || def.Filters() == nil {
					passed = append(passed, capture.Operation(r.EventName))
				}
			}
			slices.SortFunc(wanted, func(a, b capture.Operation) int { return slices.Index(ops, a) - slices.Index(ops, b) })
			if !slices.Equal(passed, wanted) || !slices.Equal(seen, wanted) || !slices.Equal(def.Operations, wanted) {
				t.Errorf("the mapping lets %v through and the consumer handles %v, want %v", passed, seen, wanted)
			}
		})
	}
}

type account struct {
	ID    string `dynamo:"id,hash"`
	Email string `dynamo:"email" unique:"normalized"`
	Name  string `dynamo:"name"`
}

// TestUniqueValues: the items by which a table keeps values unique are not shown.
func TestUniqueValues(t *testing.T) {
	accounts := orm.Define[account, string]("accounts", orm.Stream())
	var seen []string
	k := capturetest.New(t, capture.Define("mirror", accounts), capture.On(accounts, func(_ context.Context, c capture.Change[account]) error {
		seen = append(seen, string(c.Operation)+" "+c.Item().ID)
		return nil
	}))
	k.Write(accounts.Insert(account{ID: "1", Email: "a@example.com"}))
	k.Write(accounts.Put(account{ID: "1", Email: "b@example.com"}))
	k.Write(accounts.Delete("1"))
	k.Deliver()
	if want := []string{"INSERT 1", "MODIFY 1", "REMOVE 1"}; !slices.Equal(seen, want) || len(k.Records()) <= len(want) {
		t.Errorf("of %d records %v were handled, want %v", len(k.Records()), seen, want)
	}
}

type secretive struct {
	Token string `dynamo:"token,hash" output:"hidden"`
	N     int    `dynamo:"n"`
}

// TestSecretKey: a key that the definition keeps out of errors is in no message.
func TestSecretKey(t *testing.T) {
	secrets := orm.Define[secretive, string]("secrets", orm.Stream())
	k := capturetest.New(t, capture.Define("mirror", secrets), capture.On(secrets, func(context.Context, capture.Change[secretive]) error {
		return bus.Permanent(errors.New("no"))
	}))
	k.Write(secrets.Put(secretive{Token: "swordfish"}))
	k.Deliver()
	l := k.Failures()
	if len(l) != 1 || strings.Contains(l[0].Body, "swordfish") || !strings.Contains(l[0].Body, `"item":"***"`) {
		t.Errorf("failures %v", l)
	}
}

// TestExpired: what a time to live has removed says so.
func TestExpired(t *testing.T) {
	var got []bool
	k := capturetest.New(t, follow, capture.On(boxes, func(_ context.Context, c capture.Change[box]) error {
		got = append(got, c.Expired)
		return nil
	}))
	k.Write(put("a", 1, 1))
	k.Write(boxes.Delete(orm.Key("a", 1)))
	records := k.Records()
	records[1].UserIdentity = &events.DynamoDBUserIdentity{Type: "Service", PrincipalID: "dynamodb.amazonaws.com"}
	k.DeliverRecords(records...)
	if !slices.Equal(got, []bool{false, true}) {
		t.Errorf("expired: %v", got)
	}
}
