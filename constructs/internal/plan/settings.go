package plan

import "log/slog"

// Settings are what one deployment may have otherwise than another: package
// constructs says what each field means.
type Settings struct {
	Account, Region   string
	Ephemeral         bool
	Protected         bool
	LogLevel          slog.Level
	LogDays           int
	NoTracing         bool
	AlarmEmails       []string
	AlarmTopic        string
	ArchiveDays       int
	DeliveryDays      int
	PublisherAccounts []string
	Concurrency       map[string]int
	Deployments       map[string]string
}
