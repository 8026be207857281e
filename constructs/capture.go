package constructs

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/constructs/internal/plan"
	"github.com/vinci-go/vinci/eventlog"
)

// TableCaptureProps describes a handler of a table's changes with its function.
type TableCaptureProps struct {
	Deployment *Deployment         // required
	Definition *capture.Definition // required; without errors
	Table      *Table              // required: that of the definition, in the same stack
	TableHandlerProps
}

// TableCapture is everything between a table's stream and a handler, as one
// construct: the failure queue, the function with role and log group, the mapping from
// stream to function, and the alarms.
//
// It is in the stack of its table, because a stream's ARN cannot be computed from
// outside.
type TableCapture struct {
	cdk.Construct
	FailureQueue awssqs.CfnQueue
	Function     *Function
	Mapping      awslambda.CfnEventSourceMapping
}

// How a stream is read. The function counts the attempts at a change and puts it into
// the failure queue itself. What it reports to Lambda as failed waits for its time
// or for the framework's own tables; what makes it crash is isolated by bisection,
// which costs no retry. So these are for what is left: a change that crashes the
// function holds its shard up for 100 retries and then goes, as a range of sequence
// numbers, to the same queue.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-errors.html
const (
	changeRetries = 100
	changeMaxAge  = 22 * time.Hour // before the stream forgets it, after 24
	// changesLate is how long a change may wait before somebody should look.
	changesLate = 5 * time.Minute
)

// NewTableCapture makes a table handler.
func NewTableCapture(scope cdk.Construct, id string, props *TableCaptureProps) *TableCapture {
	t := &TableCapture{Construct: cdk.NewConstruct(scope, &id)}
	def, d := props.Definition, props.Deployment
	must("table handler "+def.Name, def.Err())

	t.FailureQueue = newQueue(t.Construct, "FailureQueue", queueProps{name: d.FailureQueueName(def), retention: deadLetterRetention})
	accept(t.FailureQueue, streamFailureQueue)
	newQueuePolicy(t.Construct, "FailureQueuePolicy", t.FailureQueue, "")

	environment := d.retention()
	delete(environment, bus.EnvArchiveDays) // changes of a table are in no archive
	environment[capture.EnvFailureQueue] = d.FailureQueueName(def)
	stream := props.Table.StreamARN()
	t.Function = NewFunction(t.Construct, "Handler", &FunctionProps{
		Deployment:  d,
		Function:    props.Function,
		Description: "Table handler " + def.Name,
		Timeout:     orDuration(props.Timeout, defaultTimeout),
		Memory:      props.Memory,
		Environment: environment,
		Statements: append([]Statement{
			readStream(stream),
			d.recordDeliveries(),
			// With the function's role Lambda sends what it gives up as well.
			{Sid: "GiveUp", Actions: []string{"sqs:SendMessage"}, Resources: []string{*t.FailureQueue.AttrArn()}},
		}, d.accessStatements(def.Access, eventlog.Events)...),
	})
	mapping := &awslambda.CfnEventSourceMappingProps{
		FunctionName:               t.Function.Name(),
		EventSourceArn:             stream,
		Enabled:                    jsii.Bool(true),
		StartingPosition:           jsii.String("TRIM_HORIZON"),
		BatchSize:                  jsii.Number(orInt(props.BatchSize, plan.DefaultChangeBatch)),
		BisectBatchOnFunctionError: jsii.Bool(true),
		MaximumRetryAttempts:       jsii.Number(changeRetries),
		MaximumRecordAgeInSeconds:  seconds(changeMaxAge),
		FunctionResponseTypes:      jsii.Strings("ReportBatchItemFailures"),
		DestinationConfig: &awslambda.CfnEventSourceMapping_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventSourceMapping_OnFailureProperty{Destination: t.FailureQueue.AttrArn()},
		},
	}
	if props.BatchingWindow > 0 {
		mapping.MaximumBatchingWindowInSeconds = seconds(props.BatchingWindow)
	}
	if props.Parallel > 1 {
		mapping.ParallelizationFactor = jsii.Number(props.Parallel)
	}
	if patterns := def.Filters(); len(patterns) > 0 {
		var filters []any
		for _, p := range patterns {
			filters = append(filters, &awslambda.CfnEventSourceMapping_FilterProperty{Pattern: jsii.String(p)})
		}
		mapping.FilterCriteria = &awslambda.CfnEventSourceMapping_FilterCriteriaProperty{Filters: filters}
	}
	t.Mapping = awslambda.NewCfnEventSourceMapping(t.Construct, jsii.String("Mapping"), mapping)
	t.addAlarms(d, def)
	return t
}

func (t *TableCapture) addAlarms(d *Deployment, def *capture.Definition) {
	what := "table handler " + def.Name
	d.queueDepthAlarm(t.Construct, "Failures", *t.FailureQueue.AttrQueueName(),
		"Changes that "+what+" gave up: each message says which and why, or is Lambda's, with a range of the stream that made the function crash.")
	d.newAlarm(t.Construct, "Lag", alarmProps{
		description: "Changes wait over five minutes for " + what + ": it is too slow, is throttled, or one change fails again and again. The stream forgets after 24 hours.",
		namespace:   "AWS/Lambda", metric: "IteratorAge",
		dimensions: [][2]string{{"FunctionName", t.Function.Name()}},
		statistic:  "Maximum", threshold: float64(changesLate.Milliseconds()), period: time.Minute, periods: 3,
	})
	d.functionAlarms(t.Construct, t.Function, what)
}
