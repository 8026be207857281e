package main

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/settings"
)

var (
	limit = described(settings.Define("limit", "How many there may be.", 100))
	word  = described(settings.Define("word", "What is \x1b[31msaid.", "hello"))
)

// described is a setting that seems to be defined at a place that does not move.
func described(s settings.Definition) *definitions.Setting {
	d := definitions.SettingOf(s)
	d.DefinedAt = "domain/limits.go:7"
	return d
}

func settingsShop(t *testing.T) *deployed {
	t.Helper()
	app := shop(t)
	app.settings = []*definitions.Setting{limit, word}
	d, err := newDeployed(app, &target{Deployment: names.Deployment{App: "shop", ID: "local"}, env: map[string]string{}}, ormtest.New(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// changes runs what set and unset do when they know what is meant.
func (d *deployed) changes(t *testing.T, of *definitions.Setting, value string, args ...string) (string, error) {
	t.Helper()
	c := &changing{}
	cmd := &cobra.Command{}
	c.flags(cmd)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	cmd.SetContext(t.Context())
	var out strings.Builder
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetIn(strings.NewReader("y\n"))
	var raw json.RawMessage
	if value != "" {
		raw = json.RawMessage(value)
	}
	err := c.change(cmd, d, of, raw)
	return out.String(), err
}

func TestSettingsChange(t *testing.T) {
	d := settingsShop(t)
	for _, step := range []struct {
		of    *definitions.Setting
		value string
		args  []string
		says  string // of what is printed
		fails ops.Kind
	}{
		{limit, "7", []string{"--as", "ada"}, "limit of deployment local is 100, the default. Make it 7? [y/N] limit is 7 now (version 1)\n", ""},
		{limit, "7", []string{"--as", "bob"}, "limit is 7 already (version 1)\n", ""},
		{limit, "8", []string{"--as", "bob", "--version", "0"}, "", ops.KindRefused},
		{limit, "8", []string{"--as", "bob", "--version", "1"}, "limit is 8 now (version 2)\n", ""},
		{limit, "8", []string{"--as", "bob", "--version", "1"}, "", ops.KindRefused}, // it is that, but not what bob has seen
		{limit, "", []string{"--as", "ada", "--yes"}, "limit is 100 now, the default (version 3)\n", ""},
		{limit, "", []string{"--as", "ada", "--yes"}, "limit is 100 already, the default (version 3)\n", ""},
		{limit, "100", []string{"--as", "ada", "--yes"}, "limit is 100 now (version 4)\n", ""}, // the default may change, this does not
		{word, `"good\u001b[2Jday"`, []string{"--as", "ada", "--yes"}, "word is good [2Jday now (version 1)\n", ""},
	} {
		out, err := d.changes(t, step.of, step.value, step.args...)
		if step.fails != "" {
			if !errors.Is(err, step.fails) {
				t.Errorf("%s %s %v: %v, want %s", step.of.Name, step.value, step.args, err, step.fails)
			}
			continue
		}
		if err != nil || out != step.says {
			t.Errorf("%s %s %v: printed %q, %v, want %q", step.of.Name, step.value, step.args, out, err, step.says)
		}
	}
	out, err := d.changes(t, limit, "9", "--as", "ada", "--yes", "--json")
	var is settingJSON
	if err != nil || json.Unmarshal([]byte(out), &is) != nil || is.Version != 5 || string(is.Value) != "9" || !is.Set || is.By != "ada" {
		t.Errorf("as JSON: %s, %v", out, err)
	}
}

func TestSettingsPrinted(t *testing.T) {
	long := settings.Stored{Value: json.RawMessage(`"` + strings.Repeat("x", 100) + `"`), By: "ada", At: noon, Reason: "a\nreason", Version: 3}
	all := []settingJSON{settingNow(limit, settings.Stored{}), settingNow(word, long), settingNow(limit, settings.Stored{Version: 4, Problem: "the item cannot be read"})}
	change := func(version int64, before, after string) event.Event[ops.ChangedSetting] {
		return event.Event[ops.ChangedSetting]{Metadata: event.Metadata{Time: noon, Actor: "ada"}, Data: ops.ChangedSetting{Version: version, Before: before, After: after, Reason: "why"}}
	}
	for name, f := range map[string]func(*screen) error{
		"settings":       func(s *screen) error { return printSettings(s, all) },
		"setting":        func(s *screen) error { return printSetting(s, &all[1]) },
		"setting_unset":  func(s *screen) error { return printSetting(s, &all[0]) },
		"setting_spoilt": func(s *screen) error { return printSetting(s, &all[2]) },
		"settings_history": func(s *screen) error {
			return printChanges(s, word, []event.Event[ops.ChangedSetting]{change(1, "", `"a"`), change(2, `"a"`, "")})
		},
	} {
		t.Run(name, func(t *testing.T) { golden(t, filepath.Join("ops", name+".txt"), printed(t, f)) })
	}
	for want, f := range map[string]func(*screen) error{
		"nobody has changed it: 100, the default, holds\n":                                                          func(s *screen) error { return printChanges(s, limit, nil) },
		"the application has no settings: define one with settings.Define, and add it in app.go with AddSettings\n": func(s *screen) error { return printSettings(s, nil) },
	} {
		if got := printed(t, f); got != want {
			t.Errorf("printed %q, want %q", got, want)
		}
	}
}

func TestSettingsArguments(t *testing.T) {
	dir := fakeApp(t)
	t.Setenv("USER", "")
	for _, tt := range []struct {
		says string
		args []string
	}{
		{"the setting's name is missing: vinci settings get NAME", []string{"get"}},
		{"one setting at a time, got 2 words", []string{"history", "a", "b"}},
		{"a setting's name and one value are needed, got 1 words", []string{"set", "a"}},
		{"say it with --as NAME", []string{"set", "a", "1", "--yes"}},
		{"say --version N", []string{"set", "a", "1", "--as", "ada"}},
		{"say --version N", []string{"unset", "a", "--as", "ada"}},
		{"nothing answers at http://127.0.0.1:1", []string{"list", "--endpoint", "http://127.0.0.1:1"}},
	} {
		if _, _, err := vinci(t, "", append(append([]string{"settings"}, tt.args...), "--dir", dir)...); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("vinci settings %s: %v, want %q", strings.Join(tt.args, " "), err, tt.says)
		}
	}
}
