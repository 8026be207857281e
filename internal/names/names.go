package names

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// The environment variables by which a function learns who it is. Both are set
// on every function by the constructs and by the local runtime's assembly.
const (
	EnvApplication = "VINCI_APP"
	EnvDeployment  = "VINCI_DEPLOYMENT"
	// EnvBus is the physical name of the bus on which the application publishes, set on
	// functions that do when it is another application's: then it cannot be computed.
	EnvBus = "VINCI_BUS"
)

// EnvMaxBody is set on the functions of HTTP APIs: how many bytes a request's body
// may have. DefaultMaxBody, ample for JSON that people wrote, counts without it.
const (
	EnvMaxBody     = "VINCI_MAX_BODY_BYTES"
	DefaultMaxBody = 1 << 20
)

// MetadataBus is the key of a template's metadata by which a resource names a bus that
// another application makes, so that whoever runs one assembly alone knows that it is
// not forgotten.
const MetadataBus = "vinci:bus"

// Suffixes that Vinci adds to a subscription's queue name. A definition's own
// name may not end in one of them.
const (
	SuffixDeadLetter  = "_dlq"
	SuffixUndelivered = "_undelivered"
)

// Names of the framework's own tables, bus, queue and topic.
const (
	TableEvents      = "events"
	TableDeliveries  = "deliveries"
	TableState       = "state"
	BusName          = "bus"
	RelayFailedQueue = "relay_failed"
	AlarmTopicName   = "alarms"
)

// AWS's limits for the names that are computed here.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-using-console-create-stack-parameters.html
const (
	MaxQueue = 80
	MaxTable = 255
	MaxStack = 128

	// MaxArchive is not checked: the longest name of a bus is shorter.
	// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateArchive.html
	MaxArchive = 48
)

var (
	appPattern        = regexp.MustCompile(`^[a-z][a-z0-9-]{0,23}$`)
	deploymentPattern = regexp.MustCompile(`^[a-z][a-z0-9]{0,15}$`)
	namePattern       = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// Deployment is one deployed copy of an application. Its zero value is not
// usable: make it with [New] or [FromEnv].
type Deployment struct {
	App string // the application's name
	ID  string // the deployment's id
}

// New checks both parts and reports everything that is wrong with them at once.
func New(app, id string) (Deployment, error) {
	var errs []error
	if err := CheckApplication(app); err != nil {
		errs = append(errs, err)
	}
	if id == "" {
		errs = append(errs, errors.New("deployment id is missing: name one with -c deployment=ID (make synth DEPLOYMENT=ID)"))
	} else if !deploymentPattern.MatchString(id) {
		errs = append(errs, fmt.Errorf("deployment id %q: allowed is %s: a lower-case letter, then up to 15 lower-case letters or digits", id, deploymentPattern))
	}
	if len(errs) > 0 {
		return Deployment{}, errors.Join(errs...)
	}
	return Deployment{App: app, ID: id}, nil
}

// FromEnv reads the deployment of the running function. getenv is os.Getenv in
// a program and a literal in a test.
func FromEnv(getenv func(string) string) (Deployment, error) {
	d, err := New(getenv(EnvApplication), getenv(EnvDeployment))
	if err != nil {
		return Deployment{}, fmt.Errorf("environment variables %s and %s: %w", EnvApplication, EnvDeployment, err)
	}
	return d, nil
}

// CheckApplication reports what is wrong with the name of an application, and nil when
// it may be used.
func CheckApplication(app string) error {
	if !appPattern.MatchString(app) {
		return fmt.Errorf("application name %q: allowed is %s: a lower-case letter, then up to 23 lower-case letters, digits or hyphens", app, appPattern)
	}
	return nil
}

// Check reports what is wrong with the name of a table, a subscription or a
// function, and nil when it may be used.
func Check(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("name %q: allowed is %s: a lower-case letter, then lower-case letters, digits or underscores", name, namePattern)
	}
	for _, suffix := range []string{SuffixDeadLetter, SuffixUndelivered} {
		if strings.HasSuffix(name, suffix) {
			return fmt.Errorf("name %q ends in %q, which is reserved for a subscription's own queues: choose another", name, suffix)
		}
	}
	return nil
}

// Name is <app>-<deployment>-<name>.
func (d Deployment) Name(name string) string { return d.App + "-" + d.ID + "-" + name }

// Table is the physical name of a table.
func (d Deployment) Table(name string) string { return d.Name(name) }

// BusFromEnv is the physical name of the bus on which the deployment publishes.
func (d Deployment) BusFromEnv(getenv func(string) string) string {
	if bus := getenv(EnvBus); bus != "" {
		return bus
	}
	return d.Bus()
}

// Bus is the physical name of the deployment's event bus.
func (d Deployment) Bus() string { return d.Name(BusName) }

// Queue is the physical name of a subscription's queue.
func (d Deployment) Queue(subscription string) string { return d.Name(subscription) }

// DeadLetterQueue is where SQS puts what a subscription could not handle.
func (d Deployment) DeadLetterQueue(subscription string) string {
	return d.Name(subscription + SuffixDeadLetter)
}

// UndeliveredQueue is where EventBridge puts what it could not deliver to a
// subscription's queue.
func (d Deployment) UndeliveredQueue(subscription string) string {
	return d.Name(subscription + SuffixUndelivered)
}

// RelayFailedQueue receives the ids of events that the relay could not publish.
func (d Deployment) RelayFailedQueue() string { return d.Name(RelayFailedQueue) }

// AlarmTopic is the SNS topic of every alarm of the deployment.
func (d Deployment) AlarmTopic() string { return d.Name(AlarmTopicName) }

// Release is where the bucket of last good assemblies has the deployment's.
func (d Deployment) Release() string { return d.App + "/" + d.ID + ".tar.gz" }

// Stack is the name of a CloudFormation stack. CloudFormation allows no
// underscore there, so underscores become hyphens: stack names are checked for
// collisions where stacks are made.
func (d Deployment) Stack(name string) string {
	return d.Name(strings.ReplaceAll(name, "_", "-"))
}

// AlarmPrefix is what the names of all alarms of the deployment begin with, and of no
// other one: neither application nor deployment has a slash in its name.
func (d Deployment) AlarmPrefix() string { return d.App + "-" + d.ID + "/" }
