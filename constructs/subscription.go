package constructs

import (
	"strconv"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/constructs/internal/plan"
	"github.com/vinci-go/vinci/eventlog"
)

// SubscriptionProps describes a subscription with its function.
type SubscriptionProps struct {
	Deployment *Deployment     // required
	Definition *bus.Definition // required; without errors
	EventHandlerProps
}

// Subscription is everything between the bus and a handler, as one construct: a
// rule, a queue, its dead-letter queue, a queue for what EventBridge could not
// deliver, the function with role and log group, the mapping from queue to
// function, and the alarms.
//
// The queue hides a message for six times the function's time-out, so that a
// message is not handed out again while it is still being worked on:
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
type Subscription struct {
	cdk.Construct
	Queue           awssqs.CfnQueue
	DeadLetterQueue awssqs.CfnQueue // nil when it has none
	Undelivered     awssqs.CfnQueue
	Function        *Function
	Mapping         awslambda.CfnEventSourceMapping
}

// NewSubscription makes a subscription. The bus may be in another stack, and that of
// another application.
func NewSubscription(scope cdk.Construct, id string, props *SubscriptionProps) *Subscription {
	s := &Subscription{Construct: cdk.NewConstruct(scope, &id)}
	def, d := props.Definition, props.Deployment
	must("subscription "+def.Name, def.Err())
	timeout := orDuration(props.Timeout, defaultTimeout)
	window := plan.BatchingWindow(props.BatchSize, props.BatchingWindow)
	visibility := visibilityOf(props.Timeout, props.BatchSize, props.BatchingWindow)

	if props.DeadLetterQueue {
		s.DeadLetterQueue = newQueue(s.Construct, "DeadLetterQueue", queueProps{
			name: d.DeadLetterQueueName(def), retention: deadLetterRetention,
		})
		newQueuePolicy(s.Construct, "DeadLetterQueuePolicy", s.DeadLetterQueue, "")
	}
	receives := 0
	if def.Ordered {
		receives = orderedReceiveCount
	}
	s.Queue = newQueue(s.Construct, "Queue", queueProps{
		name: d.QueueName(def), retention: queueRetention, visibility: visibility, deadLetter: s.DeadLetterQueue, receives: receives,
	})
	s.Undelivered = newQueue(s.Construct, "Undelivered", queueProps{
		name: d.names.UndeliveredQueue(def.Name), retention: deadLetterRetention,
	})
	accept(s.Undelivered, undeliveredQueue)
	d.busOf(def).deliver(s.Construct, deliveryProps{
		description: "Subscription " + def.Name + " of " + d.App() + ", deployment " + d.ID(),
		source:      def.Source(d.App()), selectors: def.Selectors,
		queue: s.Queue, undelivered: s.Undelivered,
	})

	s.addFunction(props, timeout, window, visibility)
	s.addAlarms(d, def, visibility)
	return s
}

func (s *Subscription) addFunction(props *SubscriptionProps, timeout, window, visibility time.Duration) {
	def, d := props.Definition, props.Deployment
	statements := []Statement{
		{
			Sid:       "Consume",
			Actions:   []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"},
			Resources: []string{*s.Queue.AttrArn()},
		},
		d.recordDeliveries(),
	}
	if def.Ordered {
		statements = append(statements, Statement{Sid: "ReadOrder", Actions: []string{"dynamodb:Query"}, Resources: []string{d.TableARN(eventlog.Events)}})
		statements = append(statements, keepCheckpoints(def.Name, d.TableARN(eventlog.State))...)
	}
	if def.Rebuildable {
		statements = append(statements, Statement{
			Sid: "ReadGenerations", Actions: []string{"dynamodb:GetItem"}, Resources: []string{d.TableARN(eventlog.State)},
			LeadingKeys: []string{eventlog.ModelKey(def.Name)},
		})
	}
	environment := d.retention()
	environment[bus.EnvVisibilityTimeout] = strconv.Itoa(int(visibility / time.Second))
	if s.DeadLetterQueue != nil {
		statements = append(statements, Statement{
			Sid: "GiveUp", Actions: []string{"sqs:SendMessage"}, Resources: []string{*s.DeadLetterQueue.AttrArn()},
		})
		environment[bus.EnvDeadLetterQueue] = d.DeadLetterQueueName(def)
	}
	s.Function = NewFunction(s.Construct, "Handler", &FunctionProps{
		Deployment:  d,
		Function:    props.Function,
		Description: "Subscription " + def.Name,
		Timeout:     timeout,
		Memory:      props.Memory,
		Environment: environment,
		Statements:  append(statements, d.accessStatements(def.Access, eventlog.Events)...),
	})
	mapping := &awslambda.CfnEventSourceMappingProps{
		FunctionName:          s.Function.Name(),
		EventSourceArn:        s.Queue.AttrArn(),
		Enabled:               jsii.Bool(true),
		BatchSize:             jsii.Number(orInt(props.BatchSize, plan.DefaultBatchSize)),
		FunctionResponseTypes: jsii.Strings("ReportBatchItemFailures"),
	}
	if window > 0 {
		mapping.MaximumBatchingWindowInSeconds = seconds(window)
	}
	if props.MaxConcurrency > 0 {
		mapping.ScalingConfig = &awslambda.CfnEventSourceMapping_ScalingConfigProperty{MaximumConcurrency: jsii.Number(props.MaxConcurrency)}
	}
	s.Mapping = awslambda.NewCfnEventSourceMapping(s.Construct, jsii.String("Mapping"), mapping)
}

func (s *Subscription) addAlarms(d *Deployment, def *bus.Definition, visibility time.Duration) {
	what := "subscription " + def.Name
	if s.DeadLetterQueue != nil {
		d.queueDepthAlarm(s.Construct, "DeadLetters", *s.DeadLetterQueue.AttrQueueName(),
			"Events that "+what+" gave up: find out why in the deliveries table, then redrive the queue.")
	} else {
		d.newAlarm(s.Construct, "GivenUp", alarmProps{
			description: "Events that " + what + " gave up, which has no dead-letter queue: find out which and why in the deliveries table.",
			namespace:   bus.MetricNamespace, metric: bus.MetricDead,
			dimensions: [][2]string{{bus.DimensionApplication, d.App()}, {bus.DimensionDeployment, d.ID()}, {bus.DimensionSubscription, def.Name}},
			statistic:  "Sum", threshold: 1, period: time.Minute, periods: 1,
		})
	}
	d.queueDepthAlarm(s.Construct, "UndeliveredEvents", *s.Undelivered.AttrQueueName(),
		"Events that EventBridge could not put into the queue of "+what+": each message's attributes say why.")
	d.newAlarm(s.Construct, "Backlog", alarmProps{
		description: "Events wait too long for " + what + ": it is too slow, is throttled, or fails again and again.",
		namespace:   "AWS/SQS", metric: "ApproximateAgeOfOldestMessage",
		dimensions: [][2]string{{"QueueName", *s.Queue.AttrQueueName()}},
		statistic:  "Maximum", threshold: backlogAge(visibility).Seconds(), period: time.Minute, periods: 5,
	})
	d.functionAlarms(s.Construct, s.Function, what)
}

// visibilityOf is how long a queue hides a message from others, for what the handler
// says.
func visibilityOf(timeout time.Duration, batchSize int, window time.Duration) time.Duration {
	return 6*orDuration(timeout, defaultTimeout) + plan.BatchingWindow(batchSize, window)
}

// backlogAge is how old a message may become before somebody should look. A
// message that fails is hidden for the visibility time-out, so a lower age would
// fire at every second attempt.
func backlogAge(visibility time.Duration) time.Duration {
	return max(10*time.Minute, 3*visibility)
}
