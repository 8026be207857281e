package eventlog

import (
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// Snapshots makes [Load] remember what a long stream came to, so that the next
// load reads only what came after. It is an option of Load:
//
//	var OrderSnapshots = eventlog.Snapshots[Order]{Name: "order", Version: 1, Every: 100}
//	order, version, err := eventlog.Load(ctx, log, stream, Orders, OrderSnapshots)
//
// A snapshot saves reading and is never the truth: it is an item of [State] that
// may be lost, forgotten or damaged at any time, and then the stream is read from
// its beginning. It is used only if the event that it was made at is in the
// stream still, so one that outlived a restored log is none. Neither reading nor
// saving one makes a load fail: what goes wrong is logged as a warning.
//
// S is kept as JSON, at most 350 KB of it, and what comes back must be what was
// kept: no `omitempty` where nil and empty are different things. Its fields must
// be exported, or they would be lost; Load refuses an S that has others.
//
// A snapshot pays off where a stream has many times more bytes than what it
// comes to. Reading costs half a unit for 4 KB, whatever the number of events.
type Snapshots[S any] struct {
	Name string // of what the fold makes: lower-case letters, digits and _, at most 64; one fold has one
	// Version is that of S and of the fold, from 1. Count it up when either
	// changes: a snapshot of another version is as none. While programs of two
	// versions run they replace each other's.
	Version int
	Every   int64 // events since the last snapshot after which one is saved, at least 1
}

func (s Snapshots[S]) snapshots() *Snapshots[S] { return &s }

var snapshotName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// Err reports everything that is wrong with the option, nil when it may be used.
func (s Snapshots[S]) Err() error {
	var errs []error
	if !snapshotName.MatchString(s.Name) {
		errs = append(errs, fmt.Errorf("Snapshots.Name %q: allowed are 1 to 64 lower-case letters, digits and _, beginning with a letter", s.Name))
	}
	if s.Version < 1 || s.Every < 1 {
		errs = append(errs, fmt.Errorf("Snapshots.Version %d, Every %d: both are whole numbers from 1", s.Version, s.Every))
	}
	t := reflect.TypeFor[S]()
	if err := survivesJSON(t, t.String(), map[reflect.Type]bool{}); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Forget removes the snapshot of a stream; removing one that is not there is no
// error.
func (s Snapshots[S]) Forget(ctx context.Context, log *Log, stream string) error {
	err := errors.Join(s.Err(), event.CheckStream(stream))
	if err == nil {
		err = orm.Exec(ctx, log.store, State.Delete(SnapshotKey(s.Name, stream)))
	}
	if err != nil {
		return fmt.Errorf("forget snapshot %s of stream %s: %w", s.Name, stream, err)
	}
	return nil
}

// snapshot is the Data of a snapshot's state item. The version of the last event
// that is in it is the item's position.
type snapshot struct {
	Version int             `json:"version"` // of Snapshots
	Last    time.Time       `json:"last"`    // when that event was committed
	State   json.RawMessage `json:"state"`
}

// errStale says that a snapshot is of another past than the log has.
var errStale = errors.New("the event it was made at is not in the stream")

func (s *Snapshots[S]) load(ctx context.Context, log *Log, stream string, fold Fold[S]) (*loaded[S], error) {
	l, useless, err := s.find(ctx, log, stream)
	begun := int64(0)
	if l != nil {
		begun = l.version
		err = l.read(ctx, log, stream, fold)
		if useless = errors.Is(err, errStale); err != nil && !useless {
			return nil, err
		}
	}
	if err != nil {
		log.warnSnapshot(ctx, "snapshot ignored, the stream is read from its beginning", s.Name, stream, err)
	}
	if l == nil || useless {
		begun, l = 0, &loaded[S]{state: fold.New()}
		if err := l.read(ctx, log, stream, fold); err != nil {
			return nil, err
		}
	}
	if l.version-begun >= s.Every {
		if err := s.save(ctx, log, stream, l, useless); err != nil {
			log.warnSnapshot(ctx, "snapshot not saved", s.Name, stream, err)
		}
	}
	return l, nil
}

// find reads the snapshot of a stream; nil when there is none that can be used,
// useless when there is another one in its place. It need not be the newest, so
// it is read at half the price.
func (s *Snapshots[S]) find(ctx context.Context, log *Log, stream string) (l *loaded[S], useless bool, err error) {
	if event.CheckStream(stream) != nil {
		return nil, false, nil // reading the stream says so
	}
	item, err := State.Get(ctx, log.store, SnapshotKey(s.Name, stream), orm.Eventually())
	if errors.Is(err, orm.KindNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	var snap snapshot
	if err := json.Unmarshal([]byte(item.Data), &snap); err != nil {
		return nil, true, err
	}
	if snap.Version != s.Version {
		return nil, true, nil
	}
	if item.Position < 1 {
		return nil, true, fmt.Errorf("it says that it was made at version %d", item.Position)
	}
	l = &loaded[S]{version: item.Position, last: snap.Last, resumed: true}
	if err := json.Unmarshal(snap.State, &l.state); err != nil {
		return nil, true, err
	}
	return l, false, nil
}

// save writes the snapshot. Unless it replaces one that is of no use, it only
// goes forward: a load that began earlier may end later.
func (s *Snapshots[S]) save(ctx context.Context, log *Log, stream string, l *loaded[S], replace bool) error {
	state, err := json.Marshal(l.state)
	if err != nil {
		return err
	}
	data, err := json.Marshal(snapshot{Version: s.Version, Last: l.last, State: state})
	if err != nil {
		return err
	}
	if len(data) > MaxEvent {
		return fmt.Errorf("it has %d bytes, at most %d are allowed", len(data), MaxEvent)
	}
	item, err := State.Encode(StateItem{Key: SnapshotKey(s.Name, stream), Kind: StateSnapshot, Data: string(data), Position: l.version})
	if err != nil {
		return err
	}
	// A put and no update, so that roles need one right for whatever is saved.
	put := orm.Action{Op: orm.OpPut, Table: State.Schema(), Item: item}
	if !replace {
		if put.If, err = orm.Or(statePosition.NotExists(), statePosition.Lt(l.version)).Tree(); err != nil {
			return err
		}
	}
	if _, err := log.store.Do(ctx, put); !errors.Is(err, orm.KindConditionFailed) {
		return err
	}
	return nil // somebody else has saved a newer one
}

var statePosition = orm.Attr(State, func(s *StateItem) *int64 { return &s.Position })

func (l *Log) warnSnapshot(ctx context.Context, text, name, stream string, err error) {
	l.logger.LogAttrs(ctx, slog.LevelWarn, text, slog.String("snapshot", name), slog.String("stream", stream), slog.String("reason", err.Error()))
}

// survivesJSON finds what of a type encoding/json would not bring back. What
// encodes itself is its author's business, and so is a field left out with "-".
func survivesJSON(t reflect.Type, path string, seen map[reflect.Type]bool) error {
	if seen[t] || encodesItself(t) {
		return nil
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return survivesJSON(t.Elem(), path, seen)
	case reflect.Map:
		return errors.Join(survivesJSON(t.Key(), path, seen), survivesJSON(t.Elem(), path, seen))
	case reflect.Struct:
		var errs []error
		for i := range t.NumField() {
			f := t.Field(i)
			switch {
			case f.Tag.Get("json") == "-":
			case f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct:
				errs = append(errs, survivesJSON(f.Type, path+"."+f.Name, seen))
			default:
				errs = append(errs, fmt.Errorf("%s.%s is not exported, so a snapshot would lose it: export it, tag it `json:\"-\"` if it may be lost, or give %s the methods MarshalJSON and UnmarshalJSON", path, f.Name, t))
			}
		}
		return errors.Join(errs...)
	case reflect.Interface, reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return fmt.Errorf("%s is a %s, which a snapshot cannot bring back from JSON", path, t)
	default:
		return nil
	}
}

func encodesItself(t reflect.Type) bool {
	for _, i := range []reflect.Type{reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()} {
		if reflect.PointerTo(t).Implements(i) {
			return true
		}
	}
	return false
}
