package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// EventBusProps says which bus to make.
type EventBusProps struct {
	Deployment *Deployment // required
}

// EventBus is the deployment's event bus. It has no resource policy: only
// principals of its own account that their roles allow may publish.
type EventBus struct {
	cdk.Construct
	Resource awsevents.CfnEventBus
}

// NewEventBus makes the bus. Its physical name is computed from the deployment.
func NewEventBus(scope cdk.Construct, id string, props *EventBusProps) *EventBus {
	b := &EventBus{Construct: cdk.NewConstruct(scope, &id)}
	b.Resource = awsevents.NewCfnEventBus(b.Construct, jsii.String("Resource"), &awsevents.CfnEventBusProps{
		Name:        jsii.String(props.Deployment.BusName()),
		Description: jsii.String("Events of " + props.Deployment.App() + ", deployment " + props.Deployment.ID()),
	})
	return b
}
