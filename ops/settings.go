package ops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
)

// ChangedSetting is a change of a run-time setting. Before and After are JSON, empty
// where the default held.
type ChangedSetting struct {
	Setting string `json:"setting"`
	Version int64  `json:"version"` // which the change made
	Before  string `json:"before,omitempty"`
	After   string `json:"after,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// SettingChanged is the event of an act on a run-time setting.
var SettingChanged = event.Define[ChangedSetting]("ops.setting_changed")

// SettingStream is the stream of the changes of a run-time setting. No subscription's
// name has a hyphen, so it is no stream of one.
func SettingStream(setting string) string { return "ops/run-time-settings/" + setting }

// Settings reads what is stored of run-time settings, in the order of their names; of
// one that was never set it is the zero value. The error is the store's.
func (o *Ops) Settings(ctx context.Context, settingNames ...string) ([]settings.Stored, error) {
	return settings.ReadAll(ctx, o.store, settingNames)
}

// SetSetting sets a run-time setting to a value, which the setting's Parse or Encode
// gives: what it is for the setting is not checked here, and what a setting does not
// take, its readers pass over. The change is an event in [SettingStream], in the same
// transaction. It holds in each process when that reads the setting next: after
// [settings.Options].MaxAge at the latest.
//
// version is that of what was read before: the error is of [KindRefused] when somebody
// has changed the setting since, and says who; then nothing was done. It is of
// [KindInvalid] when the name can be none, when the value is no JSON or too long, or
// when the context names no Actor; or the store's.
func (o *Ops) SetSetting(ctx context.Context, setting string, value json.RawMessage, version int64, reason string) (settings.Stored, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, value); err != nil || compact.Len() == 0 {
		return settings.Stored{}, &Error{Kind: KindInvalid, Op: "set " + setting, Reason: "the value is no JSON", Err: err}
	}
	if compact.Len() > settings.MaxSize {
		return settings.Stored{}, wrong(KindInvalid, "set "+setting, "", "the value has %d bytes, and at most %d are allowed", compact.Len(), settings.MaxSize)
	}
	return o.changeSetting(ctx, "set "+setting, setting, compact.Bytes(), version, reason)
}

// UnsetSetting takes a value back, so that the default of the program holds. It is
// [Ops.SetSetting] otherwise, and refuses what is not set.
func (o *Ops) UnsetSetting(ctx context.Context, setting string, version int64, reason string) (settings.Stored, error) {
	return o.changeSetting(ctx, "unset "+setting, setting, nil, version, reason)
}

func (o *Ops) changeSetting(ctx context.Context, op, setting string, value json.RawMessage, version int64, reason string) (settings.Stored, error) {
	if err := names.Check(setting); err != nil {
		return settings.Stored{}, &Error{Kind: KindInvalid, Op: op, Err: err}
	}
	if err := event.CheckStream(SettingStream(setting)); err != nil {
		return settings.Stored{}, &Error{Kind: KindInvalid, Op: op, Err: err}
	}
	if err := actor(ctx, op, ""); err != nil {
		return settings.Stored{}, err
	}
	was, err := settings.Read(ctx, o.store, setting)
	if err != nil {
		return settings.Stored{}, err
	}
	if was.Version != version {
		return settings.Stored{}, outrun(op, version, was)
	}
	if value == nil && was.Value == nil && was.Problem == "" {
		return settings.Stored{}, wrong(KindRefused, op, "", "it is not set: the default holds already")
	}
	is := settings.Stored{Value: value, By: event.FlowFrom(ctx).Actor, At: o.now().UTC(), Reason: reason, Version: version}
	w, err := settings.Change(setting, is)
	if err != nil {
		return settings.Stored{}, err
	}
	is.Version++
	_, err = o.log.Commit(ctx, eventlog.Changes{Writes: []orm.Write{w}, Events: []event.Record{
		SettingChanged.At(SettingStream(setting), event.Append).Record(ChangedSetting{
			Setting: setting, Version: is.Version, Before: string(was.Value), After: string(value), Reason: reason,
		}),
	}})
	switch {
	case errors.Is(err, orm.KindConditionFailed):
		if was, err = settings.Read(ctx, o.store, setting); err != nil {
			return settings.Stored{}, err
		}
		return settings.Stored{}, outrun(op, version, was)
	case err != nil:
		return settings.Stored{}, err
	}
	return is, nil
}

// outrun is the error of a change of what is not there any more.
func outrun(op string, version int64, is settings.Stored) error {
	text := fmt.Sprintf("its version is %d, and not %d", is.Version, version)
	if is.By != "" {
		text += fmt.Sprintf(": %s has changed it at %s", is.By, is.At.Format(time.RFC3339))
	}
	return wrong(KindRefused, op, "", "%s; look at what it is now, and set it again with that version if it is still meant", text)
}

// SettingHistory are the changes of a run-time setting, the oldest first, strongly
// consistent.
func (o *Ops) SettingHistory(ctx context.Context, setting string) ([]event.Event[ChangedSetting], error) {
	var all []event.Event[ChangedSetting]
	for e, err := range o.log.Stream(ctx, SettingStream(setting), 1) {
		if err != nil {
			return nil, err
		}
		changed, err := SettingChanged.Decode(e)
		if err != nil {
			return nil, err
		}
		all = append(all, changed)
	}
	return all, nil
}
