package constructs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

type noKey struct {
	Name string `dynamo:"name"`
}

type twice struct {
	ID    string     `dynamo:"id,hash"`
	Mail  string     `dynamo:"mail"`
	Mail2 complex128 `dynamo:"mail"`
	Count int        `dynamo:"count" default:"many"`
}

// wrongApp is wrong in every way that the framework's promise names.
func wrongApp() *Application {
	app := NewApplication(&ApplicationProps{AppName: "Shop", EventBus: true, Context: map[string]string{"deployment": "Feature/1"}})
	app.AddTable(orm.Define[noKey, string]("no_key"))
	app.AddTable(orm.Define[twice, string]("twice"))
	app.AddEvents(userCreated, event.Define[created]("user"))
	app.AddEventHandler(sendWelcome, &EventHandlerProps{Function: "functions/broken"})
	app.AddEventHandler(bus.Subscription("late", bus.To(orderDeleted)), &EventHandlerProps{Function: "functions/unknown"})
	app.AddEventHandler(bus.Subscription("a_subscription_with_a_name_that_is_far_too_long_for_the_name_of_a_queue", bus.To(userCreated)),
		&EventHandlerProps{Function: "functions/broken_too"})
	app.AddAPI(&APIProps{Function: "functions/api", Routes: IAM("GET users"), Access: []bus.Grant{bus.Reads(users)}})
	app.AddAPI(&APIProps{Name: "admin", Function: "other/api", Routes: IAM("GET /")})
	return app
}

// TestEverythingAtOnce compares all that is said about an application that is
// wrong in every way, the compiler's messages included, with a golden file.
func TestEverythingAtOnce(t *testing.T) {
	dir := module(t)
	files := map[string]string{
		"go.mod":                       "module example.com/shop\n\ngo 1.26\n",
		"functions/broken/main.go":     "package main\n\nfunc main() { undefined() }\n",
		"functions/broken_too/main.go": "package main\n\nimport _ \"example.com/absent\"\n\nfunc main() {}\n",
		"other/api/main.go":            "package main\n\nfunc main() {}\n",
	}
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "out")
	err := wrongApp().Synthesize(t.Context(), &SynthOptions{Dir: dir, OutDir: out})
	if !errors.Is(err, ErrInvalid) {
		t.Fatalf("error is %v, want %v", err, ErrInvalid)
	}
	if _, statErr := os.Stat(out); !errors.Is(statErr, os.ErrNotExist) {
		t.Errorf("something was written: %v", statErr)
	}
	wd, _ := os.Getwd()
	text := strings.ReplaceAll(err.Error(), filepath.Dir(wd)+"/", "")
	if strings.Contains(text, dir) {
		t.Errorf("the message names a folder of this machine:\n%s", text)
	}
	compare(t, filepath.Join("testdata", "golden", "everything.txt"), []byte(text+"\n"))
}

// TestOwnStack has a stack that uses names and ARNs of the others, and one that
// is deployed first.
func TestOwnStack(t *testing.T) {
	app := testApp(false, map[string]string{"deployment": "dev"})
	var names []string
	app.AddStack(&StackProps{Name: "network", First: true, Build: func(stack awscdk.Stack, d *Deployment) {
		names = append(names, *stack.StackName(), d.App(), d.ID(), d.Name("x"), d.TableName(stats), d.BusName(), d.QueueName(countTotal), d.DeadLetterQueueName(countTotal))
		for id, arn := range map[string]string{"Table": d.TableARN(stats), "Bus": d.BusARN(), "Queue": d.QueueARN(countTotal), "Dead": d.DeadLetterQueueARN(countTotal), "Alarms": d.AlarmTopicARN(), "Index": d.IndexARNs(users)[0]} {
			awscdk.NewCfnOutput(stack, jsii.String(id), &awscdk.CfnOutputProps{Value: jsii.String(arn)})
		}
	}})
	out := synth(t, app)
	const want = "shop-dev-network shop dev shop-dev-x shop-dev-user_stats shop-dev-bus shop-dev-count_total shop-dev-count_total_dlq"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("names are %s\nwant %s", got, want)
	}
	var made struct {
		Outputs map[string]struct{ Value map[string]string }
	}
	decode(t, filepath.Join(out, "shop-dev-network.template.json"), &made)
	const here = "${AWS::Region}:${AWS::AccountId}:"
	for id, want := range map[string]string{
		"Table": "arn:${AWS::Partition}:dynamodb:" + here + "table/shop-dev-user_stats",
		"Index": "arn:${AWS::Partition}:dynamodb:" + here + "table/shop-dev-users/index/by_status",
		"Bus":   "arn:${AWS::Partition}:events:" + here + "event-bus/shop-dev-bus",
		"Queue": "arn:${AWS::Partition}:sqs:" + here + "shop-dev-count_total", "Dead": "arn:${AWS::Partition}:sqs:" + here + "shop-dev-count_total_dlq",
		"Alarms": "arn:${AWS::Partition}:sns:" + here + "shop-dev-alarms",
	} {
		if got := made.Outputs[id].Value["Fn::Sub"]; got != want {
			t.Errorf("%s is %s\nwant %s", id, got, want)
		}
	}
	if order := string(templates(t, out)["order.txt"]); !strings.Contains(order, "shop-dev-alarms after shop-dev-network\n") || !strings.Contains(order, "shop-dev-network after \n") {
		t.Errorf("the stack is not deployed first:\n%s", order)
	}
}

// TestOwnStackFails: what the CDK or a building block has against a stack of the
// application's own is an error that can be read, not a panic.
func TestOwnStackFails(t *testing.T) {
	for name, test := range map[string]struct {
		build func(awscdk.Stack, *Deployment)
		want  string
	}{
		"function not named": {
			func(s awscdk.Stack, d *Deployment) {
				NewFunction(s, "F", &FunctionProps{Deployment: d, Function: "functions/other"})
			},
			`function "functions/other" was not built: name it in AddEventHandler, AddTableHandler, AddAPI or StackProps.Functions`,
		},
		"refused by the CDK": {
			func(s awscdk.Stack, d *Deployment) {
				NewEventBus(s, "Bus", &EventBusProps{Deployment: d})
				NewEventBus(s, "Bus", &EventBusProps{Deployment: d})
			},
			`There is already a Construct with name 'Bus'`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := testApp(false, map[string]string{"deployment": "dev"})
			app.AddStack(&StackProps{Name: "own", Build: test.build})
			err := app.Synthesize(t.Context(), &SynthOptions{Dir: module(t), OutDir: t.TempDir()})
			if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, ErrInvalid) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}

// TestWithoutBus: an application of tables and APIs has no log and no relay.
func TestWithoutBus(t *testing.T) {
	app := NewApplication(&ApplicationProps{AppName: "shop", DeploymentID: "dev", Context: map[string]string{}})
	app.build = fakeBuild
	app.AddTable(users)
	app.AddAPI(&APIProps{Function: "functions/api", Routes: IAM("GET /users/{id}"), Access: []bus.Grant{bus.Reads(users)}})
	want := "shop-dev-alarms after \nshop-dev-api after shop-dev-alarms shop-dev-table-users\n" +
		"shop-dev-dashboard after shop-dev-alarms shop-dev-api shop-dev-table-users\nshop-dev-table-users after shop-dev-alarms\n"
	if got := string(templates(t, synth(t, app))["order.txt"]); got != want {
		t.Errorf("stacks are\n%s\nwant\n%s", got, want)
	}
}

// TestEnvironment: run outside the CDK's command line, context and output folder
// arrive in the environment.
func TestEnvironment(t *testing.T) {
	out := filepath.Join(t.TempDir(), "assembly")
	app := testApp(false, nil)
	app.getenv = func(key string) string {
		return map[string]string{
			"CDK_CONTEXT_JSON": `{"deployment":"local","vinci:ephemeral":true,"@aws-cdk/core:checkSecretUsage":true}`, "CDK_OUTDIR": out, validationEnv: validationOff,
		}[key]
	}
	if err := app.Synthesize(t.Context(), &SynthOptions{Dir: module(t)}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(out, "shop-local-log.template.json")); err != nil {
		t.Error(err)
	}
}

func TestNoNode(t *testing.T) {
	app := testApp(false, map[string]string{"deployment": "dev"})
	app.getenv = func(key string) string { return map[string]string{"JSII_NODE": "/no/such/node"}[key] }
	err := app.Synthesize(t.Context(), &SynthOptions{Dir: module(t), OutDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "the CDK needs Node.js 22 or newer") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error is %v, want one line about Node.js", err)
	}
}

func TestBadContext(t *testing.T) {
	app := testApp(false, nil)
	app.getenv = func(key string) string { return map[string]string{"CDK_CONTEXT_JSON": "{"}[key] }
	err := app.Synthesize(t.Context(), &SynthOptions{Dir: module(t), OutDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "CDK_CONTEXT_JSON") {
		t.Errorf("error is %v, want one that names CDK_CONTEXT_JSON", err)
	}
}
