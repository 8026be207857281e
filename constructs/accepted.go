package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/constructs/internal/rulepack"
)

// acceptance is one finding that a resource of the framework's own has and keeps,
// with the reason. It stands in the metadata of that resource and of no other, where
// cdk-nag and our own rules read it.
//
// To accept one more: add a line below and to [accepted], and hand it to accept where
// the resource is made. A test holds the list to what is really found.
type acceptance struct {
	rule    string // as a finding says it, without brackets
	finding string // what a finding has in brackets; empty: its rule tells none apart
	reason  string
}

var (
	undeliveredQueue = acceptance{
		rule:   "AwsSolutions-SQS3",
		reason: "It is a dead-letter queue: that of the rule's target. cdk-nag knows those of queues and functions only.",
	}
	streamFailureQueue = acceptance{
		rule:   "AwsSolutions-SQS3",
		reason: "It is a dead-letter queue: the failure destination of the stream's mapping. cdk-nag knows those of queues and functions only.",
	}
	publicRoute = acceptance{
		rule:   "AwsSolutions-APIG4",
		reason: "Its declaration makes it public: whoever knows the address may call it, and the function decides what it answers.",
	}
	traceAnywhere = acceptance{
		rule: "AwsSolutions-IAM5", finding: "Resource::*",
		reason: "X-Ray's actions know no resources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html",
	}
	timersTarget = acceptance{
		rule: rulepack.TargetDLQ, finding: timersTargetID,
		reason: "A call that is lost needs no queue: the next one, a minute later, does its work.",
	}
)

// accepted is the whole list.
func accepted() []acceptance {
	return []acceptance{undeliveredQueue, streamFailureQueue, publicRoute, traceAnywhere, timersTarget}
}

// accept puts acceptances into a resource's metadata. Call it once for a resource.
func accept(resource awscdk.CfnResource, all ...acceptance) {
	var ours []rulepack.Exception
	var nags []any
	for _, a := range all {
		if !rulepack.IsNag(a.rule) {
			rule := a.rule
			if a.finding != "" {
				rule += "[" + a.finding + "]"
			}
			ours = append(ours, rulepack.Exception{Rule: rule, Reason: a.reason})
			continue
		}
		nag := map[string]any{"id": a.rule, "reason": a.reason}
		if a.finding != "" {
			nag["applies_to"] = []any{a.finding}
		}
		nags = append(nags, nag)
	}
	if len(ours) > 0 {
		resource.AddMetadata(jsii.String(rulepack.MetadataKey), rulepack.Metadata(ours...))
	}
	if len(nags) > 0 {
		resource.AddMetadata(jsii.String("cdk_nag"), map[string]any{"rules_to_suppress": nags})
	}
}
