package plan

import (
	"log/slog"
	"slices"
	"testing"
)

// TestValidSettings has every field, and what the context says above them.
func TestValidSettings(t *testing.T) {
	p := validPlan(t)
	p.Settings = Settings{
		Account: "123456789012", Region: "eu-central-1", Ephemeral: true,
		LogLevel: slog.LevelWarn, LogDays: 90, AlarmTopic: "arn:aws:sns:eu-central-1:123456789012:pager",
		ArchiveDays: 30, DeliveryDays: 50, PublisherAccounts: []string{"210987654321"}, Concurrency: map[string]int{"send_welcome": 2},
	}
	p.Credentials = Credentials{"123456789012", "eu-central-1"}
	p.SetDefaults()
	if problems := p.Check(); len(problems) > 0 {
		t.Fatalf("good settings have problems:\n%v", problems)
	}
	if got := []int{p.MaxConcurrency(p.Handlers[0]), p.MaxConcurrency(p.Handlers[1])}; !slices.Equal(got, []int{2, 0}) {
		t.Errorf("concurrency is %v, want 2 for the one that the settings name and the handler's own for the other", got)
	}

	p.Context["vinci:ephemeral"], p.Context["vinci:alarm-email"] = "false", "a@example.com, b@mail.example.com"
	if problems := p.Check(); len(problems) > 0 {
		t.Fatalf("a good context has problems:\n%v", problems)
	}
	if s := p.Settings; s.Ephemeral || s.AlarmTopic != "" || !slices.Equal(s.AlarmEmails, []string{"a@example.com", "b@mail.example.com"}) {
		t.Errorf("the context does not stand above the settings: %+v", s)
	}
	p.Context["vinci:alarm-email"], p.Context["vinci:alarm-topic"] = "", "arn:aws-cn:sns:eu-central-1:123456789012:x"
	if problems := p.Check(); len(problems) > 0 || p.Settings.AlarmEmails != nil || p.Settings.AlarmTopic == "" {
		t.Errorf("the context's topic does not take the place of addresses: %+v\n%v", p.Settings, problems)
	}
}

// The deployment on a laptop is in no account: credentials for another are no
// mistake there.
func TestLocalIsNowhere(t *testing.T) {
	p := validPlan(t)
	p.Context["deployment"] = "local"
	p.Settings = Settings{Account: "123456789012", Region: "eu-central-1"}
	p.Credentials = Credentials{"999999999999", "us-east-1"}
	p.SetDefaults()
	if problems := p.Check(); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
}

func TestRegions(t *testing.T) {
	for _, region := range []string{"us-east-1", "eu-central-1", "ap-southeast-7", "us-gov-west-1", "cn-northwest-1", "us-isob-east-1", "mx-central-1", "eusc-de-east-1"} {
		if !regionPattern.MatchString(region) {
			t.Errorf("%s is refused", region)
		}
	}
	for _, region := range []string{"", "Frankfurt", "eu-central", "eu-central-1a", "EU-CENTRAL-1", "eu_central_1", "eu-central-0"} {
		if regionPattern.MatchString(region) {
			t.Errorf("%q is taken", region)
		}
	}
}

func TestMeant(t *testing.T) {
	for key, want := range map[string]string{
		"deploymnt": KeyDeployment, "Deployment": KeyDeployment, "deployments": KeyDeployment, "architecure": KeyArchitecture,
		"ephemeral": KeyEphemeral, "alarmEmail": KeyAlarmEmail, "vinci.alarm_topic": KeyAlarmTopic, "vinci:epheremal": KeyEphemeral, "vinic:ephemeral": KeyEphemeral,
		"deployment": "", "vinci:ephemeral": "", "stage": "", "env": "", "acme:ephemeral": "", "@aws-cdk/core:deployment": "", "vpc-provider:account=1": "", "vinci:colour": "", "": "",
	} {
		if got := meant(key); got != want {
			t.Errorf("%q is taken for %q, want %q", key, got, want)
		}
	}
}
