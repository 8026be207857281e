package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/scenario"
)

// atom is the smallest part of what a role allows: one action on one resource, on
// the conditions of its statement.
type atom struct {
	role     string // the function's short name
	roleARN  string
	sid      string
	action   string
	resource string // the ARN without its first five parts and the deployment's prefix
	document iam.Document
}

func (a atom) String() string { return a.role + " " + a.sid + " " + a.action + " " + a.resource }

// surplus names atoms that a full run does not need, with the reason why they are
// granted even so. "" stands for any; roles and actions may be several, with blanks
// between them.
type surplus struct {
	roles, sid, actions, resource, why string
	// seldom: a run may need it all the same, when two handlers want one item or one
	// is slow.
	seldom bool
}

func (u surplus) names(a atom) bool {
	one := func(list, name string) bool { return list == "" || slices.Contains(strings.Fields(list), name) }
	return one(u.roles, a.role) && (u.sid == "" || u.sid == a.sid) && one(u.actions, a.action) && (u.resource == "" || u.resource == a.resource)
}

var unused = []surplus{
	{"", "WriteLog", "", "", "Lambda writes a function's log with its role; the local runtime keeps logs in memory", false},
	{"", "WriteTrace", "", "", "Lambda sends a function's trace to X-Ray with its role; there is no X-Ray here", false},
	{"relay low_stock", "ReadStream", "dynamodb:ListStreams", "", "AWS names it among what a mapping of a stream needs when it is made", false},

	{"", "RecordDelivery", "dynamodb:GetItem", "", "DynamoDB shows the record with a refusal; the consumer reads it where it does not", false},
	{transactional, "RecordDelivery", "dynamodb:PutItem", "", "bus.On puts a first record, bus.OnTx updates it: a subscription may have both, and its role is the same", false},
	{reactions, "Consume", "sqs:ChangeMessageVisibility", "", "a message is hidden when an attempt fails or an item is contended; in this run only some do", true},

	{"api", "ReadTables", "dynamodb:BatchGetItem", "table/user_stats", "bus.Reads grants all that package orm reads with; the API reads one item", false},
	{"api", "ReadTables", "dynamodb:Query", "table/user_stats", "bus.Reads grants all that package orm reads with; the API reads one item", false},
	{"api", "WriteTables", "dynamodb:BatchGetItem", "table/users", "bus.Writes grants all that package orm does; the API reads one item at a time", false},
	{"api", "WriteTables", "dynamodb:Query", "table/users", "bus.Writes grants all that package orm does; the API reads by key", false},
	{"api", "WriteTables", "dynamodb:DeleteItem", "table/users", "bus.Writes grants all that package orm does; no user is deleted", false},
	{"api", "WriteTables", "dynamodb:ConditionCheckItem", "table/users", "bus.Writes grants all that package orm does; no commit checks another user", false},

	{"api reserve_stock order_process low_stock", "ReadLog", "dynamodb:GetItem", "table/events", "bus.Commits lets its function look up an event by its id; here none does", false},
	{"low_stock", "ReadLog", "dynamodb:Query", "table/events", "bus.Commits lets its function read the head of a stream; low_stock commits facts of no stream", false},
	{"api reserve_stock order_process low_stock", "SaveSnapshots", "", "table/state", "bus.Commits lets an aggregate save its snapshot; this application has none", false},

	{"count_total", "WriteTables", "dynamodb:GetItem", "table/user_stats", counters, false},
	{"count_total", "WriteTables", "dynamodb:BatchGetItem", "table/user_stats", counters, false},
	{"count_total", "WriteTables", "dynamodb:Query", "table/user_stats", counters, false},
	{"count_total", "WriteTables", "dynamodb:PutItem", "table/user_stats", counters, false},
	{"count_total", "WriteTables", "dynamodb:DeleteItem", "table/user_stats", counters, false},
	{"count_total", "WriteTables", "dynamodb:ConditionCheckItem", "table/user_stats", counters, false},
	{"count_total", "WriteBatches", "", "table/user_stats", counters, false},
	{"count_active", "WriteTables", "dynamodb:GetItem", "table/user_stats", counters, false},
	{"count_active", "WriteTables", "dynamodb:BatchGetItem", "table/user_stats", counters, false},
	{"count_active", "WriteTables", "dynamodb:Query", "table/user_stats", counters, false},
	{"count_active", "WriteTables", "dynamodb:PutItem", "table/user_stats", counters, false},
	{"count_active", "WriteTables", "dynamodb:DeleteItem", "table/user_stats", counters, false},
	{"count_active", "WriteTables", "dynamodb:ConditionCheckItem", "table/user_stats", counters, false},
	{"count_active", "WriteBatches", "", "table/user_stats", counters, false},

	{"reserve_stock low_stock", "CommitState", "", "table/state", "bus.Commits lets commits have commands and timers; these have none", false},
	{"order_process", "CommitState", "dynamodb:PutItem", "table/state", "bus.Commits lets commits have commands and timers; the process only cancels timers", false},
	{"reserve_stock order_process low_stock", "ReadState", "", "table/state", "bus.Commits lets an aggregate read its snapshot, and a command its record; these have none", false},
	{"low_stock", "GiveUp", "", "", "no change of the run is given up: TestLowStock has one", false},
	{"project_summary", "KeepCheckpoints", "dynamodb:GetItem", "table/state", "an ordered consumer looks at its place when somebody else has it", true},
	{"project_summary", "MoveCheckpoints", "", "table/state", "KeepCheckpoints covers it here; AWS does not say whether its condition on keys covers one action of a transaction", false},
	{"project_summary", "QueryIndexes", "", "", "bus.Writes grants the indexes of its tables; the projection reads by key", false},

	{"api", "ReadTables", "dynamodb:BatchGetItem dynamodb:Query", "table/dashboards", "bus.Reads grants all that package orm reads with; the API reads one item", false},
	{"api", "ReadTables", "dynamodb:BatchGetItem dynamodb:Query", "table/order_summaries", "bus.Reads grants all that package orm reads with; the API reads one item, and lists by the index", false},
	{"confirm_order notify_distributor", "ReadTables", "dynamodb:BatchGetItem dynamodb:Query", "table/endpoints", "bus.Reads grants all that package orm reads with; a caller reads one endpoint", false},
	{"api", "WriteTables", "dynamodb:BatchGetItem dynamodb:Query dynamodb:UpdateItem dynamodb:DeleteItem dynamodb:ConditionCheckItem", "table/inventory", whole, false},
	{"api", "WriteTables", "dynamodb:GetItem dynamodb:BatchGetItem dynamodb:Query dynamodb:UpdateItem dynamodb:DeleteItem dynamodb:ConditionCheckItem", "table/endpoints", whole, false},
	{"reserve_stock", "WriteTables", "dynamodb:GetItem dynamodb:Query dynamodb:PutItem dynamodb:DeleteItem dynamodb:ConditionCheckItem", "table/inventory", whole, false},
	{"release_stock", "WriteTables", "dynamodb:GetItem dynamodb:BatchGetItem dynamodb:Query dynamodb:PutItem dynamodb:DeleteItem dynamodb:ConditionCheckItem", "table/inventory", whole, false},
	{"analyse_orders", "WriteTables", "dynamodb:GetItem dynamodb:BatchGetItem dynamodb:Query dynamodb:PutItem dynamodb:DeleteItem dynamodb:ConditionCheckItem", "table/order_analytics", whole, false},
	{"project_dashboard", "WriteTables", "dynamodb:BatchGetItem dynamodb:Query dynamodb:UpdateItem dynamodb:DeleteItem dynamodb:ConditionCheckItem", "table/dashboards", whole, false},
	{"project_summary", "WriteTables", "dynamodb:BatchGetItem dynamodb:Query dynamodb:UpdateItem dynamodb:DeleteItem dynamodb:ConditionCheckItem", "table/order_summaries", whole, false},
	{"api", "WriteBatches", "", "table/inventory", whole, false},
	{"api", "WriteBatches", "", "table/endpoints", whole, false},
	{"reserve_stock release_stock", "WriteBatches", "", "table/inventory", whole, false},
	{"analyse_orders", "WriteBatches", "", "table/order_analytics", whole, false},
}

// Functions of one kind.
const (
	transactional = "count_total count_active analyse_orders audit_orders order_process project_dashboard project_summary release_stock reserve_stock low_stock"
	reactions     = "analyse_orders audit_orders notify_distributor order_process project_dashboard project_summary release_stock reserve_stock"
)

const whole = "bus.Writes grants all that package orm does with a table; this function does some of it"

const counters = "bus.Writes grants all that package orm does; a counter is one update"

// TestLeastPrivilege runs everything that the reference application does, and
// judges what its functions' roles were asked for: each permission that a role has
// is needed by some call, which would be denied without it, or has its reason above.
func TestLeastPrivilege(t *testing.T) {
	var rec recording
	stage := startRecorded(t, "", &rec)
	everything(t, stage)
	needs := rec.stop()

	atoms := atomsOf(t, "../.vinci/cdk.out")
	byRole := map[string][]atom{}
	for _, a := range atoms {
		byRole[a.roleARN] = append(byRole[a.roleARN], a)
	}
	// What the atoms allow is what the role allows: nothing was denied in the run.
	for role, calls := range needs {
		for _, n := range calls {
			if d := without(byRole[role], -1).Decide(n); !d.Allowed() {
				t.Errorf("%s was allowed in the run, and is denied by what the templates say: %s", role, d.Explain())
			}
		}
	}
	reasons := make([]int, len(unused))
	needed := 0
	for _, role := range slices.Sorted(maps.Keys(byRole)) {
		for i, a := range byRole[role] {
			policies := without(byRole[role], i)
			call := slices.IndexFunc(needs[role], func(n iam.Need) bool { return !policies.Decide(n).Allowed() })
			reason := slices.IndexFunc(unused, func(u surplus) bool { return u.names(a) })
			switch {
			case call < 0 && reason < 0:
				t.Errorf("no call needs it, and no reason is given: %s", a)
			case call >= 0 && reason >= 0 && !unused[reason].seldom:
				t.Errorf("%s needs no reason (%q): %s on %s needs it", a, unused[reason].why, needs[role][call].Action, needs[role][call].Resource)
			case call >= 0:
				needed++
			default:
				reasons[reason]++
			}
		}
	}
	for _, d := range rec.denied {
		t.Errorf("denied in the run: %s", d)
	}
	for i, n := range reasons {
		if n == 0 && !unused[i].seldom {
			t.Errorf("reason for what no role has: %+v", unused[i])
		}
	}
	t.Logf("%d permissions: %d needed by a call, %d with a reason", len(atoms), needed, len(atoms)-needed)
}

func decodeProperties(t *testing.T, r *assembly.Resource, v any) {
	t.Helper()
	raw, err := json.Marshal(r.Properties)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%s: %v", r.Where(), err)
	}
}

// without are the atoms as policies, but for one.
func without(atoms []atom, index int) iam.Policies {
	var p iam.Policies
	for i, a := range atoms {
		if i != index {
			p = append(p, a.document)
		}
	}
	return p
}

// atomsOf takes the roles of an assembly apart.
func atomsOf(t *testing.T, dir string) []atom {
	t.Helper()
	loaded, err := assembly.Load(dir, assembly.Environment{Account: gateway.DefaultAccount, Region: gateway.DefaultRegion})
	if err != nil {
		t.Fatal(err)
	}
	var all []atom
	for _, r := range loaded.Resources {
		switch r.Type {
		case "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy":
			t.Fatalf("%s: this test reads policies inside of roles only", r.Where())
		case "AWS::IAM::Role":
		default:
			continue
		}
		var role struct {
			Policies []struct {
				PolicyDocument struct {
					Statement []struct {
						Sid, Effect      string
						Action, Resource []string
						Condition        json.RawMessage `json:",omitempty"`
					}
				}
			}
		}
		decodeProperties(t, r, &role)
		path := strings.Split(strings.TrimSuffix(strings.TrimSuffix(r.ConstructPath, "/Role"), "/Handler"), "/")
		for _, p := range role.Policies {
			for _, s := range p.PolicyDocument.Statement {
				if s.Effect != "Allow" {
					t.Fatalf("%s: statement %s has effect %s: this test reads those that allow", r.Where(), s.Sid, s.Effect)
				}
				for _, action := range s.Action {
					for _, resource := range s.Resource {
						one := map[string]any{"Sid": s.Sid, "Effect": s.Effect, "Action": action, "Resource": resource}
						if s.Condition != nil {
							one["Condition"] = s.Condition
						}
						raw, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": one})
						if err != nil {
							t.Fatal(err)
						}
						d, err := iam.Parse(raw)
						if err != nil {
							t.Fatal(err)
						}
						all = append(all, atom{
							role: strings.ToLower(path[len(path)-1]), roleARN: r.ARN, sid: s.Sid, action: action, document: d,
							resource: strings.Replace(lastPart(resource), scenario.Deployment.Name(""), "", 1),
						})
					}
				}
			}
		}
	}
	return all
}

// lastPart is an ARN without its first five parts; * is all there is of itself.
func lastPart(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	return parts[len(parts)-1]
}

// recording is what the roles were asked for.
type recording struct {
	mu     sync.Mutex
	needs  map[string][]iam.Need // by role
	seen   map[string]bool
	denied []string
	done   bool
}

func (r *recording) observe(c gateway.Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done || c.Caller.RoleARN == "" {
		return
	}
	if c.Denied != nil {
		r.denied = append(r.denied, c.Denied.Explain())
	}
	for _, n := range c.Needs {
		key := fmt.Sprint(c.Caller.RoleARN, n.Action, n.Resource, n.Context)
		if r.seen[key] {
			continue
		}
		if r.seen == nil {
			r.seen, r.needs = map[string]bool{}, map[string][]iam.Need{}
		}
		r.seen[key] = true
		r.needs[c.Caller.RoleARN] = append(r.needs[c.Caller.RoleARN], n)
	}
}

func (r *recording) stop() map[string][]iam.Need {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = true
	return r.needs
}

func startRecorded(t *testing.T, dir string, rec *recording) *scenario.Stage {
	t.Helper()
	var stderr bytes.Buffer
	stage, err := scenario.Start(t.Context(), scenario.Options{Dir: "..", Assembly: dir, Observer: rec.observe, Polls: rec.observe}, progress.New(io.Discard), io.Discard, &stderr)
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	t.Cleanup(func() {
		if err := stage.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("%s", &stderr)
		}
	})
	return stage
}
