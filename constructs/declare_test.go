package constructs

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/local/declare"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/orm"
)

// TestDeclarationsOfTheLocalRuntime: what the local runtime tells people to
// declare when a call is denied is what grants the call, and where it knows of
// nothing, nothing grants it.
func TestDeclarationsOfTheLocalRuntime(t *testing.T) {
	d := &Deployment{names: names.Deployment{App: "shop", ID: "dev"}}
	stack := awscdk.NewStack(nil, nil, nil)
	resolve := func(text string) string {
		return strings.NewReplacer("${AWS::Region}", "us-east-1", "${AWS::AccountId}", "000000000000").Replace("arn:aws:" + arn(stack.Resolve(text)))
	}
	// All that may be touched: ARN, and its definition where it has one.
	type target struct {
		table orm.Definition
		index orm.IndexDefinition
	}
	targets := map[string]target{}
	for _, table := range []orm.Definition{users, stats, eventlog.Events, eventlog.State, bus.Deliveries} {
		targets[resolve(d.TableARN(table))] = target{table: table}
	}
	targets[resolve(d.indexARN(users, usersByStatus.IndexName()))] = target{users, usersByStatus}
	targets[resolve(d.BusARN())] = target{}
	targets[resolve(queueARN("shop-dev-welcome"))] = target{}

	// What each declaration grants on a target, as "action resource"; of the
	// framework's tables only what is allowed to be declared.
	options := map[string]func(target) bus.Grant{
		"bus.Reads":  func(x target) bus.Grant { return bus.Reads(x.table) },
		"bus.Scans":  func(x target) bus.Grant { return bus.Scans(x.table) },
		"bus.Writes": func(x target) bus.Grant { return bus.Writes(x.table) },
		"bus.Appends": func(x target) bus.Grant {
			return bus.Appends(x.table)
		},
		"bus.ReadsIndex": func(x target) bus.Grant {
			if x.index == nil {
				return nil
			}
			return bus.ReadsIndex(x.index)
		},
		"bus.Commits":   func(target) bus.Grant { return bus.Commits(userCreated) },
		"bus.Publishes": func(target) bus.Grant { return bus.Publishes(event.Type(userCreated)) },
	}
	granted := map[string]map[string]bool{} // option → action resource
	actions := map[string]bool{"dynamodb:DescribeTable": true, "dynamodb:PartiQLSelect": true, "dynamodb:DeleteTable": true, "s3:GetObject": true, "sqs:ReceiveMessage": true}
	for option, grant := range options {
		granted[option] = map[string]bool{}
		for _, x := range targets {
			if x.table == nil && !strings.Contains("bus.Commits bus.Publishes", option) {
				continue
			}
			g := grant(x)
			if g == nil {
				continue
			}
			var a bus.Access
			if g.Add(&a); a.Err() != nil {
				continue
			}
			for _, s := range d.accessStatements(a, eventlog.Events) {
				for _, action := range s.Actions {
					actions[action] = true
					for _, r := range s.Resources {
						granted[option][action+" "+resolve(r)] = true
					}
				}
			}
		}
	}
	f := declare.Function{Kind: declare.Subscription, Name: "welcome", Deployment: d.names}
	for _, action := range slices.Sorted(maps.Keys(actions)) {
		for resource, x := range targets {
			if action == "dynamodb:BatchWriteItem" && x.table != nil && needsConditions(x.table) {
				continue // the local runtime does not know: its hint says so
			}
			call := action + " " + resource
			option, ok := declare.Declaration(f, action, resource)
			some := slices.ContainsFunc(slices.Collect(maps.Values(granted)), func(calls map[string]bool) bool { return calls[call] })
			switch {
			case ok != some:
				t.Errorf("%s: a declaration grants it: %v; the local runtime knows of one: %v (%s)", call, some, ok, option)
			case ok && !granted[option][call]:
				t.Errorf("%s: the local runtime says %s, which does not grant it", call, option)
			case ok:
				hint := declare.Hint(f, iam.Policies{}.Decide(iam.Need{Action: action, Resource: resource}))
				if !strings.HasPrefix(hint, "add "+option+"(") || !strings.Contains(hint, `subscription "welcome"`) {
					t.Errorf("%s: the hint is %q", call, hint)
				}
			}
		}
	}

	// The one property: a subscription's own dead-letter queue.
	if option, _ := declare.Declaration(f, "sqs:SendMessage", resolve(queueARN(d.names.DeadLetterQueue("welcome")))); option != "DeadLetterQueue" {
		t.Errorf("sending to the dead-letter queue: the local runtime says %q", option)
	}
	roles := string(read(t, filepath.Join("testdata", "golden", "roles.txt"))) // TestRoles compares it with a synthesis
	for role, want := range map[string]bool{"counttotalHandlerRole": true, "countactiveHandlerRole": false} {
		_, text, _ := strings.Cut(roles, role)
		text, _, _ = strings.Cut(text, "\nshop-")
		if got := strings.Contains(text, "sqs:SendMessage\n    on "+fmt.Sprintf("%sDeadLetterQueue", strings.TrimSuffix(role, "HandlerRole"))); got != want {
			t.Errorf("%s may send to its dead-letter queue: %v, want %v as declared", role, got, want)
		}
	}
}
