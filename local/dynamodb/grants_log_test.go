package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/local/dynamodb"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/orm"
)

type grantedFact struct {
	N int `json:"n"`
}

var grantedEvent = event.Define[grantedFact]("grant.tried")

// grantedLogCalls are what functions do with the log and the table "state". Each
// call makes its own streams and timers; n is different in each.
var grantedLogCalls = []struct {
	name string
	do   func(ctx context.Context, log *eventlog.Log, s orm.Store, n int) error
}{
	{"commit", func(ctx context.Context, log *eventlog.Log, _ orm.Store, n int) error {
		_, err := log.Commit(ctx, eventlog.Changes{Events: []event.Record{grantedEvent.At(fmt.Sprint("grant/", n), event.Append).Record(grantedFact{n})}})
		return err
	}},
	{"commit a command", func(ctx context.Context, log *eventlog.Log, _ orm.Store, n int) error {
		_, err := log.Commit(ctx, eventlog.Changes{
			Command: eventlog.Command{ID: fmt.Sprint("command/", n)}, Events: []event.Record{grantedEvent.Record(grantedFact{n})},
		})
		return err
	}},
	{"set and cancel a timer", func(ctx context.Context, log *eventlog.Log, _ orm.Store, n int) error {
		id := fmt.Sprint("timer/", n)
		if _, err := log.PublishAt(ctx, id, time.Now().Add(time.Hour), grantedEvent.Record(grantedFact{n})); err != nil {
			return err
		}
		_, err := log.Commit(ctx, eventlog.Changes{Cancel: []string{id}})
		return err
	}},
	{"load with a snapshot", func(ctx context.Context, log *eventlog.Log, _ orm.Store, n int) error {
		snapshots := eventlog.Snapshots[int]{Name: "granted", Version: 1, Every: 1}
		fold := eventlog.Fold[int]{New: func() int { return 0 }, Apply: func(s int, _ event.Envelope) (int, error) { return s + 1, nil }}
		if _, _, err := eventlog.Load(ctx, log, grantedStream, fold, snapshots); err != nil {
			return err
		}
		return snapshots.Forget(ctx, log, grantedStream)
	}},
	{"put an event alone", func(ctx context.Context, _ *eventlog.Log, s orm.Store, n int) error {
		item, err := eventlog.Events.Encode(eventlog.Stored{Stream: fmt.Sprint("grant/alone", n), Version: 1})
		if err != nil {
			return err
		}
		_, err = s.Do(ctx, orm.Action{Op: orm.OpPut, Table: eventlog.Events.Schema(), Item: item})
		return err
	}},
	{"put a timer alone", func(ctx context.Context, _ *eventlog.Log, s orm.Store, n int) error {
		return orm.Exec(ctx, s, eventlog.State.Put(eventlog.StateItem{Key: eventlog.TimerKey(fmt.Sprint("alone/", n)), Kind: eventlog.StateTimer}))
	}},
	{"delete a command alone", func(ctx context.Context, _ *eventlog.Log, s orm.Store, n int) error {
		return orm.Exec(ctx, s, eventlog.State.Delete(eventlog.CommandKey(fmt.Sprint("alone/", n))))
	}},
	{"fire timers", func(ctx context.Context, log *eventlog.Log, _ orm.Store, n int) error {
		fired := 0
		for due, err := range log.DueTimers(ctx, time.Now()) {
			if err != nil {
				return err
			}
			_, ok, err := log.Fire(ctx, due)
			if err != nil {
				return err
			}
			if ok {
				fired++
			}
		}
		if fired == 0 {
			return errors.New("no timer fired, and one is due")
		}
		return nil
	}},
	{"remove a timer alone", func(ctx context.Context, _ *eventlog.Log, s orm.Store, n int) error {
		return orm.Exec(ctx, s, eventlog.State.Delete(eventlog.TimerKey(fmt.Sprint("alone/", n))))
	}},
	{"keep a checkpoint", func(ctx context.Context, _ *eventlog.Log, s orm.Store, n int) error {
		for _, subscription := range []string{"count_active", "count_active!spring"} { // and one of a namespace
			if err := keepCheckpoint(ctx, s, eventlog.CheckpointKey(subscription, fmt.Sprint("grant/", n))); err != nil {
				return err
			}
		}
		return nil
	}},
	{"keep another's checkpoint", func(ctx context.Context, _ *eventlog.Log, s orm.Store, n int) error {
		return keepCheckpoint(ctx, s, eventlog.CheckpointKey("count_active_too", fmt.Sprint("grant/", n)))
	}},
	{"change a timer", func(ctx context.Context, _ *eventlog.Log, s orm.Store, n int) error {
		return orm.Exec(ctx, s, eventlog.State.Update(eventlog.TimerKey(fmt.Sprint("alone/", n)), grantedPosition.Set(1)))
	}},
}

var grantedPosition = orm.Attr(eventlog.State, func(s *eventlog.StateItem) *int64 { return &s.Position })

// keepCheckpoint moves a checkpoint alone and in a transaction, and reads it.
func keepCheckpoint(ctx context.Context, s orm.Store, key string) error {
	if err := orm.Exec(ctx, s, eventlog.State.Update(key, grantedPosition.Set(1))); err != nil {
		return err
	}
	actions, err := eventlog.State.Update(key, grantedPosition.Set(2)).Actions(ctx, s)
	if err != nil {
		return err
	}
	if err := s.Transact(ctx, "", actions); err != nil {
		return err
	}
	_, err = eventlog.State.Get(ctx, s, key)
	return err
}

const grantedStream = "grant/snapshot"

// TestLogGrants runs the log under the roles that package constructs makes for
// functions that commit, for one that does not, and for the timers function:
// what they have is enough, and nothing else is allowed.
func TestLogGrants(t *testing.T) {
	s := start(t, dynamodb.Options{})
	apply(t, s, frameworkTable(eventlog.Events, "shop-dev-events"), frameworkTable(eventlog.State, "shop-dev-state"))
	f := newFront(t, s, nil)
	name := func(table string) string { return "shop-dev-" + table }
	ownerStore := orm.NewDynamoDB(f.owner(), name)
	owner := eventlog.New(ownerStore, eventlog.Options{Source: "shop"})
	if _, err := owner.Commit(t.Context(), eventlog.Changes{Events: []event.Record{grantedEvent.At(grantedStream, event.New).Record(grantedFact{})}}); err != nil {
		t.Fatal(err)
	}
	const commits = "commit, commit a command, set and cancel a timer, load with a snapshot"
	roles := map[string]iam.Policies{}
	n := 0
	for _, c := range []struct{ role, template, allowed string }{
		{"sendwelcome", "mail", ""},
		{"countactive", "counters", commits + ", keep a checkpoint"}, // bus.Ordered, bus.Commits(orderDeleted)
		{"api", "api", commits},                                      // bus.Commits(userCreated, userActivated)
		{"logtimers", "log", "commit, fire timers"},
		{"logrelay", "log", ""},
	} {
		t.Run(c.role, func(t *testing.T) {
			arn := "arn:aws:iam::000000000000:role/" + c.role
			roles[arn] = goldenRole(t, "../../constructs/testdata/golden/dev/shop-dev-"+c.template+".template.json", c.role)
			f.credentials.SetRoles(roles)
			store := orm.NewDynamoDB(f.client(f.credentials.Issue(arn, c.role)), name)
			log := eventlog.New(store, eventlog.Options{Source: "shop"})
			for _, call := range grantedLogCalls {
				n++
				if _, err := owner.PublishAt(t.Context(), "", time.Now().Add(-time.Second), grantedEvent.Record(grantedFact{n})); err != nil {
					t.Fatal(err)
				}
				err := call.do(t.Context(), log, store, n)
				allowed := strings.Contains(", "+c.allowed+",", ", "+call.name+",")
				switch {
				case allowed && err != nil:
					t.Errorf("%s: %v", call.name, err)
				case !allowed && !errors.Is(err, orm.KindDenied):
					t.Errorf("%s: %v, want %v", call.name, err, orm.KindDenied)
				}
			}
			// A snapshot that cannot be saved is no error of a load: look whether it was.
			if strings.Contains(c.allowed, "snapshot") {
				checkSnapshotSaved(t, log, ownerStore)
			}
		})
	}
}

func checkSnapshotSaved(t *testing.T, log *eventlog.Log, owner orm.Store) {
	t.Helper()
	snapshots := eventlog.Snapshots[int]{Name: "granted", Version: 1, Every: 1}
	fold := eventlog.Fold[int]{New: func() int { return 0 }, Apply: func(s int, _ event.Envelope) (int, error) { return s + 1, nil }}
	if _, _, err := eventlog.Load(t.Context(), log, grantedStream, fold, snapshots); err != nil {
		t.Fatal(err)
	}
	if there, err := eventlog.State.Exists(t.Context(), owner, eventlog.SnapshotKey("granted", grantedStream)); err != nil || !there {
		t.Errorf("the snapshot was not saved: %v", err)
	}
}

// frameworkTable is the table of a definition, as the template would have it.
func frameworkTable(d orm.Definition, name string) dynamodb.TableConfig {
	schema := d.Schema()
	types := map[string]string{}
	key := func(hash, sort string) []dynamodb.KeyElement {
		elements := []dynamodb.KeyElement{{AttributeName: hash, KeyType: dynamodb.Partition}}
		if sort != "" {
			elements = append(elements, dynamodb.KeyElement{AttributeName: sort, KeyType: dynamodb.Sort})
		}
		for _, e := range elements {
			for _, a := range schema.Attributes {
				if a.Name == e.AttributeName {
					types[a.Name] = a.Type
				}
			}
		}
		return elements
	}
	c := dynamodb.TableConfig{Name: name, Attributes: types, Key: key(schema.Hash, schema.Sort)}
	for _, x := range schema.Indexes {
		c.GlobalIndexes = append(c.GlobalIndexes, dynamodb.Index{Name: x.Name, Projection: string(x.Projection), Key: key(x.Hash, x.Sort)})
	}
	return c
}
