package rulepack

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// justified makes the exceptions that the mend lines of problems ask for.
func justified(t *testing.T, v *Verdict) []Exception {
	t.Helper()
	var all []Exception
	for _, p := range v.Problems {
		_, line, ok := strings.Cut(p.Mend, "app.Allow(constructs.Exception{")
		parts := strings.Split(line, `"`)
		if !ok || len(parts) < 6 {
			t.Fatalf("no exception in the mend line: %s", p.Mend)
		}
		e := Exception{Rule: parts[1], Resource: parts[3], Reason: "a test has its reasons", At: "app.go:1"}
		if !slices.Contains(all, e) {
			all = append(all, e)
		}
	}
	return all
}

// TestJustify takes what each finding's mend line says over, and nothing is left to
// say. In another deployment it is the same, so application and deployment are in no
// exception.
func TestJustify(t *testing.T) {
	for _, rule := range Rules() {
		if rule.Hard {
			continue
		}
		t.Run(rule.ID, func(t *testing.T) {
			text, ok := large[rule.ID]
			if !ok {
				text = load(t, filepath.Join("testdata", "bad", strings.TrimPrefix(rule.ID, "vinci/")+".json"))
			}
			v := judge(t, write(t, map[string]string{"shop-dev-own": text}), Options{Prefix: "shop-dev-"})
			exceptions := justified(t, v)
			for _, deployment := range []string{"dev", "pr12"} {
				there := strings.ReplaceAll(text, "shop-dev-", "shop-"+deployment+"-")
				again := judge(t, write(t, map[string]string{"shop-" + deployment + "-own": there}),
					Options{Prefix: "shop-" + deployment + "-", Exceptions: exceptions})
				if len(again.Problems) > 0 {
					t.Errorf("deployment %s: left:\n%v", deployment, again.Problems)
				}
				if len(again.Excepted) != len(exceptions) {
					t.Errorf("deployment %s: %d exceptions of %d were used", deployment, len(again.Excepted), len(exceptions))
				}
			}
		})
	}
}

// TestEphemeral: what keeps data is not judged where none is kept, and an exception
// from it is not for nothing.
func TestEphemeral(t *testing.T) {
	dir := write(t, map[string]string{"shop-pr1-own": load(t, "testdata/bad/table-retain.json")})
	o := Options{Prefix: "shop-pr1-", Ephemeral: true, Exceptions: []Exception{{Rule: TableRetain, Resource: "own/Nothing", Reason: "a cache"}}}
	if v := judge(t, dir, o); len(v.Problems) > 0 {
		t.Error(v.Problems)
	}
	o.Ephemeral = false
	if v := judge(t, dir, o); len(v.Problems) != 1 || !strings.Contains(v.Problems[0].What, "Replaced") {
		t.Error(v.Problems)
	}
}

// TestBadExceptions: what is wrong with exceptions, all at once.
func TestBadExceptions(t *testing.T) {
	v := judge(t, write(t, map[string]string{"shop-dev-own": `{"Resources": {
		"Queue": {"Type": "AWS::SQS::Queue", "Metadata": {"vinci": {"allow": [{"rule": "vinci/queue-tls", "reason": " "}, {"rule": "vinci/queue-encryption", "reason": "a test"}]}}},
		"Topic": {"Type": "AWS::SNS::Topic"}}}`}), Options{
		Prefix: "shop-dev-",
		Nag:    &NagReport{Suppressed: []NagLine{{Rule: "AwsSolutions-SNS3", Path: "shop-dev-own/Topic/Resource", Reason: "not so"}}},
		Exceptions: []Exception{
			{Rule: "vinci/queue-plain", Resource: "own/Queue", Reason: "there is no such rule", At: "app.go:1"},
			{Rule: "vinci/stack-size", Resource: "own", Reason: "CloudFormation refuses it", At: "app.go:2"},
			{Rule: "vinci/role-actions", Resource: "own/Role", Reason: "from all findings at once", At: "app.go:3"},
			{Rule: "AwsSolutions-IAM5", Resource: "own/Role", Reason: "from all findings at once", At: "app.go:4"},
			{Rule: "AwsSolutions-SNS3", Resource: "own/Topic", Reason: "too short", At: "app.go:5"},
			{Rule: "vinci/dlq-retention", Resource: "", Reason: "no resource", At: "app.go:6"},
			{Rule: "", Resource: "own/Queue", Reason: "no rule", At: "app.go:7"},
			{Rule: "vinci/dlq-retention", Resource: "own/Queue", Reason: "it is none", At: "app.go:8"},
			{Rule: "vinci/dlq-retention", Resource: "own/Queue", Reason: "it is none", At: "app.go:9"},
			{Rule: "AwsSolutions-S1", Resource: "own/Bucket", Reason: "there is no bucket here", At: "app.go:10"},
		},
	})
	got := v.Problems.Error() + "\n"
	const golden = "testdata/exceptions.txt"
	if *update {
		save(t, golden, got)
	}
	if want := load(t, golden); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestNagNotRun: where cdk-nag did not run, nothing is known of exceptions from it.
func TestNagNotRun(t *testing.T) {
	v := judge(t, write(t, nil), Options{Exceptions: []Exception{{Rule: "AwsSolutions-S1", Resource: "own/Bucket", Reason: "logs go to its own bucket"}}})
	if len(v.Problems) > 0 {
		t.Error(v.Problems)
	}
}
