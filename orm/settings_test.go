package orm

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

type settled struct {
	ID     string `dynamo:"id,hash"`
	At     int64  `dynamo:"at,range"`
	Status string `dynamo:"status" index:"by_status,hash"`
	Rank   int64  `dynamo:"rank" localIndex:"by_rank,range"`
}

func TestSettingsProblems(t *testing.T) {
	scaling := Scaling{Min: 5, Max: 50}
	provisioned := &Provisioned{Read: scaling, Write: scaling}
	many := map[string]string{}
	for i := range maxTags + 1 {
		many[fmt.Sprint("k", i)] = ""
	}
	limit := map[string]string{strings.Repeat("ü", maxTagKey): strings.Repeat("ü", maxTagValue)}
	for name, test := range map[string]struct {
		settings Settings
		want     []string // what each problem begins with
	}{
		"zero":                    {Settings{}, nil},
		"provisioned":             {Settings{Provisioned: provisioned, Indexes: map[string]IndexSettings{"by_status": {Provisioned: provisioned}}}, nil},
		"target limits":           {Settings{Provisioned: &Provisioned{Read: Scaling{1, 1, minTarget}, Write: Scaling{1, 40000, maxTarget}}}, nil},
		"maximum and warm":        {Settings{Maximum: Throughput{1, 1}, Warm: Throughput{minWarmRead, minWarmWrite}, Indexes: map[string]IndexSettings{"by_status": {Maximum: Throughput{Read: 9}, Warm: Throughput{Write: 5000}}}}, nil},
		"one day":                 {Settings{RecoveryDays: 1}, nil},
		"all days":                {Settings{RecoveryDays: maxRecoveryDays}, nil},
		"nothing safe":            {Settings{NoRecovery: "a cache", NoProtection: "a cache", DeleteData: "a cache", NoThrottleAlarm: "a cache"}, nil},
		"tags":                    {Settings{Tags: map[string]string{"cost centre": "a/b:c=d+e-f@g_h.1", "empty": ""}}, nil},
		"tags, longest":           {Settings{Tags: limit}, nil},
		"scaling":                 {Settings{Provisioned: &Provisioned{Read: Scaling{Min: 0, Max: 5, Target: 19}, Write: Scaling{Min: 2, Max: 1, Target: 91}}}, []string{"Settings.Provisioned.Read.Min is 0", "Settings.Provisioned.Read.Target is 19", "Settings.Provisioned.Write.Max is 1", "Settings.Provisioned.Write.Target is 91"}},
		"index scaling":           {Settings{Provisioned: provisioned, Indexes: map[string]IndexSettings{"by_status": {Provisioned: &Provisioned{Read: scaling}}}}, []string{`Settings.Indexes["by_status"].Provisioned.Write.Min is 0`}},
		"index alone provisioned": {Settings{Indexes: map[string]IndexSettings{"by_status": {Provisioned: provisioned}}}, []string{`Settings.Indexes["by_status"].Provisioned: the table is on demand`}},
		"maximum":                 {Settings{Maximum: Throughput{-1, -1}}, []string{"Settings.Maximum.Read is -1", "Settings.Maximum.Write is -1"}},
		"maximum, provisioned":    {Settings{Provisioned: provisioned, Maximum: Throughput{Read: 9}, Indexes: map[string]IndexSettings{"by_status": {Maximum: Throughput{Write: 9}}}}, []string{"Settings.Maximum.Read is 9, and only", `Settings.Indexes["by_status"].Maximum.Write is 9, and only`}},
		"warm":                    {Settings{Warm: Throughput{minWarmRead - 1, minWarmWrite - 1}, Indexes: map[string]IndexSettings{"by_status": {Warm: Throughput{Read: -5}}}}, []string{"Settings.Warm.Read is 11999", "Settings.Warm.Write is 3999", `Settings.Indexes["by_status"].Warm.Read is -5`}},
		"days":                    {Settings{RecoveryDays: 36}, []string{"Settings.RecoveryDays is 36: allowed are 1 to 35"}},
		"days, negative":          {Settings{RecoveryDays: -1}, []string{"Settings.RecoveryDays is -1"}},
		"days and none":           {Settings{RecoveryDays: 7, NoRecovery: "a cache"}, []string{"Settings.RecoveryDays is 7 and Settings.NoRecovery"}},
		"delete protected":        {Settings{DeleteData: "a cache"}, []string{"Settings.DeleteData lets"}},
		"blank reasons":           {Settings{NoRecovery: " ", NoProtection: "\t", DeleteData: "\n", NoThrottleAlarm: " "}, []string{"Settings.NoRecovery is blank", "Settings.NoProtection is blank", "Settings.DeleteData is blank", "Settings.NoThrottleAlarm is blank"}},
		"expiry to stop":          {Settings{TTLOff: "expires"}, nil},
		"too many tags":           {Settings{Tags: many}, []string{"Settings.Tags has 49 tags"}},
		"bad tags": {Settings{Tags: map[string]string{"": "x", "AWS:x": "x", "vinci:x": "x", "semi;colon": "x", strings.Repeat("k", maxTagKey+1): "x", "v": "a,b", "w": strings.Repeat("v", maxTagValue+1)}},
			[]string{`Settings.Tags: key "" has 0`, `Settings.Tags: key "AWS:x": aws:`, `Settings.Tags: key "kkk`, `Settings.Tags: key "semi;colon"`, `Settings.Tags: the value of "v" is "a,b"`, `Settings.Tags: key "vinci:x"`, `Settings.Tags: the value of "w" has 257`}},
	} {
		t.Run(name, func(t *testing.T) {
			got := test.settings.problems()
			if len(got) != len(test.want) {
				t.Fatalf("problems are\n%s\nwant %d", strings.Join(got, "\n"), len(test.want))
			}
			for i, want := range test.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("problem %d is %q, want %q", i, got[i], want)
				}
			}
			table := Define[settled, Pair[string, int64]]("settled", Deploy(test.settings))
			if (table.Err() != nil) != (len(test.want) > 0) {
				t.Errorf("the definition's error is %v", table.Err())
			}
		})
	}
}

// TestTTLOff: items expire or they do not.
func TestTTLOff(t *testing.T) {
	type session struct {
		ID      string `dynamo:"id,hash"`
		Expires int64  `dynamo:"expires"`
	}
	for want, opts := range map[string][]Option{
		"take one of them away": {TTL("expires"), Deploy(Settings{TTLOff: "expires"})},
		"has 256 bytes":         {Deploy(Settings{TTLOff: strings.Repeat("x", 256)})},
	} {
		if err := Define[session, string]("sessions", opts...).Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestDeploy(t *testing.T) {
	err := Define[settled, Pair[string, int64]]("settled", Deploy(Settings{Indexes: map[string]IndexSettings{"by_rank": {}, "by_name": {}}})).Err()
	for _, want := range []string{`index "by_name", and no field declares it: declared are`, `index "by_rank", which is local`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}

	given := Settings{
		Provisioned: &Provisioned{Read: Scaling{1, 2, 0}, Write: Scaling{3, 4, 50}},
		Indexes:     map[string]IndexSettings{"by_status": {Provisioned: &Provisioned{Read: Scaling{5, 6, 0}, Write: Scaling{7, 8, 0}}}},
		Tags:        map[string]string{"team": "a"},
	}
	table := Define[settled, Pair[string, int64]]("settled", Deploy(given))
	if err := table.Err(); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(table.Schema())
	if err != nil {
		t.Fatal(err)
	}
	var read Schema
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(read.Settings, given) {
		t.Errorf("as JSON the settings are %+v, want %+v", read.Settings, given)
	}
	// A definition does not change with what it was made from.
	given.Provisioned.Read.Min, given.Tags["team"] = 9, "b"
	given.Indexes["by_status"].Provisioned.Read.Min = 9
	if kept := table.Schema().Settings; !reflect.DeepEqual(kept, read.Settings) {
		t.Errorf("settings became %+v, want %+v", kept, read.Settings)
	}
	if x := read.Settings.OfIndex("by_status"); x.Provisioned.Read.Min != 5 {
		t.Errorf("an index with settings of its own has %+v", x)
	}
	if x := read.Settings.OfIndex("other"); x.Provisioned != read.Settings.Provisioned {
		t.Errorf("an index without settings has %+v, want its table's", x)
	}
	if text, err := json.Marshal(Define[settled, Pair[string, int64]]("settled").Schema()); err != nil || strings.Contains(string(text), "settings") {
		t.Errorf("without settings the schema is %s, %v", text, err)
	}
}
