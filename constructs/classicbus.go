package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/constructs/internal/plan"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/names"
)

// classicBus is EventBridge's bus with rules and targets, AWS::Events::*.
type classicBus struct {
	of names.Deployment // whose bus it is
	// elsewhere: this deployment does not make it.
	elsewhere bool
}

func (b classicBus) name() string { return b.of.Bus() }

func (b classicBus) arn() string {
	return sub("arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/" + b.of.Bus())
}

func (b classicBus) newBus(scope cdk.Construct, p busProps) awscdk.CfnResource {
	bus := awsevents.NewCfnEventBus(scope, jsii.String("Resource"), &awsevents.CfnEventBusProps{
		Name:        jsii.String(b.of.Bus()),
		Description: jsii.String("Events of " + p.d.App() + ", deployment " + p.d.ID()),
	})
	if len(p.publishers) > 0 {
		b.letPublish(scope, bus, p.publishers)
	}
	if p.archiveDays > 0 {
		b.archive(scope, bus, p)
	}
	return bus
}

// letPublish lets other accounts publish on the bus, and not in the name of its
// application: rules go by the source. EventBridge asks the policy for each entry of a
// request by itself.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
func (b classicBus) letPublish(scope cdk.Construct, bus awsevents.CfnEventBus, accounts []string) {
	principals := []any{}
	for _, account := range accounts {
		principals = append(principals, sub("arn:${AWS::Partition}:iam::"+account+":root"))
	}
	const sid = "Publishers"
	awsevents.NewCfnEventBusPolicy(scope, jsii.String("Policy"), &awsevents.CfnEventBusPolicyProps{
		EventBusName: bus.Ref(),
		StatementId:  jsii.String(sid),
		Statement: map[string]any{
			"Sid":       sid,
			"Effect":    "Allow",
			"Principal": map[string]any{"AWS": principals},
			"Action":    "events:PutEvents",
			"Resource":  bus.AttrArn(),
			"Condition": map[string]any{"StringNotEquals": map[string]any{
				"events:source": []any{b.of.App, eventlog.PublicSource(b.of.App)},
			}},
		},
	})
}

// archive keeps what is published on the bus, for a replay to all rules or to some.
// It has the name of the bus, which always fits (names.MaxArchive). What a replay brings is
// left out, or a second replay would bring it twice.
//
// It goes when it is taken out of the settings: the log has the application's events.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html
func (b classicBus) archive(scope cdk.Construct, bus awsevents.CfnEventBus, p busProps) {
	awsevents.NewCfnArchive(scope, jsii.String("Archive"), &awsevents.CfnArchiveProps{
		ArchiveName:   jsii.String(b.of.Bus()),
		Description:   jsii.String("Events on the bus of " + p.d.App() + ", deployment " + p.d.ID()),
		SourceArn:     bus.AttrArn(),
		RetentionDays: jsii.Number(p.archiveDays),
		EventPattern:  map[string]any{"replay-name": []any{map[string]any{"exists": false}}},
	})
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
func (b classicBus) publishing(sid, application string) Statement {
	return Statement{
		Sid: sid, Actions: []string{"events:PutEvents"}, Resources: []string{b.arn()},
		Sources: []string{application, eventlog.PublicSource(application)},
	}
}

// deliver makes a rule. Rule and queue must be in one stack, because each needs the
// other's ARN.
func (b classicBus) deliver(scope cdk.Construct, p deliveryProps) {
	rule := awsevents.NewCfnRule(scope, jsii.String("Rule"), &awsevents.CfnRuleProps{
		Description:  jsii.String(p.description),
		EventBusName: jsii.String(b.of.Bus()),
		EventPattern: plan.Pattern(p.source, p.selectors),
		State:        jsii.String("ENABLED"),
		Targets: []any{&awsevents.CfnRule_TargetProperty{
			Id:               jsii.String("queue"),
			Arn:              p.queue.AttrArn(),
			DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: p.undelivered.AttrArn()},
			RetryPolicy: &awsevents.CfnRule_RetryPolicyProperty{
				MaximumEventAgeInSeconds: seconds(targetMaxAge),
				MaximumRetryAttempts:     jsii.Number(targetAttempts),
			},
		}},
	})
	if b.elsewhere {
		rule.AddMetadata(jsii.String(names.MetadataBus), b.name())
	}
	newQueuePolicy(scope, "QueuePolicy", p.queue, *rule.AttrArn())
	newQueuePolicy(scope, "UndeliveredPolicy", p.undelivered, *rule.AttrArn())
}
