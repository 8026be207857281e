package settings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// Stored is what the table "state" has of a setting. The zero value is a setting that
// was never set.
type Stored struct {
	Value  json.RawMessage `json:"value,omitempty"` // nil: the default holds
	By     string          `json:"by,omitempty"`    // who has set it, or taken it back
	At     time.Time       `json:"at,omitzero"`
	Reason string          `json:"reason,omitempty"`
	// Version counts the changes: it is what a change is conditional on.
	Version int64 `json:"-"`
	// Problem is why the item cannot be read, where somebody has spoilt it: there is
	// no Value then.
	Problem string `json:"-"`
}

// Read reads what is stored of a setting, strongly consistent. The error is the
// store's.
func Read(ctx context.Context, r orm.Reader, name string) (Stored, error) {
	item, err := eventlog.State.Get(ctx, r, eventlog.SettingKey(name))
	if errors.Is(err, orm.KindNotFound) {
		return Stored{}, nil
	}
	if err != nil {
		return Stored{}, fmt.Errorf("read setting %s: %w", name, err)
	}
	return storedOf(&item), nil
}

// ReadAll is [Read] for several, in their order.
func ReadAll(ctx context.Context, r orm.Reader, names []string) ([]Stored, error) {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = eventlog.SettingKey(name)
	}
	items, err := eventlog.State.GetBatch(ctx, r, keys)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	all := make([]Stored, len(names))
	for i, item := range items {
		if item != nil {
			all[i] = storedOf(item)
		}
	}
	return all, nil
}

// storedOf reads an item.
func storedOf(item *eventlog.StateItem) Stored {
	s := Stored{Version: item.Position}
	if err := json.Unmarshal([]byte(item.Data), &s); err != nil {
		return Stored{Version: item.Position, Problem: fmt.Sprintf("the item %s cannot be read: %v", item.Key, err)}
	}
	return s
}

var (
	attrKind     = orm.Attr(eventlog.State, func(s *eventlog.StateItem) *string { return &s.Kind })
	attrData     = orm.Attr(eventlog.State, func(s *eventlog.StateItem) *string { return &s.Data })
	attrPosition = orm.Number(eventlog.State, func(s *eventlog.StateItem) *int64 { return &s.Position })
)

// Change is the write by which s takes the place of what was read, on the condition
// that nobody has changed it since: then the error is of orm.KindConditionFailed.
// s.Version is that of what was read, and the next one afterwards. The item stays
// when a value is taken back, so that no version comes twice.
//
// It neither checks the value nor records who changes it: package ops does.
func Change(name string, s Stored) (orm.Write, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("write setting %s: %w", name, err)
	}
	unchanged := attrPosition.NotExists()
	if s.Version > 0 {
		unchanged = attrPosition.Eq(s.Version)
	}
	return eventlog.State.Update(eventlog.SettingKey(name),
		attrKind.Set(eventlog.StateSetting), attrData.Set(string(data)), attrPosition.Set(s.Version+1)).If(unchanged), nil
}
