package simulation

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// store is DynamoDB as its callers meet it: each call takes time, in which others
// go on, and may fail before its effect, after it, or have it when nobody waits
// for the answer any more.
type store struct {
	*scheduler
	memory *ormtest.Memory
}

var _ orm.Store = (*store)(nil)

// call makes one call with an effect on the world outside its process. refuse
// makes the error of a call that had no effect. late says that the effect may
// happen later than the answer is given up.
func (s *scheduler) call(what string, late bool, refuse func() error, lost func() error, effect func() error) error {
	t := s.current
	if t == nil {
		return effect() // the simulation itself looks
	}
	if err := s.pause(s.latency()); err != nil {
		return lost()
	}
	fate := s.fate(late)
	if fate != none && !t.faults() {
		fate = none
	}
	s.faults[fate]++
	switch fate {
	case refused:
		s.trace.note(s, t.name, what, ": refused")
		return refuse()
	case crashedBefore:
		s.kill(t, "before "+what)
		return lost()
	case delayed:
		s.trace.note(s, t.name, what, ": no answer, and it arrives later")
		name := t.name
		s.at(s.between(0, 20*time.Second), func() {
			s.trace.note(s, name, what, ": arrives: ", outcome(effect()))
		})
		return lost()
	}
	err := effect()
	s.trace.note(s, t.name, what, ": ", outcome(err))
	switch fate {
	case crashedAfter:
		s.kill(t, "after "+what)
		return lost()
	case unanswered:
		if err == nil {
			s.trace.note(s, t.name, what, ": its answer is lost")
			return lost()
		}
	}
	if s.chance(500) { // the answer's way back takes time as well
		if stopped := s.pause(s.between(0, 5*time.Millisecond)); stopped != nil {
			return lost()
		}
	}
	return err
}

func outcome(err error) string {
	if err == nil {
		return "done"
	}
	return err.Error()
}

// fate is what becomes of a call.
type fate int

const (
	none fate = iota
	refused
	unanswered
	delayed
	crashedBefore
	crashedAfter
	fates
)

func (s *scheduler) fate(late bool) fate {
	switch n := s.random.IntN(1000 / s.weather); {
	case n < 20:
		return refused
	case n < 35:
		return unanswered
	case n < 42 && late:
		return delayed
	case n < 46:
		return crashedBefore
	case n < 52:
		return crashedAfter
	default:
		return none
	}
}

// latency is how long a call is under way. Now and then it is long enough for
// leases and time-outs to end.
func (s *scheduler) latency() time.Duration {
	n := s.random.IntN(1000 / s.weather)
	if n < 10 && s.current.faults() {
		if n < 3 {
			return s.between(2*time.Second, 2*functionTimeout)
		}
		return s.between(15*time.Millisecond, 2*time.Second)
	}
	return s.between(time.Millisecond, 15*time.Millisecond)
}

// request makes a call to the store.
func (s *store) request(op, table, key string, late bool, refuse func() error, effect func() error) error {
	lost := func() error {
		return &orm.Error{Kind: orm.KindUnavailable, Op: op, Table: table, Key: key, Err: errStopped}
	}
	if refuse == nil {
		refuse = func() error {
			if s.chance(500) {
				return &orm.Error{Kind: orm.KindUnavailable, Op: op, Table: table, Key: key}
			}
			return &orm.Error{Kind: orm.KindThrottled, Op: op, Table: table, Key: key}
		}
	}
	return s.call(op+" "+table+" "+key, late, refuse, lost, effect)
}

// Reads fail, too. That they come late changes nothing.

func (s *store) Get(ctx context.Context, r *orm.GetRequest) (item orm.Item, err error) {
	err = s.request("get", r.Table.Name, r.Table.KeyText(r.Key), false, nil, func() (err error) {
		item, err = s.memory.Get(ctx, r)
		return err
	})
	return item, err
}

func (s *store) Query(ctx context.Context, r *orm.QueryRequest) (page *orm.Page, err error) {
	err = s.request("query", r.Table.Name, textOf(r.Hash), false, nil, func() (err error) {
		page, err = s.memory.Query(ctx, r)
		return err
	})
	return page, err
}

func (s *store) Scan(ctx context.Context, r *orm.ScanRequest) (page *orm.Page, err error) {
	err = s.request("scan", r.Table.Name, "", false, nil, func() (err error) {
		page, err = s.memory.Scan(ctx, r)
		return err
	})
	return page, err
}

func (s *store) BatchGet(ctx context.Context, r *orm.BatchGetRequest) (out *orm.BatchGetResult, err error) {
	err = s.request("batch get", r.Table.Name, "", false, nil, func() (err error) {
		out, err = s.memory.BatchGet(ctx, r)
		return err
	})
	return out, err
}

func (s *store) TransactGet(ctx context.Context, gets []orm.GetRequest) (items []orm.Item, err error) {
	err = s.request("transact get", gets[0].Table.Name, "", false, nil, func() (err error) {
		items, err = s.memory.TransactGet(ctx, gets)
		return err
	})
	return items, err
}

func (s *store) Now() time.Time { return s.clock() }

func (s *store) Backoff(_ context.Context, try int) error {
	return s.pause(s.jitter(25 * time.Millisecond << min(try, 8)))
}

func (s *store) Do(ctx context.Context, a orm.Action) (item orm.Item, err error) {
	refuse := func() error {
		return a.Wrap([]orm.Kind{orm.KindThrottled, orm.KindUnavailable, orm.KindConflict}[s.random.IntN(3)], nil)
	}
	err = s.request("do", a.Table.Name, a.Table.KeyText(a.PrimaryKey()), true, refuse, func() (err error) {
		item, err = s.memory.Do(ctx, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	return item, nil
}

func (s *store) Transact(ctx context.Context, token string, actions []orm.Action) error {
	keys := make([]string, len(actions))
	for i := range actions {
		keys[i] = actions[i].Table.Name + " " + actions[i].Table.KeyText(actions[i].PrimaryKey())
	}
	refuse := func() error {
		switch s.random.IntN(4) {
		case 0:
			return &orm.Error{Kind: orm.KindUnavailable, Op: "transact", Table: actions[0].Table.Name}
		case 1: // a transaction with this token is still under way
			return &orm.Error{Kind: orm.KindConflict, Op: "transact", Table: actions[0].Table.Name}
		}
		reasons := make([]*orm.Error, len(actions))
		i := s.random.IntN(len(actions))
		reasons[i] = actions[i].Wrap([]orm.Kind{orm.KindThrottled, orm.KindConflict}[s.random.IntN(2)], nil)
		return &orm.TransactionError{Reasons: reasons}
	}
	if s.trouble(10) && guarded(actions) {
		token = "" // forgotten: the conditions alone must do
	}
	return s.request("transact", strings.Join(keys, ", "), "", true, refuse, func() error {
		err := s.memory.Transact(ctx, token, actions)
		if err != nil {
			s.conflicts++
		}
		return err
	})
}

// guarded reports whether a transaction is kept from happening twice by more
// than its token: by a place in the log, or by the record of a delivery.
func guarded(actions []orm.Action) bool {
	for i := range actions {
		switch actions[i].Table.Name {
		case eventlog.Events.Schema().Name, bus.Deliveries.Schema().Name:
			return true
		}
	}
	return false
}

func textOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func (s *store) BatchWrite(ctx context.Context, r *orm.BatchWriteRequest) (out *orm.BatchWriteResult, err error) {
	err = s.request("batch write", r.Table.Name, "", true, nil, func() (err error) {
		out, err = s.memory.BatchWrite(ctx, r)
		return err
	})
	return out, err
}
