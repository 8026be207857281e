package rulepack

import (
	"strings"
	"testing"
)

// TestOrdinary has resources as the CDK's own constructs make them, and others do by
// hand: nothing is wrong with them.
func TestOrdinary(t *testing.T) {
	const (
		logs   = `"Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7, "LogGroupName": %s}}, "F": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {}}}`
		stream = `"M": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"FunctionName": "f", "EventSourceArn": %s, "StartingPosition": "TRIM_HORIZON", "MaximumRecordAgeInSeconds": 172800,
			"FunctionResponseTypes": ["ReportBatchItemFailures"], "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:eu-west-1:1:dead"}}}}`
	)
	for name, test := range map[string]struct {
		resources string
		wrong     string // the rule that finds something even so; empty: none
	}{
		"log group named after its function": {resources: strings.Replace(logs, "%s", `{"Fn::Join": ["", ["/aws/lambda/", {"Ref": "F"}]]}`, 1)},
		"the same with Fn::Sub":              {resources: strings.Replace(logs, "%s", `{"Fn::Sub": "/aws/lambda/${F}"}`, 1)},
		"log group of another function":      {resources: strings.Replace(logs, "%s", `{"Fn::Sub": "/aws/lambda/${G}"}`, 1), wrong: "vinci/log-retention"},
		"one message at a time":              {resources: `"M": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"FunctionName": "f", "EventSourceArn": "arn:aws:sqs:eu-west-1:1:jobs", "BatchSize": 1}}`},
		"two messages at a time":             {resources: `"M": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"FunctionName": "f", "EventSourceArn": "arn:aws:sqs:eu-west-1:1:jobs", "BatchSize": 2}}`, wrong: "vinci/mapping-failures"},
		"stream of Kinesis that keeps long":  {resources: `"S": {"Type": "AWS::Kinesis::Stream", "Properties": {"RetentionPeriodHours": 168}}, ` + strings.Replace(stream, "%s", `{"Fn::GetAtt": ["S", "Arn"]}`, 1)},
		"stream of Kinesis that does not":    {resources: `"S": {"Type": "AWS::Kinesis::Stream"}, ` + strings.Replace(stream, "%s", `{"Fn::GetAtt": ["S", "Arn"]}`, 1), wrong: "vinci/mapping-stream"},
		"stream of Kinesis from elsewhere":   {resources: strings.Replace(stream, "%s", `{"Fn::Sub": "arn:${AWS::Partition}:kinesis:eu-west-1:1:stream/clicks"}`, 1)},
		"stream of a table":                  {resources: strings.Replace(stream, "%s", `"arn:aws:dynamodb:eu-west-1:1:table/t/stream/2026"`, 1), wrong: "vinci/mapping-stream"},
	} {
		t.Run(name, func(t *testing.T) {
			v := judge(t, write(t, map[string]string{"shop-dev-own": `{"Resources": {` + test.resources + `}}`}), Options{})
			if test.wrong == "" && len(v.Problems) == 0 || test.wrong != "" && len(v.Problems) == 1 && strings.HasPrefix(v.Problems[0].What, test.wrong+": ") {
				return
			}
			t.Errorf("want %q, found\n%v", test.wrong, v.Problems)
		})
	}
}

// TestQueuesOfWhatFailed: wherever a resource says where failures go, that queue keeps
// them for 14 days.
func TestQueuesOfWhatFailed(t *testing.T) {
	const queue = `"Dead": {"Type": "AWS::SQS::Queue"}, "P": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Dead"}], "PolicyDocument": {"Statement": {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}}}}`
	for name, resource := range map[string]string{
		"subscription of a topic": `{"Type": "AWS::SNS::Subscription", "Properties": {"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}}}}`,
		"asynchronous invocation": `{"Type": "AWS::Lambda::EventInvokeConfig", "Properties": {"DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Dead", "Arn"]}}}}}`,
		"schedule":                `{"Type": "AWS::Scheduler::Schedule", "Properties": {"Target": {"DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Dead", "Arn"]}}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			v := judge(t, write(t, map[string]string{"own": `{"Resources": {` + queue + `, "R": ` + resource + `}}`}), Options{})
			if len(v.Problems) != 1 || !strings.HasPrefix(v.Problems[0].What, "vinci/dlq-retention: queue Dead holds what failed of ") {
				t.Errorf("found\n%v", v.Problems)
			}
		})
	}
}
