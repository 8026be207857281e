// Package eventbridge is the local runtime's Amazon EventBridge: event buses,
// rules with event patterns and schedules, delivery to queues, functions and other
// buses, archives and replays.
//
//	s, err := eventbridge.Open(eventbridge.Options{Queues: queues, Functions: functions, Dir: dir})
//	err = s.Apply(eventbridge.Config{Buses: buses, Rules: rules}) // what an assembly asks for
//	err = s.Start()                                               // schedules, and what an earlier process left
//	results, err := s.PutEvents(ctx, []eventbridge.Entry{{
//		Source: "user-system", DetailType: "user.created", Detail: detail, EventBusName: "my-bus",
//	}})
//
// A [Service] is a [gateway.Service]: any AWS SDK and the aws CLI make, change and
// read buses, rules, targets, permissions, tags, archives and replays, and put
// events. Answers, limits and errors are EventBridge's.
//
// # Two origins
//
// Definitions come from [Service.Apply], which is the assembly, or from calls of an
// SDK. Apply replaces the assembly's and leaves the others alone. Calls may change a
// thing of the assembly: that lasts until the assembly asks for something else, or
// the process ends. What calls make is kept in Options.Dir.
//
// # Delivery
//
// Every accepted entry becomes an event with a new id. It goes to each target of
// each enabled rule of the bus whose pattern it satisfies, as EventBridge's event
// JSON with the detail's bytes as they were put, or as the target's input says.
// PutEvents answers when every target has the event durably, or when the folder has
// it for a target that is tried again: an accepted event survives the process. What
// is delivered at once, which is nearly everything, is not written here at all.
//
// A queue or a function must allow events.amazonaws.com for the rule's ARN, as its
// policy says; a rule reaches another bus with the role of its target, and the
// bus's policy may deny. What may not be reached, or does not exist, makes the event
// go to the target's dead-letter queue at once. When a target fails otherwise,
// delivery is tried again in the background, with growing pauses, until the target's
// retry policy ends; then the event goes to the dead-letter queue. An event that no
// dead-letter queue takes is lost, as in AWS, and logged as an error.
//
// # As in AWS
//
// An entry for a bus that does not exist is accepted, given an id, and dropped.
// AWS does that silently (https://github.com/aws/aws-cli/issues/9186); here it is
// a line in the log. An event that came from another bus does not go to a third.
// An event may be delivered twice.
//
// # Where it differs
//
//   - Targets are SQS queues, Lambda functions and event buses of this account and
//     region. Others are failed entries of PutTargets.
//   - Changes hold at once; archives count their events at once.
//   - An archive makes no managed rule. A replay takes events in the order of their
//     times, to the second, where EventBridge orders minutes.
//   - A bus's policy is judged as far as package iam can read it, for callers and
//     for rules that forward; what it cannot read is kept and logged.
//   - Partner event sources, global endpoints, API destinations, connections and
//     encryption are not served.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-what-is.html
package eventbridge
