package constructs

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	cdk "github.com/aws/constructs-go/constructs/v10"

	"github.com/vinci-go/vinci/event"
)

// busKind is one of EventBridge's kinds of bus. All that Vinci makes for a bus and
// for what a bus delivers goes through it, so that a kind is one type in one file.
// [classicBus] is the only one.
//
// AWS has another since 2026, of AWS::EventsV2::EventBus and Subscriber. Beside
// classicBus it would have to answer these points:
//
//   - Delivery takes a role of the subscriber, with sqs:SendMessage on the queue, and
//     no queue policy: newQueuePolicy without a rule, and an AWS::IAM::Role that
//     events.amazonaws.com may take.
//   - A subscriber has one filter and one target, and may start at a point in time or
//     at the horizon: what a new subscription begins with becomes a choice.
//   - Retries end after 5 attempts in 300 seconds unless said otherwise. targetAttempts
//     and targetMaxAge must be said, as they are here.
//   - Retention of the bus (1 to 365 days) stands in for the archive, so ArchiveDays is
//     a property of the bus; a replay is a subscriber's.
//   - The bus policy is AWS::EventsV2::ResourcePolicy. Actions stay events:PutEvents, but
//     the ARN is event-busv2/<name>/<id>, and the id cannot be computed: roles would
//     need it from the bus's stack.
//   - Publishing needs another client and endpoint, so the relay needs a relay.Publisher
//     of its own, and may set a group id (the stream) and a deduplication id (the event
//     id). A suppressed duplicate is a success.
//   - Subscribers of a bus are made one at a time: those of one stack need explicit
//     dependencies.
//   - The CDK's version here has no constructs for it, nor has the local runtime.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus.html
type busKind interface {
	// name and arn are those of the bus.
	name() string
	arn() string
	// newBus makes the bus with its policy and its archive.
	newBus(scope cdk.Construct, p busProps) awscdk.CfnResource
	// publishing allows an application to publish on the bus, in its own name only: a bus
	// may be shared, and rules go by the source.
	publishing(sid, application string) Statement
	// deliver makes what brings events from the bus to a queue, and what is needed for
	// it: permission, and a place for what does not arrive. The bus may be in another
	// stack, and of another application.
	deliver(scope cdk.Construct, p deliveryProps)
}

// busProps describe a bus of this deployment.
type busProps struct {
	d           *Deployment
	archiveDays int      // 0: no archive
	publishers  []string // account ids
}

// deliveryProps describe what a queue gets from a bus.
type deliveryProps struct {
	description string
	source      string // of the events, as they are on the bus
	selectors   []event.Selector
	queue       awssqs.CfnQueue
	undelivered awssqs.CfnQueue // what the queue does not take
}

// EventBridge's own defaults, said in the template so that they are seen:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
const (
	targetMaxAge   = 24 * time.Hour
	targetAttempts = 185
)
