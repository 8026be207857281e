package constructs

import (
	"path/filepath"
	"testing"

	"github.com/vinci-go/vinci/constructs/internal/rulepack"
)

// TestRules checks in the templates what the framework promises of its resources
// beyond the rules that every synthesis is judged by (package rulepack), and that
// these had something to judge.
func TestRules(t *testing.T) {
	for name, context := range map[string]map[string]string{
		"lasting":   {"deployment": "dev"},
		"ephemeral": {"deployment": "pr1", "vinci:ephemeral": "true"},
	} {
		t.Run(name, func(t *testing.T) {
			lasting := name == "lasting"
			app := testApp(false, context)
			judged := false
			app.judged = func(o rulepack.Options, _ *rulepack.Verdict) { judged = o.Ephemeral != lasting }
			out := synth(t, app)
			if !judged {
				t.Error("the templates were not judged, or as those of another kind of deployment")
			}
			files, err := filepath.Glob(filepath.Join(out, "*.template.json"))
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]int{}
			for _, file := range files {
				var all struct {
					Resources map[string]resource
				}
				decode(t, file, &all)
				for id, r := range all.Resources {
					seen[r.Type]++
					r.id, r.all = id, all.Resources
					checkResource(t, r, lasting)
				}
			}
			for kind, want := range map[string]int{
				"AWS::DynamoDB::GlobalTable": 6, "AWS::SQS::Queue": 10, "AWS::SQS::QueuePolicy": 10, "AWS::Events::Rule": 4,
				"AWS::Lambda::Function": 8, "AWS::Lambda::EventSourceMapping": 5, "AWS::Logs::LogGroup": 9,
			} {
				if seen[kind] != want {
					t.Errorf("%d of %s, want %d", seen[kind], kind, want)
				}
			}
			if seen["AWS::CDK::Metadata"] > 0 {
				t.Error("the templates report to the CDK's analytics")
			}
		})
	}
}

type resource struct {
	Type                string
	Properties          properties
	DeletionPolicy      string
	UpdateReplacePolicy string

	id  string
	all map[string]resource
}

type properties struct {
	TableName, QueueName, FunctionName, RoleName, Name any

	Replicas []struct {
		DeletionProtectionEnabled        bool
		PointInTimeRecoverySpecification struct{ PointInTimeRecoveryEnabled bool }
	}
	SqsManagedSseEnabled bool
	RedrivePolicy        struct {
		MaxReceiveCount int `json:"maxReceiveCount"`
	}
	Targets []struct {
		Arn map[string]any
	}
	ScheduleExpression         string
	SourceArn                  any
	Principal                  string
	BisectBatchOnFunctionError bool
	StartingPosition           string
	MaximumRetryAttempts       int
	Timeout                    int
}

// target is the resource that an Fn::GetAtt points at.
func (r resource) target(t *testing.T, getAtt map[string]any) resource {
	t.Helper()
	path, ok := getAtt["Fn::GetAtt"].([]any)
	if !ok {
		t.Fatalf("%s: %v is no attribute of a resource in the same stack", r.id, getAtt)
	}
	found, ok := r.all[path[0].(string)]
	if !ok {
		t.Fatalf("%s: %v is not in the same stack", r.id, path[0])
	}
	found.id, found.all = path[0].(string), r.all
	return found
}

func checkResource(t *testing.T, r resource, lasting bool) {
	t.Helper()
	wrong := func(format string, args ...any) {
		t.Helper()
		t.Errorf(r.Type+" "+r.id+": "+format, args...)
	}
	p := r.Properties
	switch r.Type {
	case "AWS::DynamoDB::GlobalTable":
		// An ephemeral table goes with its stack; and a lasting one that nobody will
		// ever have used goes again when its stack cannot be made.
		if len(p.Replicas) != 1 || p.Replicas[0].DeletionProtectionEnabled != lasting || p.Replicas[0].PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled != lasting {
			wrong("protection and recovery of a table that is lasting=%v: %+v", lasting, p.Replicas)
		}
		deletion, replace := "Delete", "Delete"
		if lasting {
			deletion, replace = "RetainExceptOnCreate", "Retain"
		}
		if r.DeletionPolicy != deletion || r.UpdateReplacePolicy != replace {
			wrong("policies %s and %s, want %s and %s", r.DeletionPolicy, r.UpdateReplacePolicy, deletion, replace)
		}
	case "AWS::SQS::Queue":
		if !p.SqsManagedSseEnabled { // SQS's default, and said even so
			wrong("does not say that it is encrypted")
		}
		if n := p.RedrivePolicy.MaxReceiveCount; n != 0 && n != maxReceiveCount {
			wrong("gives a message up after %d receives", n)
		}
	case "AWS::Events::Rule":
		if p.ScheduleExpression != "" {
			checkSchedule(t, r)
			break
		}
		for _, target := range p.Targets {
			if r.target(t, target.Arn).Type != "AWS::SQS::Queue" {
				wrong("target %+v", target)
			}
		}
	case "AWS::Lambda::EventSourceMapping":
		if p.StartingPosition != "" && (!p.BisectBatchOnFunctionError || p.MaximumRetryAttempts < 1) {
			wrong("a stream's mapping: %+v", p)
		}
	}
	// Only what another stack or program looks for by name has one.
	named := p.TableName != nil || p.QueueName != nil || p.FunctionName != nil || p.RoleName != nil || p.Name != nil
	switch r.Type {
	case "AWS::DynamoDB::GlobalTable", "AWS::SQS::Queue", "AWS::Events::EventBus", "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Authorizer", "AWS::Logs::QueryDefinition": // the names of these last three are no identity
		if !named {
			wrong("has no name")
		}
	case "AWS::Lambda::EventSourceMapping": // FunctionName points at the function
	default:
		if named && r.Type != "AWS::Lambda::Permission" {
			wrong("has a name")
		}
	}
}

// checkSchedule: a schedule calls one function, which lets this very rule, and
// which is done before it is called again.
func checkSchedule(t *testing.T, rule resource) {
	t.Helper()
	p := rule.Properties
	if p.ScheduleExpression != "rate(1 minute)" || len(p.Targets) != 1 {
		t.Fatalf("%s: %s to %d targets", rule.id, p.ScheduleExpression, len(p.Targets))
	}
	f := rule.target(t, p.Targets[0].Arn)
	if f.Type != "AWS::Lambda::Function" || f.Properties.Timeout >= 60 {
		t.Errorf("%s calls a %s with a time-out of %d s", rule.id, f.Type, f.Properties.Timeout)
	}
	allowed := false
	for _, other := range rule.all {
		ref, _ := other.Properties.FunctionName.(map[string]any)
		if other.Type == "AWS::Lambda::Permission" && ref["Ref"] == f.id && other.Properties.Principal == "events.amazonaws.com" {
			source, _ := other.Properties.SourceArn.(map[string]any)
			allowed = rule.target(t, source).id == rule.id
		}
	}
	if !allowed {
		t.Errorf("%s may not call its function", rule.id)
	}
}
