package local

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// makeFunction makes a function of the test binary, as a program does that knows
// nothing of Vinci, with a role that nobody knows.
func makeFunction(t *testing.T, config aws.Config, name, mode string) {
	t.Helper()
	path, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	out, err := w.CreateHeader(header)
	if err == nil {
		_, err = out.Write(program)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = awslambda.NewFromConfig(config).CreateFunction(t.Context(), &awslambda.CreateFunctionInput{
		FunctionName: &name, Role: aws.String("arn:aws:iam::000000000000:role/anybody"), Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Architectures: []lambdatypes.Architecture{lambdatypes.Architecture(lambdaArchitecture())}, Code: &lambdatypes.FunctionCode{ZipFile: b.Bytes()},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"MODE": mode}}, Timeout: aws.Int32(10),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// awaitTick waits until the table has the item that mode tick puts.
func awaitTick(t *testing.T, config aws.Config) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		out, err := dynamodb.NewFromConfig(config).GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: aws.String("t-items"), Key: map[string]dynamodbtypes.AttributeValue{"id": &dynamodbtypes.AttributeValueMemberS{Value: "tick"}}, ConsistentRead: aws.Bool(true),
		})
		if err != nil {
			t.Fatal(err)
		}
		if out.Item != nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal("no item came")
		}
	}
}

// TestFunctionsWithoutAssembly: functions, their targets and mappings made by SDK
// calls alone, before and after a restart.
func TestFunctionsWithoutAssembly(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	r := start(t, Config{Open: true, Data: data})
	config := stranger(r)
	functions, events := awslambda.NewFromConfig(config), eventbridge.NewFromConfig(config)
	makeTable(t, config, "t-items")
	makeWay(t, r)
	makeFunction(t, config, "tick", "tick")
	arn := aws.String("arn:aws:lambda:us-east-1:000000000000:function:tick")

	// A rule calls it, once it may.
	_, err := functions.AddPermission(t.Context(), &awslambda.AddPermissionInput{FunctionName: aws.String("tick"), StatementId: aws.String("rule"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("events.amazonaws.com"), SourceArn: aws.String("arn:aws:events:us-east-1:000000000000:rule/shop/all")})
	if err != nil {
		t.Fatal(err)
	}
	out, err := events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("all"), EventBusName: aws.String("shop"), Targets: []eventbridgetypes.Target{{Id: aws.String("function"), Arn: arn}}})
	if err != nil || out.FailedEntryCount != 0 {
		t.Fatal(err, out)
	}
	sendEvent(t, r, "sold")
	awaitTick(t, config)

	// A queue feeds one; the mapping is there after a restart.
	if _, err := sqs.NewFromConfig(config).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("work")}); err != nil {
		t.Fatal(err)
	}
	makeFunction(t, config, "echo", "tick")
	made, err := functions.CreateEventSourceMapping(t.Context(), &awslambda.CreateEventSourceMappingInput{FunctionName: aws.String("echo"), EventSourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:work")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = functions.CreateEventSourceMapping(t.Context(), &awslambda.CreateEventSourceMappingInput{FunctionName: aws.String("echo"), EventSourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:absent")})
	if err == nil {
		t.Error("a mapping of a queue that is not there was made")
	}
	stop(t, r)

	r = start(t, Config{Open: true, Data: data})
	config = stranger(r)
	functions = awslambda.NewFromConfig(config)
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		m, err := functions.GetEventSourceMapping(t.Context(), &awslambda.GetEventSourceMappingInput{UUID: made.UUID})
		if err != nil {
			t.Fatal(err)
		}
		if *m.State == "Enabled" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the mapping is %s", *m.State)
		}
	}
	_, err = dynamodb.NewFromConfig(config).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("t-items"), Key: map[string]dynamodbtypes.AttributeValue{"id": &dynamodbtypes.AttributeValueMemberS{Value: "tick"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqs.NewFromConfig(config).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(r.Endpoint() + "/000000000000/work"), MessageBody: aws.String("go")}); err != nil {
		t.Fatal(err)
	}
	awaitTick(t, config)
}
