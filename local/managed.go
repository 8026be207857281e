package local

import (
	"maps"
	"slices"
	"strings"
)

// managedPolicies are AWS's managed policies that functions commonly have, as
// AWS publishes them.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
func managedPolicies() map[string]string {
	return map[string]string{
		"service-role/AWSLambdaBasicExecutionRole": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
			"Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}`,
		"service-role/AWSLambdaSQSQueueExecutionRole": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
			"Action":["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes",
			"logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}`,
		"service-role/AWSLambdaDynamoDBExecutionRole": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
			"Action":["dynamodb:DescribeStream","dynamodb:GetRecords","dynamodb:GetShardIterator","dynamodb:ListStreams",
			"logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}`,
		"AWSXRayDaemonWriteAccess": `{"Version":"2012-10-17","Statement":[{"Sid":"AWSXRayDaemonWriteAccess","Effect":"Allow",
			"Action":["xray:PutTraceSegments","xray:PutTelemetryRecords","xray:GetSamplingRules","xray:GetSamplingTargets",
			"xray:GetSamplingStatisticSummaries"],"Resource":"*"}]}`,
	}
}

// managedName is what comes after "policy/" in the ARN of one of AWS's policies.
func managedName(arn string) string {
	_, name, _ := strings.Cut(arn, ":iam::aws:policy/")
	return name
}

func managedNames() string {
	return strings.Join(slices.Sorted(maps.Keys(managedPolicies())), ", ")
}
