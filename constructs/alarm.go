package constructs

import (
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// AlarmTopicProps says which topic to make.
type AlarmTopicProps struct {
	Deployment *Deployment // required
}

// AlarmTopic is the SNS topic that every alarm of the deployment notifies, with the
// addresses of Settings.AlarmEmails subscribed to it. A pager, or whoever else, is
// subscribed to its ARN.
type AlarmTopic struct {
	cdk.Construct
	Resource awssns.CfnTopic
}

// NewAlarmTopic makes the topic. Only CloudWatch alarms of the same account may
// publish to it, and nobody without TLS.
func NewAlarmTopic(scope cdk.Construct, id string, props *AlarmTopicProps) *AlarmTopic {
	t := &AlarmTopic{Construct: cdk.NewConstruct(scope, &id)}
	t.Resource = awssns.NewCfnTopic(t.Construct, jsii.String("Resource"), &awssns.CfnTopicProps{
		TopicName:   jsii.String(props.Deployment.names.AlarmTopic()),
		DisplayName: jsii.String("Alarms of " + props.Deployment.App() + ", deployment " + props.Deployment.ID()),
	})
	awssns.NewCfnTopicPolicy(t.Construct, jsii.String("Policy"), &awssns.CfnTopicPolicyProps{
		Topics: &[]*string{t.Resource.Ref()},
		PolicyDocument: policyDocument([]any{
			map[string]any{
				"Sid":       "Alarms",
				"Effect":    "Allow",
				"Principal": map[string]any{"Service": "cloudwatch.amazonaws.com"},
				"Action":    "sns:Publish",
				"Resource":  t.Resource.Ref(),
				"Condition": map[string]any{
					"StringEquals": map[string]any{"aws:SourceAccount": sub("${AWS::AccountId}")},
					"ArnLike":      map[string]any{"aws:SourceArn": sub("arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*")},
				},
			},
			map[string]any{
				"Sid":       "TLSOnly",
				"Effect":    "Deny",
				"Principal": "*",
				"Action":    "sns:Publish",
				"Resource":  t.Resource.Ref(),
				"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
			},
		}),
	})
	for _, address := range slices.Sorted(slices.Values(props.Deployment.settings.AlarmEmails)) {
		// The address is in the id, so that another order of the list changes nothing.
		// SNS sends nothing there before somebody has confirmed its first mail.
		// https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
		awssns.NewCfnSubscription(t.Construct, jsii.String("Email:"+address), &awssns.CfnSubscriptionProps{
			TopicArn: t.Resource.Ref(),
			Protocol: jsii.String("email"),
			Endpoint: jsii.String(address),
		})
	}
	return t
}

// alarmProps describe an alarm on one metric. It fires when the statistic is
// at or over the threshold in every one of the periods; no data is good news.
type alarmProps struct {
	description string // what it means and what to do
	namespace   string
	metric      string
	dimensions  [][2]string
	statistic   string // Sum or Maximum
	threshold   float64
	period      time.Duration
	periods     int
}

func (d *Deployment) newAlarm(scope cdk.Construct, id string, p alarmProps) {
	dimensions := []any{}
	for _, dim := range p.dimensions {
		dimensions = append(dimensions, &awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String(dim[0]), Value: jsii.String(dim[1])})
	}
	awscloudwatch.NewCfnAlarm(scope, &id, &awscloudwatch.CfnAlarmProps{
		AlarmName:          jsii.String(d.alarmName(scope, id)),
		AlarmDescription:   jsii.String(p.description),
		Namespace:          jsii.String(p.namespace),
		MetricName:         jsii.String(p.metric),
		Dimensions:         dimensions,
		Statistic:          jsii.String(p.statistic),
		Period:             seconds(p.period),
		EvaluationPeriods:  jsii.Number(p.periods),
		Threshold:          jsii.Number(p.threshold),
		ComparisonOperator: jsii.String("GreaterThanOrEqualToThreshold"),
		TreatMissingData:   jsii.String("notBreaching"),
		AlarmActions:       d.alarmActions(),
	})
}

// queueDepthAlarm fires as soon as a queue that should be empty is not.
func (d *Deployment) queueDepthAlarm(scope cdk.Construct, id, queue, description string) {
	d.newAlarm(scope, id, alarmProps{
		description: description,
		namespace:   "AWS/SQS", metric: "ApproximateNumberOfMessagesVisible",
		dimensions: [][2]string{{"QueueName", queue}},
		statistic:  "Maximum", threshold: 1, period: time.Minute, periods: 1,
	})
}

// functionAlarms fire when a function fails or is throttled.
func (d *Deployment) functionAlarms(scope cdk.Construct, f *Function, what string) {
	dimensions := [][2]string{{"FunctionName", f.Name()}}
	d.newAlarm(scope, "Errors", alarmProps{
		description: "The function of " + what + " fails: look at its log for level ERROR.",
		namespace:   "AWS/Lambda", metric: "Errors", dimensions: dimensions,
		statistic: "Sum", threshold: 1, period: 5 * time.Minute, periods: 1,
	})
	d.newAlarm(scope, "Throttles", alarmProps{
		description: "The function of " + what + " is throttled: compare its concurrency with the account's limit.",
		namespace:   "AWS/Lambda", metric: "Throttles", dimensions: dimensions,
		statistic: "Sum", threshold: 1, period: time.Minute, periods: 5,
	})
}
