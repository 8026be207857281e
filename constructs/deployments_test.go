package constructs

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// deployed is the test application with settings for its deployments.
func deployed(settings func(string) Settings, context map[string]string) *Application {
	app := testApp(false, context)
	app.settings = settings
	return app
}

// everySetting has a value for each setting that makes resources.
func everySetting(string) Settings {
	return Settings{
		Account: "123456789012", Region: "eu-central-1", LogLevel: slog.LevelWarn, LogDays: 90,
		AlarmEmails: []string{"ops@example.com"}, ArchiveDays: 30, DeliveryDays: 60, PublisherAccounts: []string{"210987654321"},
		Concurrency: map[string]int{"send_welcome": 3},
	}
}

type deployedResource struct {
	Type                string
	Properties          map[string]any
	DeletionPolicy      string
	UpdateReplacePolicy string
}

// resources are those of all templates of an assembly, by template and logical id.
func deployedResources(t *testing.T, out string) map[string]deployedResource {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(out, "*.template.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no template in %s: %v", out, err)
	}
	all := map[string]deployedResource{}
	for _, file := range files {
		var template struct{ Resources map[string]deployedResource }
		decode(t, file, &template)
		for id, r := range template.Resources {
			all[strings.TrimSuffix(filepath.Base(file), ".template.json")+"/"+id] = r
		}
	}
	return all
}

// data are the types of resource that hold what nobody can make again.
var data = []string{"AWS::DynamoDB::GlobalTable", "AWS::Events::Archive", "AWS::S3::Bucket"}

// TestEphemeralLeavesNothing: each resource of an ephemeral deployment goes with its
// stack, and of a lasting one all do but the data.
func TestEphemeralLeavesNothing(t *testing.T) {
	for _, ephemeral := range []bool{true, false} {
		settings := func(id string) Settings {
			s := everySetting(id)
			s.Ephemeral = ephemeral
			return s
		}
		kept := 0
		all := deployedResources(t, synth(t, deployed(settings, map[string]string{"deployment": "pr123"})))
		for name, r := range all {
			retained := strings.HasPrefix(r.DeletionPolicy, "Retain") || strings.HasPrefix(r.UpdateReplacePolicy, "Retain") ||
				r.DeletionPolicy == "Snapshot" || r.UpdateReplacePolicy == "Snapshot"
			switch {
			case retained && ephemeral:
				t.Errorf("ephemeral: %s (%s) stays when its stack is deleted", name, r.Type)
			case retained && !slices.Contains(data, r.Type):
				t.Errorf("lasting: %s (%s) stays when its stack is deleted, and is no data", name, r.Type)
			case retained:
				kept++
			case !ephemeral && r.Type == data[0]:
				t.Errorf("lasting: table %s goes with its stack", name)
			}
			if !ephemeral {
				continue
			}
			// What CloudFormation cannot delete whatever the policy says.
			if protected := mentions(r.Properties, "DeletionProtectionEnabled", true) || mentions(r.Properties, "DeletionProtection", true); protected {
				t.Errorf("ephemeral: %s (%s) is protected against deletion", name, r.Type)
			}
			if r.Type == "AWS::S3::Bucket" {
				t.Errorf("ephemeral: %s is a bucket, which cannot be deleted with objects in it", name)
			}
			if mentions(r.Properties, "WarmThroughput", nil) || mentions(r.Properties, "ProvisionedThroughput", nil) || mentions(r.Properties, "ProvisionedConcurrencyConfig", nil) {
				t.Errorf("ephemeral: %s (%s) costs money while nobody uses it", name, r.Type)
			}
		}
		if !ephemeral && kept < 6 { // the log's three tables, and the application's
			t.Errorf("lasting: %d resources are kept, want 6 tables at least", kept)
		}
	}
}

// mentions looks for a property of that name at any depth, with that value unless it
// is nil.
func mentions(v any, name string, value any) bool {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			if key == name && (value == nil || inner == value) || mentions(inner, name, value) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(inner any) bool { return mentions(inner, name, value) })
	}
	return false
}

// physical are properties that name a resource in its account and region.
var physical = []string{"QueueName", "TableName", "TopicName", "FunctionName", "RoleName", "LogGroupName", "AlarmName", "DashboardName", "BucketName", "ArchiveName", "PolicyName", "Name"}

// namesOf are the names by which an assembly's resources are known outside their
// stacks, and the stacks' own.
func namesOf(t *testing.T, out string) map[string]string {
	t.Helper()
	names := map[string]string{}
	for where, r := range deployedResources(t, out) {
		stack, _, _ := strings.Cut(where, "/")
		names["stack "+stack] = stack
		for _, key := range physical {
			name, ok := r.Properties[key].(string) // not a reference to another resource
			if !ok || slices.Contains([]string{"AWS::Lambda::EventSourceMapping", "AWS::Events::EventBusPolicy", "AWS::ApiGatewayV2::Authorizer"}, r.Type) {
				continue // the last one's name is known within its API
			}
			names[r.Type+" "+name] = where
		}
	}
	return names
}

// TestDeploymentsSideBySide: no name of one deployment is one of another, so that any
// number of them are in one account.
func TestDeploymentsSideBySide(t *testing.T) {
	settings := func(id string) Settings {
		s := everySetting(id)
		s.Ephemeral, s.Protected = strings.HasPrefix(id, "pr1"), id == "prod"
		return s
	}
	owner := map[string]string{}
	for _, id := range []string{"dev", "pr123", "prod"} {
		names := namesOf(t, synth(t, deployed(settings, map[string]string{"deployment": id})))
		if len(names) < 25 {
			t.Fatalf("%s has %d names: %v", id, len(names), slices.Sorted(maps.Keys(names)))
		}
		for name, where := range names {
			if other, taken := owner[name]; taken {
				t.Errorf("%s is in %s and in %s", name, other, where)
			}
			owner[name] = where
			if !strings.Contains(name, "shop-"+id+"-") && !strings.Contains(name, "shop-"+id+"/") {
				t.Errorf("%s of %s does not say whose it is", name, where)
			}
		}
	}
}

// stackEntry is what the CDK's command line reads about a stack.
type stackEntry struct {
	Environment string
	Properties  struct{ TerminationProtection bool }
}

func stacksOf(t *testing.T, out string) map[string]stackEntry {
	t.Helper()
	var manifest struct {
		Artifacts map[string]struct {
			Type string
			stackEntry
		}
	}
	decode(t, filepath.Join(out, "manifest.json"), &manifest)
	all := map[string]stackEntry{}
	for name, a := range manifest.Artifacts {
		if a.Type == "aws:cloudformation:stack" {
			all[name] = a.stackEntry
		}
	}
	return all
}

// TestWhereStacksBelong: protection and place are said of every stack, and of none
// where the settings say nothing.
func TestWhereStacksBelong(t *testing.T) {
	for id, want := range map[string]stackEntry{
		"prod":  {"aws://123456789012/eu-central-1", struct{ TerminationProtection bool }{true}},
		"stage": {"aws://unknown-account/eu-west-1", struct{ TerminationProtection bool }{}},
		"dev":   {"aws://unknown-account/unknown-region", struct{ TerminationProtection bool }{}},
		"local": {"aws://unknown-account/unknown-region", struct{ TerminationProtection bool }{}},
	} {
		settings := func(id string) Settings {
			return map[string]Settings{
				"prod": {Account: "123456789012", Region: "eu-central-1", Protected: true}, "stage": {Region: "eu-west-1"}, "local": {Account: "123456789012", Region: "eu-central-1"},
			}[id]
		}
		stacks := stacksOf(t, synth(t, deployed(settings, map[string]string{"deployment": id})))
		if len(stacks) < 8 {
			t.Errorf("%s has %d stacks", id, len(stacks))
		}
		for name, got := range stacks {
			if got != want {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
	}
}

// TestConcurrencyOfDeployment: the mapping has that of the settings, where they say
// one, and else the handler's.
func TestConcurrencyOfDeployment(t *testing.T) {
	settings := func(string) Settings {
		return Settings{Concurrency: map[string]int{"send_welcome": 3, "count_total": 40}}
	}
	want := map[string]any{"shop-dev-send_welcome": 3.0, "shop-dev-count_total": 40.0, "shop-dev-count_active": nil}
	all := deployedResources(t, synth(t, deployed(settings, map[string]string{"deployment": "dev"})))
	for where, r := range all {
		if r.Type != "AWS::Lambda::EventSourceMapping" {
			continue
		}
		raw, _ := json.Marshal(r.Properties["EventSourceArn"])
		var source struct {
			GetAtt []string `json:"Fn::GetAtt"`
		}
		if json.Unmarshal(raw, &source) != nil || len(source.GetAtt) == 0 {
			continue
		}
		stack, _, _ := strings.Cut(where, "/")
		queue, _ := all[stack+"/"+source.GetAtt[0]].Properties["QueueName"].(string)
		expected, ours := want[queue]
		if !ours {
			continue
		}
		delete(want, queue)
		scaling, _ := r.Properties["ScalingConfig"].(map[string]any)
		if got := scaling["MaximumConcurrency"]; got != expected {
			t.Errorf("%s: %v, want %v", queue, got, expected)
		}
	}
	if len(want) > 0 {
		t.Errorf("no mapping was found of %v", want)
	}
}

// badInput is each way in which whoever deploys or composes can be wrong, with what
// the refusal has to say. All of them fit into one application.
var badInput = map[string]struct {
	context  map[string]string
	env      map[string]string
	settings func(*Settings)
	add      func(*Application)
	says     []string
}{
	"unknown context": {
		context: map[string]string{"vinci:colour": "red"},
		says:    []string{`context key "vinci:colour" is unknown`, "vinci:ephemeral"},
	},
	"mistyped context": {
		context: map[string]string{"ephemeral": "true"},
		says:    []string{`context key "ephemeral" is unknown`, "did you mean vinci:ephemeral?"},
	},
	"two handlers of one name": {
		add: func(app *Application) {
			app.AddEventHandler(bus.Subscription("send_welcome", bus.To(userActivated)), &EventHandlerProps{Function: "functions/second"})
		},
		says: []string{`subscription "send_welcome": two subscriptions have this name`, "app_test.go", "rename one of them"},
	},
	"one handler twice": {
		add: func(app *Application) {
			app.AddEventHandler(countTotal, &EventHandlerProps{Function: "functions/third"})
		},
		says: []string{`subscription "count_total": added twice`},
	},
	"a handler for an event nobody defines": {
		add: func(app *Application) {
			app.AddEventHandler(bus.Subscription("late", bus.To(event.Define[created]("user.archived"))), &EventHandlerProps{Function: "functions/late"})
		},
		says: []string{`subscription "late": wants event "user.archived", which was not added`, "order.deleted, user.activated, user.created"},
	},
	"a pattern that matches no defined event": {
		add: func(app *Application) {
			app.AddEventHandler(bus.Subscription("later", bus.To(event.Match("invoice.*"))), &EventHandlerProps{Function: "functions/later"})
		},
		says: []string{`subscription "later": pattern "invoice.*" matches no event that was added`},
	},
	"a handler that writes a table nobody defines": {
		add: func(app *Application) {
			app.AddEventHandler(bus.Subscription("writer", bus.To(userCreated), bus.Writes(orm.Define[stat, string]("ghosts"))), &EventHandlerProps{Function: "functions/writer"})
		},
		says: []string{`subscription "writer": writes table "ghosts", which was not added`},
	},
	"an alarm mail that is none": {
		settings: func(s *Settings) { s.AlarmEmails = []string{"ops at example.com"} },
		says:     []string{`setting AlarmEmails: "ops at example.com" is no mail address`, "deployments_test.go"},
	},
	"another account": {
		settings: func(s *Settings) { s.Account = "123456789012" },
		env:      map[string]string{"CDK_DEFAULT_ACCOUNT": "999999999999", "CDK_DEFAULT_REGION": "us-east-1"},
		says:     []string{"the deployment belongs to account 123456789012, and the credentials are of account 999999999999"},
	},
	"another region": {
		settings: func(s *Settings) { s.Region = "eu-central-1" },
		env:      map[string]string{"CDK_DEFAULT_ACCOUNT": "999999999999", "CDK_DEFAULT_REGION": "us-east-1"},
		says:     []string{"the deployment belongs to eu-central-1, and the credentials are for us-east-1"},
	},
	"ephemeral and protected": {
		settings: func(s *Settings) { s.Ephemeral, s.Protected = true, true },
		says:     []string{"the deployment is ephemeral and protected"},
	},
	"a retention that CloudWatch does not have": {
		settings: func(s *Settings) { s.LogDays = 31 },
		says:     []string{"setting LogDays: it is 31"},
	},
	"records that do not outlive the archive": {
		settings: func(s *Settings) { s.ArchiveDays, s.DeliveryDays = 30, 35 },
		says:     []string{"setting DeliveryDays: it is 35", "at least 50"},
	},
	"the concurrency of nobody": {
		settings: func(s *Settings) { s.Concurrency = map[string]int{"send_welcom": 4} },
		says:     []string{`setting Concurrency: no subscription is called "send_welcom"`},
	},
}

// TestBadInput refuses each by itself, and all of them together with every word that
// each had alone.
func TestBadInput(t *testing.T) {
	dir := module(t)
	for _, name := range []string{"second", "third", "late", "later", "writer"} {
		file := filepath.Join(dir, "functions", name, "main.go")
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte("package main\n\nfunc main() {}\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	refusal := func(t *testing.T, cases ...string) string {
		t.Helper()
		context := map[string]string{"deployment": "dev"}
		env := map[string]string{}
		var s Settings
		for _, name := range cases {
			maps.Copy(context, badInput[name].context)
			maps.Copy(env, badInput[name].env)
			if set := badInput[name].settings; set != nil {
				set(&s)
			}
		}
		app := deployed(func(string) Settings { return s }, context)
		app.getenv = func(key string) string {
			if v, ok := env[key]; ok {
				return v
			}
			return os.Getenv(key)
		}
		for _, name := range cases {
			if add := badInput[name].add; add != nil {
				add(app)
			}
		}
		out := filepath.Join(t.TempDir(), "out")
		err := app.Synthesize(t.Context(), &SynthOptions{Dir: dir, OutDir: out})
		if !errors.Is(err, ErrInvalid) {
			t.Fatalf("error is %v, want %v", err, ErrInvalid)
		}
		if _, statErr := os.Stat(out); !errors.Is(statErr, os.ErrNotExist) {
			t.Errorf("something was written: %v", statErr)
		}
		return err.Error()
	}
	everything := refusal(t, slices.Sorted(maps.Keys(badInput))...)
	if want := fmt.Sprintf(": %d problems, nothing was synthesized", len(badInput)); !strings.Contains(everything, want) {
		t.Errorf("all at once: want %q in\n%s", want, everything)
	}
	for _, name := range slices.Sorted(maps.Keys(badInput)) {
		t.Run(name, func(t *testing.T) {
			alone := refusal(t, name)
			if !strings.Contains(alone, ": 1 problem, nothing was synthesized") {
				t.Errorf("more than one problem:\n%s", alone)
			}
			for _, word := range badInput[name].says {
				if !strings.Contains(alone, word) {
					t.Errorf("alone: %q is missing in\n%s", word, alone)
				}
				if !strings.Contains(everything, word) {
					t.Errorf("all at once: %q is missing in\n%s", word, everything)
				}
			}
		})
	}
}

// TestSettingsPage: docs/deployments.md has a line for every setting.
func TestSettingsPage(t *testing.T) {
	page := string(read(t, filepath.Join("..", "docs", "deployments.md")))
	lines := map[string]string{}
	for line := range strings.Lines(page) {
		if cells := strings.Split(line, "|"); len(cells) == 6 { // a row of four
			lines[cells[1]] = line
		}
	}
	for field := range reflect.TypeFor[Settings]().Fields() {
		found := false
		for names := range lines {
			found = found || strings.Contains(names, "`"+field.Name+"`")
		}
		if !found {
			t.Errorf("docs/deployments.md does not tell of %s", field.Name)
		}
	}
}
