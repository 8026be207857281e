// Package schedule runs EventBridge's scheduled rules on one machine: rate(…) and
// cron(…) in UTC, with functions as targets.
//
//	s, err := schedule.New(schedule.Options{Invoke: invoke})
//	…
//	err = s.Apply([]schedule.RuleConfig{{Name: "nightly", ARN: arn, Expression: "cron(0 3 * * ? *)", Targets: targets}})
//
// # Where it differs from EventBridge
//
//   - rate(1 minute) is the finest rate that EventBridge has. Whoever chose it wants
//     to be called as often as can be, so here it runs every second (see
//     [Options].FinestRate). Everything else runs as it says.
//   - A rule waits for its calls: what comes due meanwhile is left out. EventBridge
//     calls Lambda asynchronously, and calls may overlap.
//   - A call that fails is logged and not tried again: the next one comes by
//     itself. On AWS, Lambda tries an asynchronous call twice more.
//   - Time that passes while nothing runs is not made up for.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
package schedule
