// Package schedule tells when EventBridge's scheduled rules are due: rate(…) and
// cron(…) in UTC.
//
//	s := schedule.New(schedule.Options{Due: due})
//	…
//	err := s.Apply([]schedule.RuleConfig{{Name: "nightly", ARN: arn, Expression: "cron(0 3 * * ? *)"}})
//
// It knows time only. Rules, their targets and what a target gets are
// local/eventbridge's, which owns a [Service].
//
// # Where it differs from EventBridge
//
//   - A rule waits for its call of Due to end: what comes due meanwhile is left out.
//   - Time that passes while nothing runs is not made up for, and a rate counts from
//     the start of the process, not from when the rule was made.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
package schedule
