package constructs

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/orm"
)

// indexed has five global indexes, one more than an alarm has room for, and a
// local one.
type indexed struct {
	ID string `dynamo:"id,hash"`
	At int64  `dynamo:"at,range"`
	A  string `dynamo:"a" index:"by_a,hash"`
	B  string `dynamo:"b" index:"by_b,hash"`
	C  string `dynamo:"c" index:"by_c,hash"`
	D  string `dynamo:"d" index:"by_d,hash"`
	E  string `dynamo:"e" index:"by_e,hash"`
	F  string `dynamo:"f" localIndex:"by_f,range"`
}

func settled(name string, opts ...orm.Option) orm.Definition {
	return orm.Define[indexed, orm.Pair[string, int64]](name, opts...)
}

// allSettings are tables with every setting that there is.
var allSettings = []orm.Definition{
	settled("capped", orm.Deploy(orm.Settings{
		Maximum: orm.Throughput{Read: 500, Write: 100}, Warm: orm.Throughput{Read: 20000, Write: 8000}, RecoveryDays: 7,
		Indexes: map[string]orm.IndexSettings{
			"by_a": {Maximum: orm.Throughput{Read: 50}, Warm: orm.Throughput{Read: 15000}},
			"by_b": {Maximum: orm.Throughput{Write: 60}, Warm: orm.Throughput{Write: 5000}},
		},
		Tags: map[string]string{"team": "shop", "cost centre": "42"},
	}), orm.Include("by_c", "f", "a"), orm.KeysOnly("by_d"), orm.KeysOnly("by_f")),
	settled("provisioned", orm.Deploy(orm.Settings{
		Provisioned: &orm.Provisioned{Read: orm.Scaling{Min: 5, Max: 500}, Write: orm.Scaling{Min: 1, Max: 100, Target: 50}},
		Indexes: map[string]orm.IndexSettings{
			"by_a": {Provisioned: &orm.Provisioned{Read: orm.Scaling{Min: 2, Max: 20, Target: 90}, Write: orm.Scaling{Min: 3, Max: 30}}},
		},
		NoThrottleAlarm: "scaling takes minutes and the import repeats",
	})),
	orm.Define[stat, string]("cache", orm.Deploy(orm.Settings{
		NoRecovery: "it is made again from the log", NoProtection: "it is made again from the log", DeleteData: "it is made again from the log",
		TTLOff: "expires_at",
	})),
	orm.Define[stat, string]("kept", orm.Deploy(orm.Settings{NoProtection: "an operator deletes it each year"})),
}

func settingsApp(context map[string]string) *Application {
	app := NewApplication(&ApplicationProps{AppName: "shop", Context: context})
	app.build = fakeBuild
	for _, s := range allSettings {
		app.AddTable(s)
	}
	return app
}

// TestSettings compares the templates of tables with settings, in a lasting and
// in an ephemeral deployment, with their golden files.
func TestSettings(t *testing.T) {
	for name, context := range map[string]map[string]string{
		"settings":           {"deployment": "dev"},
		"settings_ephemeral": {"deployment": "pr123", "vinci:ephemeral": "true"},
	} {
		t.Run(name, func(t *testing.T) {
			found := templates(t, synth(t, settingsApp(context)))
			compareTemplates(t, filepath.Join("testdata", "golden", name), found)
		})
	}
}

type tableTemplate struct {
	Resources map[string]struct {
		Type           string
		DeletionPolicy string
		Properties     struct {
			Replicas []struct {
				DeletionProtectionEnabled        bool
				PointInTimeRecoverySpecification struct {
					PointInTimeRecoveryEnabled bool
					RecoveryPeriodInDays       int
				}
			}
			WarmThroughput         any
			GlobalSecondaryIndexes []struct{ WarmThroughput any }

			AlarmDescription string
			AlarmActions     []any
			Metrics          []struct {
				Expression string
				ReturnData bool
				MetricStat struct {
					Metric struct {
						MetricName string
						Dimensions []struct{ Name, Value string }
					}
				}
			}
		}
	}
}

// TestSafety: which table is safe from what, in words.
func TestSafety(t *testing.T) {
	for name, test := range map[string]struct {
		context map[string]string
		want    []string
	}{
		"lasting": {map[string]string{"deployment": "dev"}, []string{
			"cache: recovery 0 days, protected false, Delete, warm false",
			"capped: recovery 7 days, protected true, RetainExceptOnCreate, warm true",
			"kept: recovery 35 days, protected false, RetainExceptOnCreate, warm false",
			"provisioned: recovery 35 days, protected true, RetainExceptOnCreate, warm false",
		}},
		"ephemeral": {map[string]string{"deployment": "dev", "vinci:ephemeral": "true"}, []string{
			"cache: recovery 0 days, protected false, Delete, warm false",
			"capped: recovery 0 days, protected false, Delete, warm false",
			"kept: recovery 0 days, protected false, Delete, warm false",
			"provisioned: recovery 0 days, protected false, Delete, warm false",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			out := synth(t, settingsApp(test.context))
			var got []string
			for _, s := range allSettings {
				var made tableTemplate
				decode(t, filepath.Join(out, "shop-dev-table-"+s.Schema().Name+".template.json"), &made)
				for _, r := range made.Resources {
					if r.Type != "AWS::DynamoDB::GlobalTable" {
						continue
					}
					p := r.Properties.Replicas[0]
					warm := r.Properties.WarmThroughput != nil
					for _, x := range r.Properties.GlobalSecondaryIndexes {
						warm = warm || x.WarmThroughput != nil
					}
					if p.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled != (p.PointInTimeRecoverySpecification.RecoveryPeriodInDays > 0) {
						t.Errorf("%s: recovery %+v", s.Schema().Name, p.PointInTimeRecoverySpecification)
					}
					got = append(got, fmt.Sprintf("%s: recovery %d days, protected %v, %s, warm %v", s.Schema().Name,
						p.PointInTimeRecoverySpecification.RecoveryPeriodInDays, p.DeletionProtectionEnabled, r.DeletionPolicy, warm))
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, test.want) {
				t.Errorf("tables are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// TestThrottleAlarms: every metric of the table and its global indexes is watched
// once, by alarms that are small enough for AWS and tell somebody.
func TestThrottleAlarms(t *testing.T) {
	out := synth(t, settingsApp(map[string]string{"deployment": "dev"}))
	for table, want := range map[string][]string{
		"cache":       {"table"},
		"capped":      {"table", "by_a", "by_b", "by_c", "by_d", "by_e"},
		"provisioned": nil,
	} {
		var made tableTemplate
		decode(t, filepath.Join(out, "shop-dev-table-"+table+".template.json"), &made)
		watched := map[string]int{}
		for id, r := range made.Resources {
			if r.Type != "AWS::CloudWatch::Alarm" {
				continue
			}
			p := r.Properties
			if n := len(p.Metrics) - 1; n < 1 || n > 10 || !p.Metrics[n].ReturnData || strings.Count(p.Metrics[n].Expression, "m") != n {
				t.Errorf("%s: %d metrics and the expression %+v", id, n, p.Metrics[n])
			}
			if n := len(p.AlarmDescription); n == 0 || n > maxDescription || len(p.AlarmActions) != 1 {
				t.Errorf("%s: description of %d characters, actions %v", id, n, p.AlarmActions)
			}
			for _, m := range p.Metrics[:len(p.Metrics)-1] {
				on := "table"
				for _, d := range m.MetricStat.Metric.Dimensions {
					switch {
					case d.Name == "TableName" && d.Value == "shop-dev-"+table:
					case d.Name == "GlobalSecondaryIndexName":
						on = d.Value
					default:
						t.Errorf("%s: dimension %+v", id, d)
					}
				}
				watched[on+" "+m.MetricStat.Metric.MetricName]++
			}
		}
		for _, on := range want {
			for _, metric := range []string{"ReadThrottleEvents", "WriteThrottleEvents"} {
				if watched[on+" "+metric] != 1 {
					t.Errorf("%s: %s of %s is watched %d times", table, metric, on, watched[on+" "+metric])
				}
			}
		}
		if len(watched) != 2*len(want) {
			t.Errorf("%s: watched are %v, want those of %v", table, watched, want)
		}
	}
}

// TestThrottleDescription: whatever the names, CloudWatch takes the text.
func TestThrottleDescription(t *testing.T) {
	long := []string{"table " + strings.Repeat("t", 240)}
	for range 4 {
		long = append(long, "index "+strings.Repeat("i", 255))
	}
	for _, s := range []*orm.Schema{{Name: "x"}, {Name: "x", Settings: orm.Settings{Provisioned: &orm.Provisioned{}}}} {
		if text := throttleDescription(s, long); len(text) > maxDescription || !strings.Contains(text, "and others: requests") {
			t.Errorf("%d characters: %s", len(text), text)
		}
	}
}
