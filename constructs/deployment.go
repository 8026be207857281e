package constructs

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/constructs/internal/rulepack"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

// Deployment is one deployed copy of the application: it computes the name and
// the ARN of everything that Vinci names. The building blocks of this package
// take one, and a stack of the application's own is given one.
//
// ARNs are CloudFormation expressions (Fn::Sub with the pseudo parameters for
// partition, region and account): stacks refer to each other's resources without
// exports, so that none can hold another back.
type Deployment struct {
	names    names.Deployment
	settings Settings
	goarch   string
	code     map[string]string // function folder or framework command → asset folder
	alarms   alarmList

	publishesOn names.Deployment            // whose bus it publishes on; zero: its own
	busesOf     map[string]names.Deployment // on whose buses other applications' events are

	exceptions []rulepack.Exception
	arns       map[string]string // text with pseudo parameters → the CDK's token for it
}

// App is the application's name.
func (d *Deployment) App() string { return d.names.App }

// ID is the deployment's id.
func (d *Deployment) ID() string { return d.names.ID }

// Ephemeral reports whether the deployment is one that deletes cleanly: its
// tables go with their stacks.
func (d *Deployment) Ephemeral() bool { return d.settings.Ephemeral }

// Name is <app>-<deployment>-<name>, for a resource of the application's own
// that needs a name.
func (d *Deployment) Name(name string) string { return d.names.Name(name) }

// TableName is the physical name of a table.
func (d *Deployment) TableName(t orm.Definition) string { return d.names.Table(t.Schema().Name) }

// TableARN is the ARN of a table.
func (d *Deployment) TableARN(t orm.Definition) string {
	return d.arn("arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/" + d.TableName(t))
}

// IndexARNs are the ARNs of a table's secondary indexes, in the order of the
// definition.
func (d *Deployment) IndexARNs(t orm.Definition) []string {
	var arns []string
	for _, index := range t.Schema().Indexes {
		arns = append(arns, d.indexARN(t, index.Name))
	}
	return arns
}

func (d *Deployment) indexARN(t orm.Definition, index string) string {
	return d.arn("arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/" + d.TableName(t) + "/index/" + index)
}

// BusName is the physical name of the event bus on which the application publishes:
// its own, or that of [ApplicationProps.Bus].
func (d *Deployment) BusName() string { return d.bus().name() }

// BusARN is the ARN of that bus.
func (d *Deployment) BusARN() string { return d.bus().arn() }

// bus is the bus on which the application publishes. It may be another's.
func (d *Deployment) bus() busKind { return d.busOwnedBy(d.publishesOn) }

// busOf is the bus on which the events of a subscription are.
func (d *Deployment) busOf(s *bus.Definition) busKind {
	if s.From == "" {
		return d.bus()
	}
	owner, ok := d.busesOf[s.From]
	if !ok {
		// Synth has checked the application's own; this is one of a stack of its own.
		panic(fmt.Errorf("subscription %s: no events of %q were added with AddEventsOf", s.Name, s.From))
	}
	return d.busOwnedBy(owner)
}

func (d *Deployment) busOwnedBy(owner names.Deployment) busKind {
	if owner == (names.Deployment{}) {
		owner = d.names
	}
	return classicBus{of: owner, elsewhere: owner != d.names}
}

// retention is what functions are told of how long things are kept, where it is not
// the default.
func (d *Deployment) retention() map[string]string {
	environment := map[string]string{}
	if n := d.settings.DeliveryDays; n > 0 {
		environment[bus.EnvDeliveryDays] = strconv.Itoa(n)
	}
	if n := d.settings.ArchiveDays; n > 0 {
		environment[bus.EnvArchiveDays] = strconv.Itoa(n)
	}
	return environment
}

// publishesElsewhere is the name of the bus where functions publish, when they cannot
// compute it.
func (d *Deployment) publishesElsewhere() (bus string, elsewhere bool) {
	bus = d.bus().name()
	return bus, bus != d.names.Bus()
}

// QueueName is the physical name of a subscription's queue.
func (d *Deployment) QueueName(s *bus.Definition) string { return d.names.Queue(s.Name) }

// QueueARN is the ARN of a subscription's queue.
func (d *Deployment) QueueARN(s *bus.Definition) string { return queueARN(d.names.Queue(s.Name)) }

// DeadLetterQueueName is the physical name of a subscription's dead-letter
// queue.
func (d *Deployment) DeadLetterQueueName(s *bus.Definition) string {
	return d.names.DeadLetterQueue(s.Name)
}

// DeadLetterQueueARN is the ARN of a subscription's dead-letter queue.
func (d *Deployment) DeadLetterQueueARN(s *bus.Definition) string {
	return queueARN(d.names.DeadLetterQueue(s.Name))
}

// FailureQueueName is the physical name of a table handler's failure queue.
func (d *Deployment) FailureQueueName(h *capture.Definition) string {
	return d.names.DeadLetterQueue(h.Name)
}

// FailureQueueARN is the ARN of a table handler's failure queue.
func (d *Deployment) FailureQueueARN(h *capture.Definition) string {
	return queueARN(d.FailureQueueName(h))
}

// AlarmTopicARN is the ARN of the SNS topic of every alarm: the deployment's own, or
// the one of Settings.AlarmTopic.
func (d *Deployment) AlarmTopicARN() string {
	if d.settings.AlarmTopic != "" {
		return d.settings.AlarmTopic
	}
	return d.arn("arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:" + d.names.AlarmTopic())
}

// asset is the folder with a function's compiled code.
func (d *Deployment) asset(function string) string {
	dir, ok := d.code[function]
	if !ok {
		// The program is written wrong: Synth has built every function it was told
		// of.
		panic(fmt.Errorf("function %q was not built: name it in AddEventHandler, AddTableHandler, AddAPI or StackProps.Functions", function))
	}
	return dir
}

// must panics when a building block is given a definition with mistakes. Synth
// has checked the application's own; this is for a stack of its own that uses
// another.
func must(what string, err error) {
	if err != nil {
		panic(fmt.Errorf("%s: %w", what, err))
	}
}

func queueARN(name string) string {
	return sub("arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:" + name)
}

// arn is [sub] of an ARN that many resources name: the CDK is asked for each once.
func (d *Deployment) arn(text string) string {
	token, ok := d.arns[text]
	if !ok {
		if d.arns == nil {
			d.arns = map[string]string{}
		}
		token = sub(text)
		d.arns[text] = token
	}
	return token
}

// sub is Fn::Sub: text with ${AWS::Region} and the like in it.
func sub(text string) string { return *awscdk.Fn_Sub(jsii.String(text), nil) }
