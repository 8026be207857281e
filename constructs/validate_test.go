package constructs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/constructs/internal/rulepack"
)

// careless makes one violation of each kind that a resource of a stack of one's own
// can have.
func careless(stack awscdk.Stack, d *Deployment) {
	awsdynamodb.NewCfnTable(stack, jsii.String("Table"), &awsdynamodb.CfnTableProps{
		KeySchema:            []any{&awsdynamodb.CfnTable_KeySchemaProperty{AttributeName: jsii.String("id"), KeyType: jsii.String("HASH")}},
		AttributeDefinitions: []any{&awsdynamodb.CfnTable_AttributeDefinitionProperty{AttributeName: jsii.String("id"), AttributeType: jsii.String("S")}},
	})
	dead := awssqs.NewCfnQueue(stack, jsii.String("Dead"), &awssqs.CfnQueueProps{SqsManagedSseEnabled: jsii.Bool(false)})
	jobs := awssqs.NewQueue(stack, jsii.String("Jobs"), &awssqs.QueueProps{QueueName: jsii.String(d.Name("jobs")), EnforceSSL: jsii.Bool(true)})
	jobs.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings("sqs:SendMessage"), Resources: jsii.Strings(*jobs.QueueArn()),
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil)},
	}))
	awsevents.NewCfnRule(stack, jsii.String("Rule"), &awsevents.CfnRuleProps{
		Name: jsii.String(d.Name(strings.Repeat("nightly", 8))), ScheduleExpression: jsii.String("rate(1 day)"),
		Targets: []any{
			&awsevents.CfnRule_TargetProperty{Id: jsii.String("jobs"), Arn: jobs.QueueArn()},
			&awsevents.CfnRule_TargetProperty{Id: jsii.String("ordered"), Arn: jsii.String("arn:aws:sqs:eu-west-1:123456789012:ordered.fifo"), DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: dead.AttrArn()},
				RetryPolicy: &awsevents.CfnRule_RetryPolicyProperty{MaximumRetryAttempts: jsii.Number(3)}},
		},
	})
	f := NewFunction(stack, "Worker", &FunctionProps{
		Deployment: d, Function: "functions/worker", Environment: map[string]string{"TEXT": strings.Repeat("x", 4096)},
		Statements: []Statement{{Sid: "Everything", Actions: []string{"s3:*"}, Resources: []string{"*"}}},
	})
	f.Role.SetManagedPolicyArns(jsii.Strings("arn:aws:iam::aws:policy/ReadOnlyAccess"))
	f.LogGroup.AddPropertyDeletionOverride(jsii.String("RetentionInDays"))
	awslambda.NewCfnPermission(stack, jsii.String("Invoke"), &awslambda.CfnPermissionProps{
		Action: jsii.String("lambda:InvokeFunction"), FunctionName: f.Name(), Principal: "s3.amazonaws.com",
	})
	awslambda.NewCfnEventSourceMapping(stack, jsii.String("Mapping"), &awslambda.CfnEventSourceMappingProps{
		FunctionName: f.Name(), EventSourceArn: jobs.QueueArn(),
	})
	nested := awscdk.NewNestedStack(stack, jsii.String("Nested"), nil)
	awslogs.NewCfnLogGroup(nested, jsii.String("Audit"), nil)
}

// ownApp is the test application with a stack of its own.
func ownApp(build func(awscdk.Stack, *Deployment)) *Application {
	app := testApp(false, map[string]string{"deployment": "dev"})
	app.AddStack(&StackProps{Name: "own", Functions: []string{"functions/worker"}, Build: build})
	return app
}

// refused synthesizes what must be refused, and gives the error's text. Nothing that
// could be deployed may be left.
func refused(t *testing.T, app *Application) string {
	t.Helper()
	dir, out := module(t), filepath.Join(t.TempDir(), "out")
	err := app.Synthesize(t.Context(), &SynthOptions{Dir: dir, OutDir: out})
	if !errors.Is(err, ErrInvalid) {
		t.Fatalf("error is %v, want %v", err, ErrInvalid)
	}
	if _, err := os.Stat(filepath.Join(out, rulepack.ManifestFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the assembly can be deployed: %v", err)
	}
	if strings.Contains(err.Error(), dir) {
		t.Errorf("the message names a folder of this machine:\n%v", err)
	}
	return err.Error()
}

// TestOwnStackIsJudged: everything that is wrong with a stack of one's own is told at
// once, a nested stack's included.
func TestOwnStackIsJudged(t *testing.T) {
	compare(t, filepath.Join("testdata", "golden", "judged.txt"), []byte(refused(t, ownApp(careless))+"\n"))
}

func plainQueue(stack awscdk.Stack, _ *Deployment) {
	awssqs.NewQueue(cdk.NewConstruct(stack, jsii.String("Jobs")), jsii.String("Queue"), nil)
}

// TestAllow: what has a reason is no problem, in every deployment and synthesis.
func TestAllow(t *testing.T) {
	for _, deployment := range []string{"dev", "pr1", "dev"} {
		app := testApp(false, map[string]string{"deployment": deployment})
		app.AddStack(&StackProps{Name: "own", Build: plainQueue})
		app.AddStack(&StackProps{Name: "other", Build: func(stack awscdk.Stack, d *Deployment) {
			plainQueue(stack, d)
			d.Allow(Exception{Rule: "vinci/queue-tls", Resource: "other/Jobs/Queue", Reason: "said where it is made"})
		}})
		app.AddStack(&StackProps{Name: "reports2", Build: plainQueue})
		app.Allow(Exception{
			Rule:     "vinci/queue-tls",
			Resource: "own/Jobs/Queue",
			Reason:   "the partner's old client speaks no TLS; contract ends in March",
		})
		app.Allow(Exception{Rule: "vinci/queue-tls", Resource: "reports2/Jobs/Queue/Resource", Reason: "another"})
		synth(t, app)
		synth(t, app)
	}
}

// TestAllowWrong: mistakes in exceptions are told together with all others, before
// anything is built; those that are for nothing, when all else is right.
func TestAllowWrong(t *testing.T) {
	app := ownApp(nil)
	app.Allow(Exception{Rule: "vinci/queue-plain", Resource: "own/Jobs/Queue"})
	text := refused(t, app)
	for _, want := range []string{"nothing makes its constructs", "there is no such rule", "it has no reason", "validate_test.go:"} {
		if !strings.Contains(text, want) {
			t.Errorf("not told: %s\n%s", want, text)
		}
	}

	app = ownApp(func(awscdk.Stack, *Deployment) {})
	app.Allow(Exception{Rule: "vinci/queue-tls", Resource: "own/Jobs/Queue", Reason: "mended long ago"})
	if text := refused(t, app); !strings.Contains(text, `1 problem, `) || !strings.Contains(text, `exception from vinci/queue-tls for "own/Jobs/Queue": nothing was found there`) {
		t.Error(text)
	}
}

// withNag has cdk-nag look, and leaves the CDK's own validation out, which takes far
// longer: the process of the CDK does not see this environment.
func withNag(app *Application) *Application {
	app.getenv = func(string) string { return "" }
	return app
}

// noDeadLetters is what the test application leaves out on purpose.
var noDeadLetters = Exception{Rule: "AwsSolutions-SQS3", Resource: "counters/count_active/Queue", Reason: "a lost count is counted again at night"}

// TestNag: the framework's own resources have no finding of cdk-nag's or ours but
// those that are accepted in writing, and each of these is really found.
func TestNag(t *testing.T) {
	app := withNag(testApp(false, map[string]string{"deployment": "dev"}))
	app.Allow(noDeadLetters)
	var found []acceptance
	var text bytes.Buffer
	app.judged = func(o rulepack.Options, v *rulepack.Verdict) {
		slices.SortFunc(o.Nag.Suppressed, func(a, b rulepack.NagLine) int {
			return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Path, b.Path))
		})
		for _, s := range o.Nag.Suppressed {
			if s.Reason != noDeadLetters.Reason {
				found = append(found, acceptance{s.Rule, s.Finding, s.Reason})
			}
			fmt.Fprintf(&text, "%s%s at %s\n    %s\n", s.Rule, brackets(s.Finding), s.Path, s.Reason)
		}
		for _, e := range v.Excepted {
			rule, finding := rulepack.Split(e.Rule)
			found = append(found, acceptance{rule, finding, e.Reason})
			fmt.Fprintf(&text, "%s at %s\n    %s\n", e.Rule, e.Resource, e.Reason)
		}
		for _, u := range o.Nag.Unknown {
			t.Errorf("cdk-nag could not judge %s by %s", u.Path, u.Rule)
		}
	}
	out := synth(t, app)
	for _, f := range found {
		if !slices.Contains(accepted(), f) {
			t.Errorf("found and suppressed, and not on the list: %+v", f)
		}
	}
	for _, a := range accepted() {
		if !slices.Contains(found, a) {
			t.Errorf("on the list, and found nowhere: %+v", a)
		}
	}
	compare(t, filepath.Join("testdata", "golden", "accepted.txt"), text.Bytes())
	if left, err := filepath.Glob(filepath.Join(out, "*NagReport*")); err != nil || len(left) > 0 {
		t.Errorf("reports are left in the assembly: %v, %v", left, err)
	}
}

func brackets(finding string) string {
	if finding == "" {
		return ""
	}
	return "[" + finding + "]"
}

// TestNagRefuses: what cdk-nag finds in a stack of one's own is told like all else, and
// is justified like all else.
func TestNagRefuses(t *testing.T) {
	build := func(stack awscdk.Stack, d *Deployment) {
		awss3.NewBucket(stack, jsii.String("Photos"), nil)
		awssns.NewTopic(stack, jsii.String("News"), nil)
		NewFunction(stack, "Worker", &FunctionProps{Deployment: d, Function: "functions/worker", Statements: []Statement{
			{Sid: "Wide", Actions: []string{"s3:Get*"}, Resources: []string{"arn:aws:s3:::photos/*"}},
		}})
	}
	app := withNag(ownApp(build))
	app.Allow(noDeadLetters)
	text := refused(t, app)
	compare(t, filepath.Join("testdata", "golden", "nag.txt"), []byte(text+"\n"))

	// Each mend line's exception is taken over, with a reason.
	app = withNag(ownApp(build))
	app.Allow(noDeadLetters)
	for line := range strings.Lines(text) {
		if parts := strings.Split(line, `"`); strings.Contains(line, "app.Allow(") {
			app.Allow(Exception{Rule: parts[1], Resource: parts[3], Reason: "a test has its reasons"})
		}
	}
	synth(t, app)

	// Without cdk-nag the templates are the same: the metadata is in them.
	app.getenv = func(key string) string { return map[string]string{validationEnv: validationOff}[key] }
	with, without := templates(t, synth(t, withNagAgain(app))), templates(t, synth(t, app))
	for name, text := range with {
		if !bytes.Equal(text, without[name]) {
			t.Errorf("%s differs without cdk-nag", name)
		}
	}
}

// withNagAgain is a copy of an application for which cdk-nag looks.
func withNagAgain(app *Application) *Application {
	again := *app
	return withNag(&again)
}

// TestValidation runs all three judges for real, in a process of its own whose CDK
// validates: one list says what each of them found.
func TestValidation(t *testing.T) {
	if os.Getenv(validateHere) != "" {
		text := refused(t, ownApp(func(stack awscdk.Stack, d *Deployment) {
			plainQueue(stack, d)
			awssns.NewTopic(stack, jsii.String("News"), nil)
			awssqs.NewCfnQueue(stack, jsii.String("Short"), &awssqs.CfnQueueProps{MessageRetentionPeriod: jsii.Number(5)})
			awscdk.Annotations_Of(stack).AddError(jsii.String("an aspect of one's own is not content"))
		}))
		fmt.Println(text)
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestValidation$", "-test.count=1")
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, validationEnv+"=") }),
		validateHere+"=1", `CDK_CONTEXT_JSON={"@aws-cdk/core:validateAgainstDefaultRules":true,"@aws-cdk/core:annotationsInValidationReport":true}`)
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, want := range []string{
		"vinci/queue-tls: queue",
		"cdk-nag AwsSolutions-SNS3: ",
		"an aspect of one's own is not content",
		"CloudFormation Validate F3034: ",
		"own/Short",
	} {
		if n := strings.Count(string(output), want); n == 0 {
			t.Errorf("not told: %s", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", output)
	}
}

// TestReport: what the CDK's validation says is told, whatever its shape.
func TestReport(t *testing.T) {
	file := filepath.Join(t.TempDir(), reportFile)
	if problems, warnings, err := readReport(file); problems != nil || warnings != nil || err != nil {
		t.Errorf("no report: %v, %v, %v", problems, warnings, err)
	}
	err := os.WriteFile(file, []byte(`{"pluginReports": [
		{"pluginName": "Construct Annotations", "conclusion": "failure", "metadata": {"cdk:annotations": "true"}, "violations": [
			{"ruleName": "a", "description": "told elsewhere", "severity": "error"},
			{"ruleName": "b", "description": "a warning\n", "severity": "warning", "violatingConstructs": [{"constructPath": "s/c"}]}]},
		{"pluginName": "V", "conclusion": "failure", "violations": [
			{"ruleName": "E1", "description": "wrong", "severity": "error", "suggestedFix": "mend it", "violatingConstructs": [
				{"constructPath": "s/c", "cloudFormationResource": {"templatePath": "s.template.json", "logicalId": "C"}}, {"cloudFormationResource": {"templatePath": "s.template.json"}}]},
			{"ruleName": "E2", "description": "nowhere", "severity": "fatal"},
			{"ruleName": "E3", "description": "odd", "severity": "custom"}]},
		{"pluginName": "Broken", "conclusion": "failure", "metadata": {"error": "it crashed"}, "violations": []},
		{"pluginName": "Fine", "conclusion": "success", "violations": [{"ruleName": "W1", "description": "odd", "severity": "custom"}]}]}`), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	problems, warnings, err := readReport(file)
	if err != nil {
		t.Fatal(err)
	}
	const want = `  1. V E1: wrong
     where    s/C (construct s/c)
     mend     mend it

  2. V E1: wrong
     where    s
     mend     mend it

  3. V E2: nowhere
     where    the application
     mend     correct the resource

  4. V E3: odd
     where    the application
     mend     correct the resource

  5. Broken refuses the templates
     where    validation-report.json
     it crashed`
	if got := problems.Error(); got != want {
		t.Errorf("told is\n%s\nwant\n%s", got, want)
	}
	if got := strings.Join(warnings, "; "); got != "Construct Annotations b: a warning (construct s/c); Fine W1: odd (the application)" {
		t.Errorf("warnings are %s", got)
	}
	if err := os.WriteFile(file, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readReport(file); err == nil {
		t.Error("half a report was read")
	}
}

// TestForget: what an earlier synthesis found is not taken for what this one finds,
// even where it ended in the middle.
func TestForget(t *testing.T) {
	dir, out := module(t), t.TempDir()
	for _, name := range []string{reportFile, "AwsSolutions-shop-dev-log-NagReport.csv"} {
		if err := os.WriteFile(filepath.Join(out, name), []byte(`{"half`), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	app := testApp(false, map[string]string{"deployment": "dev"})
	if err := app.Synthesize(t.Context(), &SynthOptions{Dir: dir, OutDir: out}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(out, reportFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the report of an earlier synthesis is still there: %v", err)
	}
}
