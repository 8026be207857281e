package constructs

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/timers"
	"github.com/vinci-go/vinci/internal/emf"
)

// The timers function is called as often as EventBridge can. A call ends before
// the next begins, so that two do not read the same timers; if they did, each
// timer would fire once even so.
const (
	timersRate     = "rate(1 minute)"
	timersTimeout  = 55 * time.Second
	timersTargetID = "timers"
	// timersLate is how late a timer may be before somebody should look.
	timersLate = 5 * time.Minute
)

// addTimers makes the function that fires timers, and the rule that calls it.
//
// The rule is on the default bus: EventBridge has schedules nowhere else. A call
// that is lost needs no queue, since the next one does its work.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
func (l *EventLog) addTimers(d *Deployment) {
	scope := cdk.NewConstruct(l.Construct, jsii.String("Timers"))
	events, state := d.TableARN(eventlog.Events), d.TableARN(eventlog.State)
	l.Timers = NewFunction(scope, "Handler", &FunctionProps{
		Deployment:  d,
		Function:    timersCommand,
		Description: "Commits the events of timers that are due",
		Timeout:     timersTimeout,
		Statements: []Statement{
			{Sid: "FindTimers", Actions: []string{"dynamodb:Query"}, Resources: []string{d.indexARN(eventlog.State, eventlog.StateByDue.IndexName())}},
			// With the event, or not at all.
			{Sid: "RemoveTimers", Actions: []string{"dynamodb:DeleteItem"}, Resources: []string{state}, StringEquals: inTransaction()},
			commitEvents(events),
			// Where a stream ends; it looks for no event by its id.
			{Sid: "ReadLog", Actions: []string{"dynamodb:Query"}, Resources: []string{events}},
		},
	})
	l.TimersRule = awsevents.NewCfnRule(scope, jsii.String("Rule"), &awsevents.CfnRuleProps{
		Description:        jsii.String("Timers of " + d.App() + ", deployment " + d.ID()),
		ScheduleExpression: jsii.String(timersRate),
		State:              jsii.String("ENABLED"),
		Targets: []any{&awsevents.CfnRule_TargetProperty{
			Id:  jsii.String(timersTargetID),
			Arn: jsii.String(l.Timers.ARN()),
			// A minute later there is another call: an old one is no use.
			RetryPolicy: &awsevents.CfnRule_RetryPolicyProperty{
				MaximumEventAgeInSeconds: seconds(time.Minute),
				MaximumRetryAttempts:     jsii.Number(1),
			},
		}},
	})
	accept(l.TimersRule, timersTarget)
	awslambda.NewCfnPermission(scope, jsii.String("Permission"), &awslambda.CfnPermissionProps{
		Action:       jsii.String("lambda:InvokeFunction"),
		FunctionName: l.Timers.Name(),
		Principal:    "events.amazonaws.com",
		SourceArn:    l.TimersRule.AttrArn(),
	})
	d.newAlarm(scope, "Late", alarmProps{
		description: "Timers fire over five minutes late: look at the log of the timers function.",
		namespace:   emf.Namespace, metric: timers.MetricLag,
		dimensions: [][2]string{{emf.DimensionApplication, d.App()}, {emf.DimensionDeployment, d.ID()}},
		statistic:  "Maximum", threshold: float64(timersLate.Milliseconds()), period: time.Minute, periods: 3,
	})
	d.newAlarm(scope, "NotCalled", alarmProps{
		description: "EventBridge cannot call the timers function: look at its permission and at its throttles.",
		namespace:   "AWS/Events", metric: "FailedInvocations",
		dimensions: [][2]string{{"RuleName", *l.TimersRule.Ref()}},
		statistic:  "Sum", threshold: 1, period: time.Minute, periods: 5,
	})
	d.functionAlarms(scope, l.Timers, "the timers")
}
