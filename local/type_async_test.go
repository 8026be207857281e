package local

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// asyncConfig is an AWS::Lambda::EventInvokeConfig beside the mapping.
func asyncConfig(properties string) string {
	return `"Async": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": {"FunctionName": {"Ref": "WorkFunction"}, ` + properties + `}}, "WorkMapping": {`
}

func TestEventInvokeConfig(t *testing.T) {
	p, err := planOf(t, app(t, `"WorkMapping": {`, asyncConfig(`"Qualifier": "$LATEST", "MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 90,
		"DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Queue", "Arn"]}}}`),
		`"Timeout": 1,`, `"Timeout": 1, "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Queue", "Arn"]}}, "Tags": [{"Key": "team", "Value": "a"}],`,
		`"sqs:ReceiveMessage", `, `"sqs:ReceiveMessage", "sqs:SendMessage", `))
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range p.functions {
		if f.Async == nil {
			continue
		}
		found = true
		if *f.Async.MaxRetries != 0 || f.Async.MaxEventAge != 90*time.Second || !strings.HasSuffix(f.Async.OnFailureARN, ":t-work") ||
			f.Async.OnSuccessARN != "" || f.DeadLetterARN != f.Async.OnFailureARN || f.Tags["team"] != "a" {
			t.Errorf("got %+v of %+v", f.Async, f)
		}
	}
	if !found {
		t.Error("no function has it")
	}
}

func TestEventInvokeConfigErrors(t *testing.T) {
	for name, test := range map[string]struct {
		edit string
		want string
	}{
		"qualifier":      {asyncConfig(`"Qualifier": "live"`), `property Qualifier: is "live"; functions have the version $LATEST only`},
		"no function":    {strings.Replace(asyncConfig(`"Qualifier": "$LATEST"`), `{"Ref": "WorkFunction"}`, `"gone"`, 1), `property FunctionName: this assembly has no function "gone"`},
		"no destination": {asyncConfig(`"Qualifier": "$LATEST", "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:gone"}}`), "property DestinationConfig.OnFailure.Destination: this assembly has no queue, function or event bus"},
		"no bus":         {asyncConfig(`"Qualifier": "$LATEST", "DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:events:us-east-1:000000000000:event-bus/gone"}}`), "property DestinationConfig.OnSuccess.Destination: this assembly has no queue, function or event bus"},
		"role":           {asyncConfig(`"Qualifier": "$LATEST", "DestinationConfig": {"OnSuccess": {"Destination": {"Fn::GetAtt": ["Queue", "Arn"]}}}`), "does not have permissions to call SendMessage on arn:aws:sqs:us-east-1:000000000000:t-work"},
		"itself":         {asyncConfig(`"Qualifier": "$LATEST", "DestinationConfig": {"OnSuccess": {"Destination": {"Fn::GetAtt": ["WorkFunction", "Arn"]}}}`), "cannot be the destination of itself"},
		"retries":        {asyncConfig(`"Qualifier": "$LATEST", "MaximumRetryAttempts": 3`), "maximum retry attempts are 3; allowed is 0 to 2"},
		"age":            {asyncConfig(`"Qualifier": "$LATEST", "MaximumEventAgeInSeconds": 5`), "maximum event age is 5s; allowed is 60 s to 6 h"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := planOf(t, app(t, `"WorkMapping": {`, test.edit))
			if !errors.Is(err, ErrAssembly) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}
