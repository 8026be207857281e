package assembly

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// resolveOne resolves value as a property of a queue, beside a few resources
// that it may refer to.
func resolveOne(t *testing.T, value string) (any, error) {
	t.Helper()
	first := `{"Resources": {"Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "main"}}},
		"Outputs": {"BusArn": {"Value": {"Fn::GetAtt": ["Bus", "Arn"]}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:BusArn"}}}}}`
	second := fmt.Sprintf(`{
		"Parameters": {
			"Size": {"Type": "Number", "Default": 12},
			"Names": {"Type": "CommaDelimitedList", "Default": "a, b"},
			"Free": {"Type": "String"},
			"BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/x"}
		},
		"Mappings": {"Sizes": {"us-east-1": {"small": 3, "list": ["x", "y"]}}},
		"Conditions": {
			"Yes": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]},
			"No": {"Fn::Not": [{"Condition": "Yes"}]},
			"Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
			"Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]},
			"Loop": {"Fn::Not": [{"Condition": "Loop"}]}
		},
		"Resources": {
			"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Probe": %s}},
			"Other": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${AWS::StackName}-other"}}},
			"Table": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": {"TableName": "t", "StreamSpecification": {"StreamViewType": "NEW_IMAGE"}}},
			"Plain": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": {"TableName": "plain"}},
			"Rule": {"Type": "AWS::Events::Rule", "Properties": {"EventBusName": "arn:aws:events:us-east-1:000000000000:event-bus/main", "Name": "r"}},
			"Role": {"Type": "AWS::IAM::Role", "Properties": {"Path": "/app/"}},
			"Absent": {"Type": "AWS::SQS::Queue", "Condition": "No"},
			"Bucket": {"Type": "AWS::EC2::VPC"}
		},
		"Outputs": {"Self": {"Value": {"Fn::GetStackOutput": {"StackName": "S1", "OutputName": "Self"}}}}
	}`, value)
	a, err := Load(writeAssembly(t, first, second), testEnv)
	if err != nil {
		return nil, err
	}
	for _, r := range a.Resources {
		if r.LogicalID == "Queue" {
			v, ok := r.Properties["Probe"]
			if !ok {
				return "(absent)", nil
			}
			return v, nil
		}
	}
	t.Fatal("no queue")
	return nil, nil
}

func TestResolve(t *testing.T) {
	tests := []struct{ value, want string }{
		{`"text"`, `"text"`},
		{`1209600`, `1209600`},
		{`true`, `true`},
		{`{"Ref": "AWS::Region"}`, `"us-east-1"`},
		{`{"Ref": "AWS::AccountId"}`, `"000000000000"`},
		{`{"Ref": "AWS::Partition"}`, `"aws"`},
		{`{"Ref": "AWS::URLSuffix"}`, `"amazonaws.com"`},
		{`{"Ref": "AWS::StackName"}`, `"S1"`},
		{`{"Fn::Select": [0, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}`, `"arn:aws:cloudformation:us-east-1:000000000000:stack"`},
		{`{"Ref": "AWS::NoValue"}`, `"(absent)"`},
		{`{"a": {"Ref": "AWS::NoValue"}, "b": 1}`, `{"b":1}`},
		{`[1, {"Ref": "AWS::NoValue"}, 2]`, `[1,2]`},
		{`{"Ref": "Size"}`, `"12"`},
		{`{"Ref": "Names"}`, `["a","b"]`},
		{`{"Ref": "Other"}`, `"https://sqs.us-east-1.amazonaws.com/000000000000/S1-other"`},
		{`{"Fn::GetAtt": ["Other", "Arn"]}`, `"arn:aws:sqs:us-east-1:000000000000:S1-other"`},
		{`{"Fn::GetAtt": "Other.QueueName"}`, `"S1-other"`},
		{`{"Fn::GetAtt": ["Table", "StreamArn"]}`, `"arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/` + StreamLabel + `"`},
		{`{"Fn::GetAtt": ["Rule", "Arn"]}`, `"arn:aws:events:us-east-1:000000000000:rule/main/r"`},
		{`{"Ref": "Rule"}`, `"main|r"`},
		{`{"Fn::GetAtt": ["Role", "Arn"]}`, `"arn:aws:iam::000000000000:role/app/S1-Role"`},
		{`{"Ref": "Bucket"}`, `"S1-Bucket"`},
		{`{"Fn::Join": ["-", ["a", 1, true, {"Ref": "AWS::Region"}]]}`, `"a-1-true-us-east-1"`},
		{`{"Fn::Join": [",", {"Ref": "Names"}]}`, `"a,b"`},
		{`{"Fn::Sub": "${AWS::Region}/${Other.QueueName}/${!literal}/${Size}/$x"}`, `"us-east-1/S1-other/${literal}/12/$x"`},
		{`{"Fn::Sub": ["${a}-${AWS::Region}", {"a": {"Ref": "AWS::AccountId"}}]}`, `"000000000000-us-east-1"`},
		{`{"Fn::Sub": "open ${brace"}`, `"open ${brace"`},
		{`{"Fn::Select": ["1", ["a", "b"]]}`, `"b"`},
		{`{"Fn::Split": [",", "a,b"]}`, `["a","b"]`},
		{`{"Fn::If": ["Yes", "then", "else"]}`, `"then"`},
		{`{"Fn::If": ["Both", "then", {"Ref": "AWS::NoValue"}]}`, `"(absent)"`},
		{`{"Fn::If": ["Either", "then", "else"]}`, `"then"`},
		{`{"Fn::If": ["No", {"Ref": "Gone"}, "else"]}`, `"else"`},
		{`{"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}`, `3`},
		{`{"Fn::FindInMap": ["Sizes", "us-east-1", "list"]}`, `["x","y"]`},
		{`{"Fn::Base64": "hi"}`, `"aGk="`},
		{`{"Fn::ImportValue": "S0:BusArn"}`, `"arn:aws:events:us-east-1:000000000000:event-bus/main"`},
		{`{"Fn::GetStackOutput": {"StackName": "S0", "OutputName": "BusArn", "Region": {"Ref": "AWS::Region"}}}`, `"arn:aws:events:us-east-1:000000000000:event-bus/main"`},
		{`{"Ref": "Other", "more": 1}`, `{"Ref":"Other","more":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.value, func(t *testing.T) {
			got, err := resolveOne(t, tt.value)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if string(text) != tt.want {
				t.Errorf("%s gives %s, want %s", tt.value, text, tt.want)
			}
		})
	}
}

func TestResolveErrors(t *testing.T) {
	tests := []struct {
		value string
		kind  error
		want  string
	}{
		{`null`, ErrInvalid, "null is not allowed"},
		{`{"Ref": "Gone"}`, ErrUnresolved, `no resource or parameter "Gone"`},
		{`{"Ref": "Absent"}`, ErrUnresolved, "its condition is false"},
		{`{"Ref": "AWS::Moon"}`, ErrUnresolved, "AWS::Moon"},
		{`{"Ref": "Free"}`, ErrUnresolved, "has no default"},
		{`{"Ref": "BootstrapVersion"}`, ErrUnresolved, "SSM Parameter Store"},
		{`{"Fn::GetAtt": ["Other", "Colour"]}`, ErrUnresolved, "known for AWS::SQS::Queue are Arn, QueueName, QueueUrl"},
		{`{"Fn::GetAtt": ["Bucket", "Arn"]}`, ErrUnresolved, "AWS::EC2::VPC is not served here"},
		{`{"Fn::GetAtt": ["Plain", "StreamArn"]}`, ErrUnresolved, "not set up to have it"},
		{`{"Fn::GetAtt": ["Other"]}`, ErrInvalid, "wrong number or kind"},
		{`{"Fn::Cidr": ["10.0.0.0/8", 1, 1]}`, ErrUnresolved, "Fn::Cidr is not known"},
		{`{"Fn::Join": ["-", [{"a": 1, "b": 2}]]}`, ErrInvalid, "an object, and must be text"},
		{`{"Fn::Join": ["-", "text"]}`, ErrInvalid, "text, and must be a list"},
		{`{"Fn::Sub": "${Gone.Arn}"}`, ErrUnresolved, `"Gone"`},
		{`{"Fn::Select": [2, ["a", "b"]]}`, ErrInvalid, `element "2" of a list of 2`},
		{`{"Fn::If": ["Maybe", 1, 2]}`, ErrUnresolved, `no condition "Maybe"`},
		{`{"Fn::If": ["Loop", 1, 2]}`, ErrInvalid, "condition Loop refers to itself"},
		{`{"Fn::FindInMap": ["Sizes", "eu-west-1", "small"]}`, ErrUnresolved, "has no eu-west-1, small"},
		{`{"Fn::ImportValue": "nobody"}`, ErrUnresolved, `exports "nobody"`},
		{`{"Fn::GetStackOutput": {"StackName": "S9", "OutputName": "x"}}`, ErrUnresolved, `no stack "S9"`},
		{`{"Fn::GetStackOutput": {"StackName": "S0", "OutputName": "x"}}`, ErrUnresolved, "no output x"},
		{`{"Fn::GetStackOutput": {"StackName": "S1", "OutputName": "Self"}}`, ErrInvalid, "refers to itself"},
		{`{"Fn::GetStackOutput": {"StackName": "S0", "OutputName": "BusArn", "Region": "eu-west-1"}}`, ErrUnresolved, "eu-west-1"},
		{`{"Fn::GetStackOutput": {"StackName": "S0", "OutputName": "BusArn", "RoleArn": "r"}}`, ErrUnresolved, "RoleArn"},
		{`"{{resolve:secretsmanager:x}}"`, ErrUnresolved, "dynamic reference"},
	}
	for _, tt := range tests {
		t.Run(tt.value, func(t *testing.T) {
			_, err := resolveOne(t, tt.value)
			if !errors.Is(err, tt.kind) {
				t.Fatalf("error %v is not of kind %v", err, tt.kind)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error does not say %q:\n%v", tt.want, err)
			}
		})
	}
}

// TestErrorPlace: an error names stack, logical id, construct path and property.
func TestErrorPlace(t *testing.T) {
	_, err := Load(writeAssembly(t, `{"Resources": {"Rule": {
		"Type": "AWS::Events::Rule", "Metadata": {"aws:cdk:path": "App/Sub/Rule/Resource"},
		"Properties": {"Targets": [{"Id": "a", "Arn": "x"}, {"Id": "b", "Arn": {"Ref": "Gone"}}], "Name": {"Ref": "Gone2"}}}}}`), testEnv)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error", err)
	}
	for _, want := range []string{
		`stack S0, Rule (App/Sub/Rule/Resource), property Targets[1].Arn: the template has no resource or parameter "Gone"`,
		`stack S0, Rule (App/Sub/Rule/Resource), property Name: the template has no resource or parameter "Gone2"`,
	} {
		if strings.Count(err.Error(), want) != 1 {
			t.Errorf("error does not say once %q:\n%v", want, err)
		}
	}
}

func TestTemplateErrors(t *testing.T) {
	long := strings.Repeat("q", 81)
	tests := []struct{ name, template, want string }{
		{"not JSON", `{"Resources": `, "template of stack S0"},
		{"wrong shape", `{"Resources": []}`, "template of stack S0"},
		{"text after", `{} {}`, "text after its end"},
		{"transform", `{"Transform": "AWS::Serverless-2016-10-31"}`, "Transform"},
		{"no type", `{"Resources": {"A": {}}}`, "A: the resource has no Type"},
		{"null resource", `{"Resources": {"A": null}}`, "A: the resource has no Type"},
		{"null output", `{"Outputs": {"A": null}}`, "A: the output has no Value"},
		{"circle", `{"Resources": {"A": {"Type": "AWS::SQS::Queue", "DependsOn": "B"}, "B": {"Type": "AWS::SQS::Queue", "DependsOn": ["A"]}}}`, "A -> B -> A"},
		{"name of itself", `{"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "x${A.QueueName}"}}}}}`, "A -> A"},
		{"name of an absent one", `{"Conditions": {"C": {"Fn::Equals": ["a", "b"]}}, "Resources": {"A": {"Type": "AWS::SQS::Queue", "Condition": "C"}, "B": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "A"}}}}}`, "condition is false"},
		{"name too long", `{"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "` + long + `"}}}}`, "81 characters; AWS::SQS::Queue allows 80"},
		{"one name twice", `{"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "x"}}, "B": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "x"}}}}`, `"x" is already the name of S0/A`},
		{"one table name in two types", `{"Resources": {"A": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "x"}}, "B": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": {"TableName": "x"}}}}`, `"x" is already the name of S0/A`},
		{"unknown asset", `{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Bucket": "b", "S3Key": "k.zip"}}}}}`, `uploaded as "k.zip"`},
		{"odd condition", `{"Conditions": {"C": {"Fn::Equals": ["a"]}}, "Resources": {"A": {"Type": "AWS::SQS::Queue", "Condition": "C"}}}`, "Fn::Equals"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(writeAssembly(t, tt.template), testEnv)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error does not say %q: %v", tt.want, err)
			}
		})
	}
}

// TestNames: rules of two buses may share a name; long names are cut and stay apart.
func TestNames(t *testing.T) {
	logical := strings.Repeat("Long", 20)
	a, err := Load(writeAssembly(t, `{"Resources": {
		"A": {"Type": "AWS::Events::Rule", "Properties": {"Name": "r", "EventBusName": "x"}},
		"B": {"Type": "AWS::Events::Rule", "Properties": {"Name": "r", "EventBusName": "y"}},
		"`+logical+`1": {"Type": "AWS::Lambda::Function"},
		"`+logical+`2": {"Type": "AWS::Lambda::Function"},
		"Fifo": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": true}}
	}}`), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, r := range a.Resources {
		switch {
		case r.Type == typeFunction && len(r.Name) != 64:
			t.Errorf("%s has %d characters", r.Name, len(r.Name))
		case r.LogicalID == "Fifo" && r.Name != "S0-Fifo.fifo":
			t.Errorf("name of a FIFO queue: %s", r.Name)
		}
		names[r.ARN] = true
	}
	if len(names) != 5 {
		t.Errorf("ARNs are not apart: %v", names)
	}
}

func TestKnown(t *testing.T) {
	if known := Known(); !slices.Contains(known, "AWS::SQS::Queue") || !slices.IsSorted(known) {
		t.Errorf("Known() = %v", known)
	}
	if got := Attributes("AWS::Events::EventBus"); !slices.Equal(got, []string{"Arn", "Name"}) {
		t.Errorf("Attributes = %v", got)
	}
}

// FuzzTemplate: whatever a template holds, reading it ends in a result or an
// error, and the same one each time.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Join": ["", ["a", {"Ref": "B"}]]}}}, "B": {"Type": "AWS::SNS::Topic"}}}`,
		`{"Resources": {"A": {"Type": "AWS::Events::Rule", "Properties": {"EventBusName": {"Ref": "A"}}}}}`,
		`{"Conditions": {"C": {"Fn::Or": [{"Condition": "C"}]}}, "Resources": {"A": {"Type": "AWS::IAM::Role", "Condition": "C", "Properties": {"Path": {"Fn::GetAtt": "A.Arn"}}}}}`,
		`{"Outputs": {"O": {"Value": {"Fn::ImportValue": "x"}, "Export": {"Name": {"Fn::ImportValue": "x"}}}}, "Resources": {"T": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": {"Fn::ImportValue": "x"}}}}}`,
		`{"Mappings": {"M": {"a": {"b": {"c": 1}}}}, "Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::FindInMap": ["M", "a", "b"]}}}}}`,
		`{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": {"Fn::Sub": ["${x}${!y}${F.Arn}", {"x": {"Fn::Base64": "x"}}]}}}}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		source := []stackSource{{name: "S", template: data}}
		a, err := build(testEnv, source)
		b, err2 := build(testEnv, source)
		if (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
			t.Fatalf("two readings differ: %v and %v", err, err2)
		}
		if err != nil {
			return
		}
		x, errX := json.Marshal(a.Resources)
		y, errY := json.Marshal(b.Resources)
		if errX != nil || errY != nil || string(x) != string(y) {
			t.Fatalf("two readings differ:\n%s %v\n%s %v", x, errX, y, errY)
		}
	})
}
