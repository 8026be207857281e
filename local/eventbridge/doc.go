// Package eventbridge is the local runtime's Amazon EventBridge: event buses,
// rules with event patterns, and delivery to SQS queues.
//
//	s := eventbridge.New(eventbridge.Options{Queues: queues})
//	err := s.Apply(eventbridge.Config{Buses: buses, Rules: rules})
//	results, err := s.PutEvents(ctx, []eventbridge.Entry{{
//		Source: "user-system", DetailType: "user.created", Detail: detail, EventBusName: "my-bus",
//	}})
//
// A [Service] is a [gateway.Service]: PutEvents and the operations that only read
// are served to any AWS SDK and to the aws CLI.
//
// # Delivery
//
// Every accepted entry becomes an event with a new id. It goes to each target of
// each enabled rule of the bus whose pattern it satisfies, as EventBridge's event
// JSON with the detail's bytes as they were put. PutEvents answers when the event
// is stored in every target queue that takes it: an accepted event is durable.
//
// A target queue must allow events.amazonaws.com to send, as its queue policy says
// with aws:SourceArn the rule's ARN. When it does not, or when it does not exist,
// the event goes to the target's dead-letter queue at once. When a queue fails
// otherwise, delivery is tried again in the background, with growing pauses, until
// the target's retry policy ends; then the event goes to the dead-letter queue. An
// event that no dead-letter queue takes is lost, as in AWS, and logged as an error.
// What waits to be tried again is lost with the process: it waits only because the
// store of the queues refuses to write.
//
// # As in AWS
//
// An entry for a bus that does not exist is accepted, given an id, and dropped.
// AWS does that silently (https://github.com/aws/aws-cli/issues/9186); here it is
// a line in the log.
//
// # What it does not do
//
// Targets other than standard SQS queues, input transformation, schedules,
// archives and replays, and operations that change rules over the wire are not
// served. [Service.Apply] refuses what it does not know.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-what-is.html
package eventbridge
