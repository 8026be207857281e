package constructs

import "log/slog"

// Settings are what one deployment may have otherwise than another. The zero value
// is a deployment that keeps its data, in whatever account and region the
// credentials say, whose alarms nobody gets.
type Settings struct {
	// Account and Region are where this deployment belongs: 12 digits, and a name such
	// as eu-central-1. Credentials for another are refused. Empty: anywhere.
	Account, Region string

	// Ephemeral deployments delete cleanly: tables and their data go with their
	// stacks. The context vinci:ephemeral=true says the same.
	Ephemeral bool

	// Protected stacks cannot be deleted before somebody takes the protection away.
	Protected bool

	// LogLevel is the least that functions log; zero: slog.LevelInfo.
	LogLevel slog.Level

	// LogDays is how long logs are kept, one of CloudWatch's numbers; zero: 30.
	LogDays int

	// NoTracing turns X-Ray off.
	NoTracing bool

	// AlarmEmails are subscribed to the alarm topic; each has to confirm a mail first.
	AlarmEmails []string

	// AlarmTopic is the ARN of a topic that gets the alarms instead of one of the
	// deployment's own.
	AlarmTopic string

	// ArchiveDays is how long the bus's archive keeps events, 1 to 365; zero: there is
	// no archive. An application that uses another's bus says here how long that one's
	// archive keeps them: its own records must be kept longer.
	ArchiveDays int

	// DeliveryDays is how long records of deliveries are kept; zero: 35, and what the
	// archive keeps on top.
	DeliveryDays int

	// PublisherAccounts are other accounts that may publish on the bus: 12 digits each.
	PublisherAccounts []string

	// Concurrency is how many invocations run at once at most, by the name of the
	// subscription, in place of EventHandlerProps.MaxConcurrency.
	Concurrency map[string]int

	// Deployments says which deployment of another application is meant, by the
	// application's name, where [ApplicationProps.Bus] and [Application.AddEventsOf] name
	// one; otherwise it is that of the same id.
	Deployments map[string]string
}
