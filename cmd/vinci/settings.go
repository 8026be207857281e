package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/settings"
)

func newSettings() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "settings",
		Short: "See and change what functions go by while they run",
		Long: `Run-time settings are limits, time-outs and switches that the application defines with
settings.Define. A change holds in every function as soon as it looks again, with no
deployment: after 30s, unless the function says otherwise. Who has changed what is kept
in the log.`,
		Args: noSubcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSettingsList(), newSettingsGet(), newSettingsSet(), newSettingsUnset(), newSettingsHistory())
	return cmd
}

// settingJSON is a setting as it is now.
type settingJSON struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Kind        settings.Kind   `json:"kind"`
	Type        string          `json:"type"`
	Value       json.RawMessage `json:"value"` // the default where it is not set
	Default     json.RawMessage `json:"default"`
	Set         bool            `json:"set"`
	Version     int64           `json:"version"` // counts the changes
	By          string          `json:"by,omitempty"`
	At          time.Time       `json:"at,omitzero"`
	Reason      string          `json:"reason,omitempty"`
	Problem     string          `json:"problem,omitempty"`
	DefinedAt   string          `json:"definedAt,omitempty"`
}

func settingNow(d *definitions.Setting, s settings.Stored) settingJSON {
	now := settingJSON{
		Name: d.Name, Description: d.Description, Kind: d.Kind, Type: d.Type, Value: d.Default, Default: d.Default,
		Version: s.Version, By: s.By, At: s.At, Reason: s.Reason, Problem: s.Problem, DefinedAt: d.DefinedAt,
	}
	if s.Value != nil {
		now.Value, now.Set = s.Value, true
	}
	return now
}

// show is the value for people.
func (s *settingJSON) show() string { return settings.Show(s.Kind, s.Value) }

// settingsNow reads settings; all of the application without names.
func (d *deployed) settingsNow(cmd *cobra.Command, of ...*definitions.Setting) ([]settingJSON, error) {
	var names []string
	for _, s := range of {
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return []settingJSON{}, nil
	}
	stored, err := d.Settings(cmd.Context(), names...)
	if err != nil {
		return nil, d.explain(err)
	}
	now := make([]settingJSON, len(of))
	for i, s := range of {
		now[i] = settingNow(s, stored[i])
	}
	return now, nil
}

// openSetting opens the deployment and finds one of the application's settings. env goes
// to the application, which says what it consists of.
func (f *opsFlags) openSetting(cmd *cobra.Command, name string, env ...string) (*deployed, *definitions.Setting, error) {
	d, err := f.open(cmd, env...)
	if err != nil {
		return nil, nil, err
	}
	of, err := d.app.setting(name)
	return d, of, err
}

func newSettingsList() *cobra.Command {
	f := &opsFlags{}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List all settings with their values",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := f.open(cmd)
			if err != nil {
				return err
			}
			now, err := d.settingsNow(cmd, d.app.settings...)
			if err != nil {
				return err
			}
			if f.asJSON {
				return writeJSON(cmd.OutOrStdout(), now)
			}
			return printSettings(newScreen(cmd.OutOrStdout()), now)
		},
	}
	f.flags(cmd)
	return cmd
}

func printSettings(s *screen, all []settingJSON) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(s.w, "the application has no settings: define one with settings.Define, and add it in app.go with AddSettings")
		return err
	}
	g := &grid{s: s}
	g.row("NAME", "VALUE", "KIND", "VERSION", "CHANGED", "BY")
	for i := range all {
		n := &all[i]
		value, changed, by := n.show(), "", n.By
		if !n.Set {
			value += " (default)"
		}
		if n.Problem != "" {
			value += " (what is stored cannot be read)"
		}
		if !n.At.IsZero() {
			changed = clock(n.At)
		}
		g.row(n.Name, shorten(value, 60), string(n.Kind), fmt.Sprint(n.Version), changed, by)
		g.paint(0, cyan)
	}
	_, err := io.WriteString(s.w, g.lines(""))
	return err
}

// settingArg asks for the one argument in words that help.
func settingArg(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return fmt.Errorf("the setting's name is missing: %s", cmd.UseLine())
	case 1:
		return nil
	}
	return fmt.Errorf("one setting at a time, got %d words: %s", len(args), cmd.UseLine())
}

func newSettingsGet() *cobra.Command {
	f := &opsFlags{}
	cmd := &cobra.Command{
		Use:   "get NAME",
		Short: "Show one setting with all that is known of it",
		Args:  settingArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, of, err := f.openSetting(cmd, args[0])
			if err != nil {
				return err
			}
			now, err := d.settingsNow(cmd, of)
			if err != nil {
				return err
			}
			if f.asJSON {
				return writeJSON(cmd.OutOrStdout(), now[0])
			}
			return printSetting(newScreen(cmd.OutOrStdout()), &now[0])
		},
	}
	f.flags(cmd)
	return cmd
}

func printSetting(s *screen, n *settingJSON) error {
	g := &grid{s: s}
	line := func(what, text string) {
		if text != "" {
			g.row(what, text)
		}
	}
	line("what", n.Description)
	if n.Set {
		line("value", n.show())
		line("default", settings.Show(n.Kind, n.Default))
	} else {
		line("value", n.show()+" (default)")
	}
	line("kind", fmt.Sprintf("%s (%s)", n.Kind, n.Type))
	line("version", fmt.Sprint(n.Version))
	if !n.At.IsZero() {
		line("changed", clock(n.At)+" by "+n.By)
	}
	line("reason", n.Reason)
	line("problem", n.Problem)
	line("defined", n.DefinedAt)
	_, err := io.WriteString(s.w, s.paint(cyan, n.Name)+"\n"+g.lines("  "))
	return err
}

// changing are the flags of what changes a setting.
type changing struct {
	opsFlags
	confirmation
	version int64
}

func (c *changing) flags(cmd *cobra.Command) {
	c.opsFlags.flags(cmd)
	c.acting(cmd)
	c.confirmation.flags(cmd)
	cmd.Flags().Int64Var(&c.version, "version", 0, "change it only if it still has this `VERSION`, which list and get show (0: never set); nobody is asked then")
}

// seen reports whether somebody has said which version he has looked at.
func (c *changing) seen(cmd *cobra.Command) bool { return cmd.Flags().Changed("version") }

// possible fails early where nobody is named, or nobody can be asked.
func (c *changing) possible(cmd *cobra.Command) error {
	if _, err := c.actor(cmd.Context()); err != nil {
		return err
	}
	if c.seen(cmd) {
		return nil
	}
	if err := c.confirmation.possible(cmd); err != nil {
		return errors.New("nobody can be asked, for standard input is no terminal: say --version N, which vinci settings get shows, so that nobody's change is overwritten unseen; or --yes, to overwrite whatever is there")
	}
	return nil
}

// change asks, changes the setting, and says what it is now. value is nil to take it
// back.
func (c *changing) change(cmd *cobra.Command, d *deployed, of *definitions.Setting, value json.RawMessage) error {
	now, err := d.settingsNow(cmd, of)
	if err != nil {
		return err
	}
	was, after, what := &now[0], value, settings.Show(of.Kind, value)
	if value == nil {
		after, what = of.Default, settings.Show(of.Kind, of.Default)+", the default"
	}
	if was.Problem == "" && was.Set == (value != nil) && bytes.Equal(was.Value, after) && (!c.seen(cmd) || c.version == was.Version) {
		return c.tell(cmd, was, "already")
	}
	version := c.version
	if !c.seen(cmd) {
		version = was.Version
		held := was.show()
		if was.Set {
			held += fmt.Sprintf(", set by %s at %s", was.By, clock(was.At))
		} else {
			held += ", the default"
		}
		if err := c.ask(cmd, fmt.Sprintf("%s of deployment %s is %s. Make it %s?", of.Name, d.ID, plain(held), plain(what))); err != nil {
			return err
		}
	}
	ctx, err := c.actor(cmd.Context())
	if err != nil {
		return err
	}
	var stored settings.Stored
	if value == nil {
		stored, err = d.UnsetSetting(ctx, of.Name, version, c.reason)
	} else {
		stored, err = d.SetSetting(ctx, of.Name, value, version, c.reason)
	}
	if err != nil {
		return d.explain(err)
	}
	is := settingNow(of, stored)
	return c.tell(cmd, &is, "now")
}

func (c *changing) tell(cmd *cobra.Command, is *settingJSON, when string) error {
	if c.asJSON {
		return writeJSON(cmd.OutOrStdout(), is)
	}
	by := ""
	if !is.Set {
		by = ", the default"
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is %s %s%s (version %d)\n", is.Name, plain(is.show()), when, by, is.Version)
	return err
}

func newSettingsSet() *cobra.Command {
	c := &changing{}
	cmd := &cobra.Command{
		Use:   "set NAME VALUE",
		Short: "Set a setting; who did it is kept in the log",
		Long: `Sets a setting. The application itself reads the value and checks it: true, 100, 0.5,
1h30m, a text as it is, or a JSON object; a negative number behind --. What is there
now is shown first, and asked; the change is made only if nobody has changed it
meanwhile. A script says with --version which change it has seen.`,
		Example: `  vinci settings set payment_window 2h --reason 'bank holiday'
  vinci settings set tell_distributors false --deployment prod --version 3`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("a setting's name and one value are needed, got %d words: %s", len(args), cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.possible(cmd); err != nil {
				return err
			}
			question, err := json.Marshal(definitions.Parse{Setting: args[0], Text: args[1]})
			if err != nil {
				return err
			}
			d, of, err := c.openSetting(cmd, args[0], definitions.EnvParse+"="+string(question))
			if err != nil {
				return err
			}
			switch p := d.app.parsed; {
			case p != nil && p.Problem != "":
				return fmt.Errorf("setting %s (%s) does not take %q: %s", of.Name, of.Kind, args[1], p.Problem)
			case p == nil || len(p.Value) == 0:
				return fmt.Errorf("the app did not say whether setting %s takes the value: it must use the version of Vinci that this tool is of", of.Name)
			}
			return c.change(cmd, d, of, d.app.parsed.Value)
		},
	}
	c.flags(cmd)
	return cmd
}

func newSettingsUnset() *cobra.Command {
	c := &changing{}
	cmd := &cobra.Command{
		Use:   "unset NAME",
		Short: "Take a setting back to the program's default; who did it is kept in the log",
		Args:  settingArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.possible(cmd); err != nil {
				return err
			}
			d, of, err := c.openSetting(cmd, args[0])
			if err != nil {
				return err
			}
			return c.change(cmd, d, of, nil)
		},
	}
	c.flags(cmd)
	return cmd
}

func newSettingsHistory() *cobra.Command {
	f := &opsFlags{}
	cmd := &cobra.Command{
		Use:   "history NAME",
		Short: "Show who has changed a setting, when and why",
		Args:  settingArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, of, err := f.openSetting(cmd, args[0])
			if err != nil {
				return err
			}
			changes, err := d.SettingHistory(cmd.Context(), of.Name)
			if err != nil {
				return d.explain(err)
			}
			if f.asJSON {
				all := []changeJSON{}
				for i := range changes {
					all = append(all, changeOf(&changes[i]))
				}
				return writeJSON(cmd.OutOrStdout(), all)
			}
			return printChanges(newScreen(cmd.OutOrStdout()), of, changes)
		},
	}
	f.flags(cmd)
	return cmd
}

// changeJSON is a change; before and after are null where the default held.
type changeJSON struct {
	At      time.Time       `json:"at"`
	By      string          `json:"by"`
	Version int64           `json:"version"`
	Before  json.RawMessage `json:"before"`
	After   json.RawMessage `json:"after"`
	Reason  string          `json:"reason,omitempty"`
	Event   string          `json:"event"`
}

func changeOf(e *event.Event[ops.ChangedSetting]) changeJSON {
	c := changeJSON{At: e.Time, By: e.Actor, Version: e.Data.Version, Reason: e.Data.Reason, Event: e.ID}
	if e.Data.Before != "" {
		c.Before = json.RawMessage(e.Data.Before)
	}
	if e.Data.After != "" {
		c.After = json.RawMessage(e.Data.After)
	}
	return c
}

func printChanges(s *screen, of *definitions.Setting, changes []event.Event[ops.ChangedSetting]) error {
	if len(changes) == 0 {
		_, err := fmt.Fprintf(s.w, "nobody has changed it: %s, the default, holds\n", settings.Show(of.Kind, of.Default))
		return err
	}
	value := func(raw string) string {
		if raw == "" {
			return "(default)"
		}
		return settings.Show(of.Kind, json.RawMessage(raw))
	}
	g := &grid{s: s}
	g.row("TIME", "VERSION", "BY", "BEFORE", "AFTER", "REASON")
	for i := range changes {
		e := &changes[i]
		g.row(clock(e.Time), fmt.Sprint(e.Data.Version), e.Actor, shorten(value(e.Data.Before), 40), shorten(value(e.Data.After), 40), e.Data.Reason)
	}
	_, err := io.WriteString(s.w, g.lines(""))
	return err
}
