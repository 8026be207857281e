package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	cdk "github.com/aws/constructs-go/constructs/v10"
)

// EventBusProps says which bus to make.
type EventBusProps struct {
	Deployment *Deployment // required
}

// EventBus is the deployment's event bus.
//
// Principals of its own account may publish when their roles allow it. Those of
// [Settings.PublisherAccounts] may when their accounts allow it, but not with the
// sources of this application. With [Settings.ArchiveDays] it has an archive of its
// own name.
//
// It has no dead-letter queue: EventBridge uses one only for events that it cannot
// encrypt or decrypt with a customer's key, and this bus has none. What a rule cannot
// deliver is in the undelivered queue of its subscription, and what no rule matches is
// in the log.
type EventBus struct {
	cdk.Construct
	Resource awscdk.CfnResource
}

// NewEventBus makes the bus. Its physical name is computed from the deployment.
func NewEventBus(scope cdk.Construct, id string, props *EventBusProps) *EventBus {
	b := &EventBus{Construct: cdk.NewConstruct(scope, &id)}
	d := props.Deployment
	b.Resource = d.bus().newBus(b.Construct, busProps{d: d, archiveDays: d.settings.ArchiveDays, publishers: d.settings.PublisherAccounts})
	return b
}
