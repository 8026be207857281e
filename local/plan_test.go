package local

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/assembly"
)

var update = flag.Bool("update", false, "write the golden files")

func planOf(t *testing.T, dir string) (*plan, error) {
	t.Helper()
	a, err := assembly.Load(dir, assembly.Environment{Account: "000000000000", Region: "us-east-1"})
	if err != nil {
		return nil, err
	}
	return newPlan(a)
}

// TestPlan checks what the services are told of an assembly, and that it is the
// same each time.
func TestPlan(t *testing.T) {
	dir := app(t)
	text := planText(t, dir)
	const golden = "testdata/plan.golden.json"
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("the plan differs from %s (run with -update and look at the difference):\n%s", golden, text)
	}
	for range 5 {
		if again := planText(t, dir); again != text {
			t.Fatalf("two plans of one assembly differ:\n%s\n%s", text, again)
		}
	}
}

func planText(t *testing.T, dir string) string {
	t.Helper()
	p, err := planOf(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	var apis []any
	for _, a := range p.apis { // it has functions, which JSON has not
		apis = append(apis, map[string]any{"ID": a.ID, "Name": a.Name, "Stage": a.Stage, "CORS": a.CORS, "Authorizers": a.Authorizers, "Routes": a.Routes})
	}
	got, err := json.MarshalIndent(map[string]any{
		"tables": p.tables, "queues": p.queues, "buses": p.buses, "rules": p.rules, "archives": p.archives, "functions": p.functions,
		"mappings": p.mappings, "apis": apis, "labels": p.labels, "notes": p.notes,
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(got), dir, "ASSEMBLY") + "\n"
	return strings.ReplaceAll(text, `"`+p.functions[0].Architecture+`"`, `"ARCHITECTURE"`)
}

func TestPlanErrors(t *testing.T) {
	const (
		queueArn = `"EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]}`
		target   = `{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}`
	)
	tests := []struct {
		name  string
		edits []string
		want  []string
	}{
		{"unknown property", []string{`"VisibilityTimeout": 1,`, `"VisibilityTimeout": 1, "Colour": "red",`},
			[]string{"AWS::SQS::Queue at t-app/work/Queue: property Colour: is not served here; known are"}},
		{"missing function of a mapping", []string{`"FunctionName": {"Ref": "WorkFunction"}`, `"FunctionName": "gone"`},
			[]string{`AWS::Lambda::EventSourceMapping at t-app/work/Mapping: property FunctionName: this assembly has no function "gone"`}},
		{"missing source of a mapping", []string{queueArn, `"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:gone"`},
			[]string{`property EventSourceArn: this assembly has no queue or table stream "arn:aws:sqs:us-east-1:000000000000:gone"; it has arn:aws:dynamodb:us-east-1:000000000000:table/t-items/stream/`}},
		{"missing failure destination", []string{`"Destination": {"Fn::GetAtt": ["Failed", "Arn"]}`, `"Destination": "arn:aws:sqs:us-east-1:000000000000:gone"`},
			[]string{"property DestinationConfig.OnFailure.Destination: this assembly has no queue"}},
		{"missing target of a rule", []string{target, `{"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:000000000000:gone"`},
			[]string{`AWS::Events::Rule at t-app/work/Rule: property Targets[0].Arn: this assembly has no queue "arn:aws:sqs:us-east-1:000000000000:gone"`}},
		{"missing dead-letter queue of a target", []string{`"DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Undelivered", "Arn"]}}`, `"DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:000000000000:gone"}`},
			[]string{"property Targets[0].DeadLetterConfig.Arn: this assembly has no queue"}},
		{"missing bus", []string{`"EventBusName": "t-bus"`, `"EventBusName": "other"`},
			[]string{`property EventBusName: this assembly has no event bus "other"`}},
		{"schedule with a pattern", []string{`"State": "ENABLED",`, `"ScheduleExpression": "rate(1 minute)",`},
			[]string{"property EventBusName: AWS would refuse it (ValidationException: ScheduleExpression is supported only on the default event bus.)"}},
		{"neither schedule nor pattern", []string{`"EventPattern": {`, `"Tags": {`},
			[]string{"property EventPattern: is missing, and so is ScheduleExpression"}},
		{"input of a target that is no JSON", []string{target, target + `, "Input": "{"`},
			[]string{"property Targets[0]: AWS would refuse it, or it is not served here: ValidationException: JSON syntax error in input for target queue."}},
		{"two inputs", []string{target, target + `, "Input": "{}", "InputPath": "$.detail"`},
			[]string{"Only one of Input, InputPath, or InputTransformer must be provided for target queue."}},
		{"target that is not served", []string{target, `{"Id": "queue", "Arn": "arn:aws:states:us-east-1:000000000000:stateMachine:m"`},
			[]string{"targets of type states are not served by the local runtime"}},
		{"missing function of a rule", []string{target, `{"Id": "queue", "Arn": "arn:aws:lambda:us-east-1:000000000000:function:gone"`},
			[]string{`property Targets[0].Arn: this assembly has no function "arn:aws:lambda:us-east-1:000000000000:function:gone"`}},
		{"missing bus of a rule", []string{target, `{"Id": "queue", "RoleArn": "arn:aws:iam::000000000000:role/r", "Arn": "arn:aws:events:us-east-1:000000000000:event-bus/gone"`},
			[]string{`property Targets[0].Arn: this assembly has no event bus "arn:aws:events:us-east-1:000000000000:event-bus/gone"`}},
		{"bus without a role", []string{target, `{"Id": "queue", "Arn": "arn:aws:events:us-east-1:000000000000:event-bus/default"`},
			[]string{"RoleArn is required for target arn:aws:events:us-east-1:000000000000:event-bus/default."}},
		{"role that EventBridge may not take", []string{target, `{"Id": "queue", "RoleArn": {"Fn::GetAtt": ["WorkRole", "Arn"]}, "Arn": "arn:aws:events:us-east-1:000000000000:event-bus/default"`},
			[]string{"property Targets[0].RoleArn: EventBridge could not put events on the bus", "does not let events.amazonaws.com take it"}},
		{"archive of no bus", []string{`"WorkMapping": {`, `"Archive": {"Type": "AWS::Events::Archive", "Properties": {"SourceArn": "arn:aws:events:us-east-1:000000000000:event-bus/gone", "EventPattern": {"a": "b"}, "RetentionDays": -1}}, "WorkMapping": {`},
			[]string{`AWS::Events::Archive at t-app/Archive: property SourceArn: this assembly has no event bus`, "property EventPattern: ", "property RetentionDays: is -1"}},
		{"schedule that cannot be", []string{`"WorkMapping": {`, tickRule(`"ScheduleExpression": "rate(1 second)"`, "events.amazonaws.com") + `"WorkMapping": {`},
			[]string{`AWS::Events::Rule at t-app/TickRule: property ScheduleExpression: schedule "rate(1 second)": allowed are`}},
		{"schedule without permission", []string{`"WorkMapping": {`, tickRule(`"ScheduleExpression": "rate(1 minute)"`, "sns.amazonaws.com") + `"WorkMapping": {`},
			[]string{"property Targets[0].Arn: EventBridge could not call it (FailedInvocations): no AWS::Lambda::Permission lets events.amazonaws.com invoke function t-app-TickFunction for arn:aws:events:us-east-1:000000000000:rule/t-app-TickRule"}},
		{"missing dead-letter queue", []string{`"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}`, `"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:gone"`},
			[]string{"property RedrivePolicy.deadLetterTargetArn: this assembly has no queue"}},
		{"missing role", []string{`"Role": {"Fn::GetAtt": ["WorkRole", "Arn"]}`, `"Role": "arn:aws:iam::000000000000:role/gone"`},
			[]string{`AWS::Lambda::Function at t-app/work/Handler/Function: property Role: this assembly has no role "arn:aws:iam::000000000000:role/gone"`}},
		{"role that Lambda may not take", []string{`"Principal": {"Service": "lambda.amazonaws.com"}`, `"Principal": {"Service": "ec2.amazonaws.com"}`},
			[]string{"The role defined for the function cannot be assumed by Lambda"}},
		{"role that may not receive", []string{`"sqs:ReceiveMessage", `, ``},
			[]string{"InvalidParameterValueException: The function execution role does not have permissions to call ReceiveMessage on SQS",
				`missing statement: {"Effect":"Allow","Action":"sqs:ReceiveMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:t-work"}`}},
		{"role that may not read the stream", []string{`"dynamodb:GetRecords", `, ``},
			[]string{"InvalidParameterValueException: Cannot access stream arn:aws:dynamodb:us-east-1:000000000000:table/t-items/stream/", `"Action":"dynamodb:GetRecords"`}},
		{"role that may not send failures", []string{`"Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Failed", "Arn"]}`, `"Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Bus", "Arn"]}`},
			[]string{"does not have permissions to call SendMessage on arn:aws:sqs:us-east-1:000000000000:t-failed"}},
		{"visibility under the time-out", []string{`"Timeout": 1,`, `"Timeout": 2,`},
			[]string{"Queue visibility timeout: 1 seconds is less than Function timeout: 2 seconds"}},
		{"API without permission", []string{`/*/*", {"Api"`, `/*/*/elsewhere", {"Api"`},
			[]string{"AWS::ApiGatewayV2::Route at t-app/RoutePost: property RouteKey: API Gateway would answer 500 Internal Server Error: no AWS::Lambda::Permission lets apigateway.amazonaws.com invoke function t-app-ApiFunction for arn:aws:execute-api:us-east-1:000000000000:"}},
		{"permission of another service", []string{`"Principal": "apigateway.amazonaws.com"`, `"Principal": "sns.amazonaws.com"`},
			[]string{"API Gateway would answer 500"}},
		{"route without integration", []string{`"Target": {"Fn::Join": ["", ["integrations/", {"Ref": "Integration"}]]}}},
    "RouteScan"`, `"Target": "integrations/gone"}},
    "RouteScan"`}, []string{"property Target: is \"integrations/gone\", which is no integration of this API"}},
		{"integration without function", []string{`"IntegrationUri": {"Fn::GetAtt": ["ApiFunction", "Arn"]}`, `"IntegrationUri": "gone"`},
			[]string{`property IntegrationUri: this assembly has no function "gone"`}},
		{"old payload format", []string{`"PayloadFormatVersion": "2.0"`, `"PayloadFormatVersion": "1.0"`},
			[]string{`property PayloadFormatVersion: is "1.0"; served is 2.0`}},
		{"no stage", []string{`"Stage": {"Type": "AWS::ApiGatewayV2::Stage"`, `"Stage": {"Type": "AWS::S3::Bucket"`}, []string{"AWS::ApiGatewayV2::Api at t-app/API: has 0 stages; served is one"}},
		{"route key", []string{`"GET /scan"`, `"FETCH scan"`}, []string{"AWS::ApiGatewayV2::Api at t-app/API: invalid HTTP API", `route "FETCH scan"`}},
		{"integration time-out", []string{`"PayloadFormatVersion": "2.0"`, `"PayloadFormatVersion": "2.0", "TimeoutInMillis": 40000`}, []string{"time-out is 40s"}},
		{"stage that waits", []string{`"StageName": "$default", "AutoDeploy": true`, `"StageName": "$default"`}, []string{"property AutoDeploy: is off"}},
		{"settings of no route", []string{`"StageName": "$default",`, `"StageName": "$default", "RouteSettings": {"GET /scna": {"ThrottlingRateLimit": 1}},`}, []string{`property RouteSettings: "GET /scna" is no route of this API`}},
		{"authorizer", []string{`"RouteKey": "GET /scan",`, `"RouteKey": "GET /scan", "AuthorizationType": "JWT",`}, []string{`route "GET /scan": there is no authorizer ""`}},
		{"kind of authorizer", []string{`"Api": {"Type"`, `"Authorizer": {"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": {"ApiId": {"Ref": "Api"}, "AuthorizerType": "REQUEST", "Name": "z"}}, "Api": {"Type"`},
			[]string{`property AuthorizerType: is "REQUEST"; served is JWT`}},
		{"one route twice", []string{`"GET /scan"`, `"POST /items"`}, []string{`property RouteKey: "POST /items" is another route's already`}},
		{"WebSocket API", []string{`"ProtocolType": "HTTP"`, `"ProtocolType": "WEBSOCKET"`}, []string{`property ProtocolType: is "WEBSOCKET"; served is HTTP`}},
		{"other runtime", []string{`"Runtime": "provided.al2023"`, `"Runtime": "python3.13"`},
			[]string{`property Runtime: is "python3.13"`}},
		{"inline code", []string{`"Code": {"S3Bucket": "assets", "S3Key": "c0de.zip"}`, `"Code": {"ZipFile": "x"}`}, []string{"property Code.ZipFile: is not served here"}},
		{"FIFO queue without the suffix", []string{`"QueueName": "t-failed"`, `"QueueName": "t-failed", "FifoQueue": true`}, []string{"AWS::SQS::Queue at t-data/Failed", "the name is not allowed for a FIFO queue"}},
		{"two policies of a queue", []string{`"Queues": [{"Ref": "Queue"}]`, `"Queues": [{"Ref": "Queue"}, {"Ref": "Queue"}]`}, []string{"has the policy t-app/QueuePolicy already"}},
		{"policy of no queue", []string{`"Queues": [{"Ref": "Queue"}]`, `"Queues": ["https://sqs/gone"]`}, []string{"this assembly has no queue with the URL https://sqs/gone"}},
		{"policy document", []string{`"Effect": "Deny"`, `"Effect": "Forbid"`}, []string{`AWS::SQS::QueuePolicy at t-app/QueuePolicy: property PolicyDocument: invalid policy document: statement 1: the Effect is "Forbid"`}},
		{"condition operator", []string{`"ArnEquals"`, `"DateEquals"`}, []string{"property PolicyDocument: invalid policy document", "DateEquals"}},
		{"policy of no role", []string{`"Roles": [{"Ref": "WorkRole"}]`, `"Roles": ["gone"]`}, []string{`property Roles[0]: this assembly has no role "gone"`}},
		{"managed policy", []string{`"Roles": [{"Ref": "WorkRole"}]`, `"Roles": [{"Ref": "WorkRole"}]`, `"Policies": [{"PolicyName": "function"`, `"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"], "Policies": [{"PolicyName": "function"`},
			[]string{"property ManagedPolicyArns[0]: what arn:aws:iam::aws:policy/AdministratorAccess allows is known only to AWS"}},
		{"replica elsewhere", []string{`"Replicas": [{"Region": {"Ref": "AWS::Region"}}]`, `"Replicas": [{"Region": "eu-west-1"}, {"Region": "us-east-1"}]`},
			[]string{"AWS::DynamoDB::GlobalTable at t-data/Items: property Replicas: has 2 regions; served is one replica, in us-east-1"}},
		{"everything at once", []string{`"EventBusName": "t-bus"`, `"EventBusName": "other"`, `"ProtocolType": "HTTP"`, `"ProtocolType": "WEBSOCKET"`, `"VisibilityTimeout": 1,`, `"Colour": 1,`},
			[]string{"no event bus", "WEBSOCKET", "Colour"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := planOf(t, app(t, tt.edits...))
			if !errors.Is(err, ErrAssembly) {
				t.Fatalf("error %v is not of kind ErrAssembly", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

// TestPlanNotes: what is not served is listed, each resource by name.
func TestPlanNotes(t *testing.T) {
	p, err := planOf(t, app(t, `"Bus": {"Type"`, `"Other": {"Type": "AWS::EC2::VPC", "Properties": {"Any": {"Fn::Cidr": []}}}, "Bucket": {"Type": "AWS::S3::Bucket"},
		"Alarm1": {"Type": "AWS::CloudWatch::Alarm"}, "Alarm2": {"Type": "AWS::CloudWatch::Alarm"}, "Bus": {"Type"`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"not served locally: AWS::EC2::VPC at t-data/Other",
		"not served locally: AWS::S3::Bucket at t-data/Bucket",
		"no effect locally: AWS::CloudWatch::Alarm (2 resources): nothing measures here, so no alarm fires",
		"no effect locally: AWS::DynamoDB::GlobalTable BillingMode (t-data/Items): nothing is billed here",
	}
	if !reflect.DeepEqual(p.notes, want) {
		t.Errorf("notes:\n%s\nwant:\n%s", strings.Join(p.notes, "\n"), strings.Join(want, "\n"))
	}
}

// TestReaders: every type that is read here has names and attributes there.
func TestReaders(t *testing.T) {
	known := map[string]bool{}
	for _, typ := range assembly.Known() {
		known[typ] = true
	}
	for typ := range (&planner{}).readers() {
		if !known[typ] {
			t.Errorf("package assembly does not know %s", typ)
		}
	}
}

func TestManagedPolicies(t *testing.T) {
	_, err := planOf(t, app(t, `"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"`, `"sqs:GetQueueUrl"`,
		`"WorkRole": {
      "Type": "AWS::IAM::Role",
      "Properties": {`, `"WorkRole": {
      "Type": "AWS::IAM::Role",
      "Properties": {"ManagedPolicyArns": [{"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"}],`))
	if err != nil {
		t.Error(err)
	}
}

func TestShortNames(t *testing.T) {
	got := shortNames(map[string]*assembly.Resource{
		"f1": {Name: "f1", ConstructPath: "shop-local-subs/send_welcome/Handler/Function"},
		"f2": {Name: "f2", ConstructPath: "shop-local-log/Log/Relay/Function"},
		"f3": {Name: "f3", ConstructPath: "shop-local-api/API/Handler/Function"},
		"f4": {Name: "f4", ConstructPath: "shop-local-admin/API/Handler/Function"},
		"f5": {Name: "f5", ConstructPath: "Own/Resize/Resource"},
		"f6": {Name: "f6"},
		"f7": {Name: "f7", ConstructPath: "Same"},
		"f8": {Name: "f8", ConstructPath: "Same"},
	})
	want := map[string]string{
		"f1": "send_welcome", "f2": "relay", "f3": "shop-local-api/api", "f4": "shop-local-admin/api",
		"f5": "resize", "f6": "f6", "f7": "same", "f8": "same",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSecondsOr(t *testing.T) {
	zero, two := 0, 2
	for _, tt := range []struct {
		n    *int
		want time.Duration
	}{{nil, time.Minute}, {&zero, 0}, {&two, 2 * time.Second}} {
		if got := secondsOr(tt.n, time.Minute); got != tt.want {
			t.Errorf("got %v, want %v", got, tt.want)
		}
	}
}

// FuzzPlan: whatever resources hold, reading them ends in a plan or an error.
func FuzzPlan(f *testing.F) {
	for typ := range (&planner{}).readers() {
		f.Add([]byte(`[{"Type": "` + typ + `", "Name": "n", "Ref": "r", "ARN": "arn:aws:x:::n", "Properties": {"Targets": [{"Arn": "a", "Id": "i"}], "EventPattern": {"a": [1]},
			"Replicas": [{"Region": "us-east-1"}], "KeySchema": [{}], "Name": "n", "ProtocolType": "HTTP", "ApiId": "n", "RouteKey": "GET /", "Target": "integrations/n"}}]`))
	}
	f.Add([]byte(`[{"Type": "AWS::Lambda::Function", "Name": "f", "ARN": "arn:f", "Properties": {"Code": {}, "Role": "arn:r", "Timeout": -1}},
		{"Type": "AWS::IAM::Role", "Name": "r", "ARN": "arn:r", "Properties": {"AssumeRolePolicyDocument": {}}},
		{"Type": "AWS::Lambda::Permission", "Properties": {"Action": "x", "FunctionName": "f", "Principal": "y", "SourceArn": "z"}},
		{"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"FunctionName": "f", "EventSourceArn": "arn:q"}},
		{"Type": "AWS::SQS::Queue", "Name": "q", "ARN": "arn:q", "Properties": {}}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		dec := json.NewDecoder(strings.NewReader(string(data)))
		dec.UseNumber()
		var resources []*assembly.Resource
		if dec.Decode(&resources) != nil {
			return
		}
		resources = slices.DeleteFunc(resources, func(r *assembly.Resource) bool { return r == nil })
		p, err := newPlan(&assembly.Assembly{Environment: assembly.Environment{Account: "000000000000", Region: "us-east-1", Partition: "aws"}, Resources: resources})
		if (p == nil) == (err == nil) {
			t.Fatalf("plan %v, error %v", p, err)
		}
	})
}
