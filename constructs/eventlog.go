package constructs

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/relay"
	"github.com/vinci-go/vinci/internal/names"
)

// EventLogProps says which log to make.
type EventLogProps struct {
	Deployment *Deployment // required
	// ConsumesOnly leaves out what publishes: relay, timers and their alarms. The
	// tables are all there, since tools record in the log what they do.
	ConsumesOnly bool
}

// EventLog is the framework's three tables (events, deliveries, state), the
// relay: the function that takes events from the stream of the events table and
// publishes them on the bus, and the timers function: it commits the events of
// timers that are due, every minute. Tables and relay are together because a
// stream's ARN cannot be computed from outside.
type EventLog struct {
	cdk.Construct
	Events, Deliveries, State *Table

	// Those of an application that only consumes are nil.
	Relay       *Function
	RelayFailed awssqs.CfnQueue
	Mapping     awslambda.CfnEventSourceMapping
	Timers      *Function
	TimersRule  awsevents.CfnRule
}

// How the relay reads the stream. It puts an event that can never be published
// into the failure queue itself; what it reports to Lambda as failed waits for a
// throttled or broken service to recover. So the number of attempts is as large
// as AWS allows and the age decides: after 22 hours Lambda gives the range of
// records to the same queue, before the stream forgets them after 24.
const (
	relayBatch    = 100
	relayAttempts = 10000
	relayMaxAge   = 22 * time.Hour
	relayTimeout  = time.Minute
	// relayLate is how long a committed event may wait before somebody should look.
	relayLate = time.Minute
)

// NewEventLog makes the log.
func NewEventLog(scope cdk.Construct, id string, props *EventLogProps) *EventLog {
	l := &EventLog{Construct: cdk.NewConstruct(scope, &id)}
	d := props.Deployment
	l.Events = NewTable(l.Construct, "Events", &TableProps{Deployment: d, Definition: eventlog.Events})
	l.Deliveries = NewTable(l.Construct, "Deliveries", &TableProps{Deployment: d, Definition: bus.Deliveries})
	l.State = NewTable(l.Construct, "State", &TableProps{Deployment: d, Definition: eventlog.State})

	if props.ConsumesOnly {
		return l
	}
	l.RelayFailed = newQueue(l.Construct, "RelayFailed", queueProps{name: d.names.RelayFailedQueue(), retention: deadLetterRetention})
	accept(l.RelayFailed, streamFailureQueue)
	newQueuePolicy(l.Construct, "RelayFailedPolicy", l.RelayFailed, "")

	stream := l.Events.StreamARN()
	l.Relay = NewFunction(l.Construct, "Relay", &FunctionProps{
		Deployment:  d,
		Function:    relayCommand,
		Description: "Publishes committed events on the bus",
		Timeout:     relayTimeout,
		Statements: []Statement{
			readStream(stream),
			d.bus().publishing("Publish", d.App()),
			{Sid: "GiveUp", Actions: []string{"sqs:SendMessage"}, Resources: []string{*l.RelayFailed.AttrArn()}},
		},
	})
	if bus, elsewhere := d.publishesElsewhere(); elsewhere {
		l.Relay.Resource.AddMetadata(jsii.String(names.MetadataBus), bus)
	}
	// No filter: the relay must see MODIFY and REMOVE as well, to count them.
	l.Mapping = awslambda.NewCfnEventSourceMapping(l.Construct, jsii.String("Mapping"), &awslambda.CfnEventSourceMappingProps{
		FunctionName:               l.Relay.Name(),
		EventSourceArn:             stream,
		Enabled:                    jsii.Bool(true),
		StartingPosition:           jsii.String("TRIM_HORIZON"),
		BatchSize:                  jsii.Number(relayBatch),
		BisectBatchOnFunctionError: jsii.Bool(true),
		MaximumRetryAttempts:       jsii.Number(relayAttempts),
		MaximumRecordAgeInSeconds:  seconds(relayMaxAge),
		FunctionResponseTypes:      jsii.Strings("ReportBatchItemFailures"),
		DestinationConfig: &awslambda.CfnEventSourceMapping_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventSourceMapping_OnFailureProperty{Destination: l.RelayFailed.AttrArn()},
		},
	})
	l.addAlarms(d)
	l.addTimers(d)
	return l
}

func (l *EventLog) addAlarms(d *Deployment) {
	d.queueDepthAlarm(l.Construct, "UnpublishedEvents", *l.RelayFailed.AttrQueueName(),
		"Events that the relay could not publish: each message says which and why.")
	d.newAlarm(l.Construct, "Lag", alarmProps{
		description: "Committed events wait over a minute to be published: look at the relay's log.",
		namespace:   "AWS/Lambda", metric: "IteratorAge",
		dimensions: [][2]string{{"FunctionName", l.Relay.Name()}},
		statistic:  "Maximum", threshold: float64(relayLate.Milliseconds()), period: time.Minute, periods: 3,
	})
	d.newAlarm(l.Construct, "Changed", alarmProps{
		description: "Items of the event log were changed or removed, which nothing may do: the relay's log says which.",
		namespace:   relay.MetricNamespace, metric: relay.MetricChanged,
		dimensions: [][2]string{{relay.DimensionApplication, d.App()}, {relay.DimensionDeployment, d.ID()}},
		statistic:  "Sum", threshold: 1, period: time.Minute, periods: 1,
	})
	d.functionAlarms(l.Construct, l.Relay, "the relay")
}
