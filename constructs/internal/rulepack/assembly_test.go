package rulepack

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const queue = `{"Resources": {"Jobs": {"Type": "AWS::SQS::Queue"}}}`

// TestWhere: stacks, nested stacks and the stacks of nested assemblies are judged, and
// each finding says where it is.
func TestWhere(t *testing.T) {
	dir := t.TempDir()
	save(t, filepath.Join(dir, ManifestFile), `{"artifacts": {
		"shop-dev-own": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "own.template.json", "stackName": "shop-dev-named"}, "additionalMetadataFile": "own.metadata.json"},
		"own.assets": {"type": "cdk:asset-manifest", "properties": {"file": "own.assets.json"}},
		"assembly-Stage": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Stage"}},
		"Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}}}}`)
	save(t, filepath.Join(dir, "own.template.json"), queue)
	save(t, filepath.Join(dir, "own.metadata.json"), `{"/shop-dev-own/Worker/Jobs/Resource": [{"type": "aws:cdk:logicalId", "data": "Jobs"}, {"type": "aws:cdk:error", "data": "the construct is not happy\n"}],
		"/shop-dev-own/Inner/Mail": [{"type": "aws:cdk:logicalId", "data": "Mail"}]}`)
	save(t, filepath.Join(dir, "own.assets.json"), `{"files": {"h": {"source": {"path": "ownInner.nested.template.json"}}}}`)
	save(t, filepath.Join(dir, "ownInner.nested.template.json"), strings.Replace(queue, "Jobs", "Mail", 1))
	save(t, filepath.Join(dir, "old.nested.template.json"), queue) // of an earlier synthesis
	save(t, filepath.Join(dir, "assembly-Stage", ManifestFile), `{"artifacts": {"StageOwn": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "s.template.json"}}}}`)
	save(t, filepath.Join(dir, "assembly-Stage", "s.template.json"), queue)

	var got []string
	for _, p := range judge(t, dir, Options{}).Problems {
		got = append(got, p.What+" at "+p.Where)
	}
	const tls = "vinci/queue-tls: queue Jobs: requests without TLS are not refused at "
	want := []string{
		tls + "StageOwn/Jobs",
		strings.Replace(tls, "Jobs", "Mail", 1) + "ownInner/Mail (construct shop-dev-own/Inner/Mail)",
		tls + "shop-dev-named/Jobs (construct shop-dev-own/Worker/Jobs/Resource)",
		"the construct is not happy at construct shop-dev-own/Worker/Jobs/Resource",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestAcrossStacks: a queue in another stack is found by its ARN, by an export and by
// a stack's output.
func TestAcrossStacks(t *testing.T) {
	const policy = `"%s": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Dead"}], "PolicyDocument": {"Statement": {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}}}}`
	dead := `{"Resources": {"Dead": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "dead", "MessageRetentionPeriod": 60}}, ` + strings.Replace(policy, "%s", "P", 1) + `},
		"Outputs": {"Dead": {"Value": {"Fn::GetAtt": ["Dead", "Arn"]}, "Export": {"Name": "dead-arn"}}}}`
	for name, arn := range map[string]string{
		"ARN":      `{"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:dead"}`,
		"join":     `{"Fn::Join": ["", ["arn:aws:sqs:eu-west-1:1:", "dead"]]}`,
		"export":   `{"Fn::ImportValue": "dead-arn"}`,
		"output":   `{"Fn::GetStackOutput": {"StackName": "b", "OutputName": "Dead", "Region": "eu-west-1"}}`,
		"unknown":  `{"Ref": "DeadArn"}`,
		"topic":    `"arn:aws:sns:eu-west-1:1:dead"`,
		"no stack": `{"Fn::GetStackOutput": {"StackName": "c", "OutputName": "Dead"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			rule := `{"Resources": {"Rule": {"Type": "AWS::Events::Rule", "Properties": {"Targets": [{"Id": "t", "Arn": "arn:aws:lambda:eu-west-1:1:function:f", "RetryPolicy": {"MaximumRetryAttempts": 3}, "DeadLetterConfig": {"Arn": ` + arn + `}}]}}}}`
			v := judge(t, write(t, map[string]string{"a": rule, "b": dead}), Options{})
			found := len(v.Problems) == 1 && strings.HasPrefix(v.Problems[0].What, "vinci/dlq-retention")
			if other := name == "unknown" || name == "topic" || name == "no stack"; found == other || !found && len(v.Problems) > 0 {
				t.Errorf("problems are %v", v.Problems)
			}
		})
	}
}

// TestNotices: limits that are near are told, and are no problem.
func TestNotices(t *testing.T) {
	for n, want := range map[int]string{
		449: "",
		450: "vinci/stack-resources: resources of stack shop-dev-own: 450 of 500 that AWS allows",
		500: "vinci/stack-resources: resources of stack shop-dev-own: 500 of 500 that AWS allows",
	} {
		v := judge(t, write(t, map[string]string{"shop-dev-own": `{"Resources": {` + many(n, `{"Type": "AWS::SNS::Topic"}`) + `}}`}), Options{})
		if got := strings.Join(v.Notices, "\n"); got != want || len(v.Problems) > 0 {
			t.Errorf("%d resources: %q, %v; want %q", n, got, v.Problems, want)
		}
	}
}

// TestLimits: what is at a limit is allowed.
func TestLimits(t *testing.T) {
	for name, text := range map[string]string{
		"bus":   `{"Resources": {` + many(300, `{"Type": "AWS::Events::Rule"}`) + `}}`,
		"names": `{"Resources": {"Rule": {"Type": "AWS::Events::Rule", "Properties": {"Name": ` + quoted(64) + `}}}}`,
		"wildcards": `{"Resources": {` + many(30, `{"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"detail": {"name": [{"anything-but": {"wildcard": "a*b"}}]}}}}`) +
			`, "Field": {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"detail": {"wildcard": ["a"], "$or": [{"wildcard": ["b"]}, {"c": [{"prefix": "d"}]}]}}}}}}`,
		"pattern": `{"Resources": {"Rule": {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": [` + quoted(2033) + `]}}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if v := judge(t, write(t, map[string]string{"shop-dev-own": text}), Options{}); len(v.Problems) > 0 {
				t.Error(v.Problems)
			}
		})
	}
	or := `{"Resources": {` + many(31, `{"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"detail": {"$or": [{"c": [{"wildcard": "d*"}]}]}}}}`) + `}}`
	if v := judge(t, write(t, map[string]string{"shop-dev-own": or}), Options{}); len(v.Problems) != 1 {
		t.Errorf("wildcards below $or: %v", v.Problems)
	}
}

func TestUnreadable(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no manifest":  {},
		"no JSON":      {ManifestFile: "{"},
		"no template":  {ManifestFile: `{"artifacts": {"a": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "gone.json"}}}}`},
		"null":         {ManifestFile: `{"artifacts": {"a": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "a.json"}}}}`, "a.json": `{"Resources": {"R": null}}`},
		"no metadata":  {ManifestFile: `{"artifacts": {"a": {"type": "aws:cloudformation:stack", "additionalMetadataFile": "gone.json", "properties": {"templateFile": "a.json"}}}}`, "a.json": `{}`},
		"no sub-stage": {ManifestFile: `{"artifacts": {"a": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "gone"}}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range files {
				save(t, filepath.Join(dir, file), text)
			}
			if _, err := Judge(dir, Options{}); err == nil {
				t.Error("it was judged")
			}
		})
	}
}

// TestDiscard: without its manifests an assembly deploys nothing. A file of that name
// in a function's code stays.
func TestDiscard(t *testing.T) {
	dir := t.TempDir()
	kept := []string{"a.template.json", "asset.1/" + ManifestFile}
	for _, file := range append(kept, ManifestFile, "assembly-Stage/"+ManifestFile) {
		save(t, filepath.Join(dir, file), "{}")
	}
	if err := Discard(dir); err != nil {
		t.Fatal(err)
	}
	var left []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			path, err = filepath.Rel(dir, path)
			left = append(left, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(left, " ") != strings.Join(kept, " ") {
		t.Errorf("left is %v, want %v", left, kept)
	}
	if err := Discard(filepath.Join(dir, "gone")); err != nil {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// TestNagReports: suppressions and what could not be judged are read, and no report
// stays in the assembly.
func TestNagReports(t *testing.T) {
	dir := t.TempDir()
	save(t, filepath.Join(dir, "AwsSolutions-a-NagReport.csv"), `Rule ID,Resource ID,Compliance,Exception Reason,Rule Level,Rule Info
"AwsSolutions-SQS3","a/Dead","Suppressed","It is one, ""really""","Error","..."
"AwsSolutions-IAM5","a/Role","Suppressed","[Resource::*] no ARN","Error","..."
"AwsSolutions-SQS4","a/Dead","Compliant","N/A","Error","..."
"AwsSolutions-S1","a/Bucket","UNKNOWN","N/A","Error","..."
`)
	report, err := TakeNagReports(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := NagReport{
		Suppressed: []NagLine{{"AwsSolutions-SQS3", "", "a/Dead", `It is one, "really"`}, {"AwsSolutions-IAM5", "Resource::*", "a/Role", "no ARN"}},
		Unknown:    []NagLine{{"AwsSolutions-S1", "", "a/Bucket", "N/A"}},
	}
	if len(report.Suppressed) != 2 || report.Suppressed[0] != want.Suppressed[0] || report.Suppressed[1] != want.Suppressed[1] || len(report.Unknown) != 1 || report.Unknown[0] != want.Unknown[0] {
		t.Errorf("read %+v, want %+v", report, want)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	save(t, filepath.Join(dir, "AwsSolutions-b-NagReport.csv"), "a,b\n")
	if _, err := TakeNagReports(dir); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a report that is none: %v", err)
	}
}
