package constructs

import (
	"log/slog"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/constructs/internal/plan"
)

// Settings are what one deployment may have otherwise than another. The zero value
// is a deployment that keeps its data, in whatever account and region the
// credentials say, whose alarms nobody gets.
type Settings struct {
	// Account and Region are where this deployment belongs: 12 digits, and a name such
	// as eu-central-1. Credentials for another are refused when it is synthesized, if
	// there are any, and when it is deployed. Empty: anywhere. The deployment "local"
	// is on a laptop, whatever is said here.
	Account, Region string

	// Ephemeral deployments delete cleanly: tables and their data go with their
	// stacks. The context vinci:ephemeral=true says the same, and false the contrary.
	Ephemeral bool

	// Protected stacks cannot be deleted before somebody takes the protection away
	// (CloudFormation's termination protection). Not together with Ephemeral.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html
	Protected bool

	// LogLevel is the least that functions log: one of the four levels of package
	// slog; zero: slog.LevelInfo.
	LogLevel slog.Level

	// LogDays is how long logs are kept, one of CloudWatch's numbers (1, 3, 5, 7, 14,
	// 30, 60, 90 and so on); zero: 30.
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
	LogDays int

	// NoTracing turns X-Ray off.
	NoTracing bool

	// AlarmEmails are subscribed to the alarm topic; each has to confirm a mail first.
	// The context vinci:alarm-email=a@example.com,b@example.com takes the place of
	// them and of AlarmTopic.
	AlarmEmails []string

	// AlarmTopic is the ARN of a topic that gets the alarms instead of one of the
	// deployment's own: a standard topic of the same account and region, whose policy
	// lets CloudWatch publish. Not together with AlarmEmails. The context
	// vinci:alarm-topic takes the place of both.
	AlarmTopic string

	// ArchiveDays is how long the bus's archive keeps events, 1 to 3653; zero: there is
	// no archive. An application that uses another's bus says here how long that one's
	// archive keeps them: its own records must be kept longer.
	ArchiveDays int

	// DeliveryDays is how long records of deliveries are kept, at least 20 and what the
	// archive keeps on top; zero: 35, and what the archive keeps on top.
	DeliveryDays int

	// PublisherAccounts are other accounts that may publish on the bus: 12 digits each.
	PublisherAccounts []string

	// Concurrency is how many invocations run at once at most, 2 to 1000, by the name
	// of the subscription, in place of EventHandlerProps.MaxConcurrency.
	Concurrency map[string]int

	// JWTIssuers are the issuers of JWT authorizers, by the authorizer's name, in
	// place of JWTProps.Issuer.
	JWTIssuers map[string]string

	// JWTAudiences are the audiences of JWT authorizers, by the authorizer's name, in
	// place of JWTProps.Audience.
	JWTAudiences map[string][]string

	// Deployments says which deployment of another application is meant, by the
	// application's name, where [ApplicationProps.Bus] and [Application.AddEventsOf] name
	// one; otherwise it is that of the same id.
	Deployments map[string]string
}

// environment is where the deployment's stacks belong; nil: nowhere in particular.
func (d *Deployment) environment() *awscdk.Environment {
	s := d.settings
	if s.Account == "" && s.Region == "" || plan.IsLocal(d.ID()) {
		return nil
	}
	env := &awscdk.Environment{}
	if s.Account != "" {
		env.Account = jsii.String(s.Account)
	}
	if s.Region != "" {
		env.Region = jsii.String(s.Region)
	}
	return env
}
