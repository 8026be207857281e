package settings_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/settings"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

type limits struct {
	Most  int               `json:"most"`
	Names []string          `json:"names"`
	Rates map[string]string `json:"rates,omitempty"`
}

type mode string

var errNegative = errors.New("allowed is 0 and more")

var (
	maxItems = settings.Define("max_items", "How many items there may be.", 100, settings.Check(func(n int) error {
		if n < 0 {
			return errNegative
		}
		return nil
	}))
	enabled  = settings.Define("enabled", "Whether it is on.", true)
	share    = settings.Define("share", "A part.", 0.5, settings.Between(0.0, 1.0))
	greeting = settings.Define("greeting", "What is said.", "hello")
	window   = settings.Define("window", "How long.", time.Hour, settings.Between(time.Second, 24*time.Hour))
	way      = settings.Define("way", "Which way.", mode("fast"), settings.OneOf[mode]("fast", "safe"))
	bounds   = settings.Define("bounds", "What is allowed.", limits{Most: 3, Names: []string{"a"}}, settings.Check(func(l limits) error {
		if l.Most == 0 {
			return errors.New("most is missing")
		}
		return nil
	}))
)

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }

func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.t = c.t.Add(d) }

// fixture is a reader over a store in memory.
type fixture struct {
	t      *testing.T
	clock  *clock
	store  *ormtest.Memory
	reader *settings.Reader
	log    *bytes.Buffer
	lines  *bytes.Buffer // metrics

	mu    sync.Mutex
	reads int
	fail  error // of every read
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, clock: &clock{t: noon}, log: &bytes.Buffer{}, lines: &bytes.Buffer{}}
	f.store = ormtest.New(ormtest.Clock(f.clock.now))
	f.store.Before(func(c ormtest.Call) error {
		if c.Get == nil {
			return nil
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.reads++
		return f.fail
	})
	f.reader = settings.NewReader(f.store, settings.Options{
		Logger: f.logger(), Metrics: f.lines, Application: "shop", Deployment: "dev",
	})
	return f
}

// put stores a value as it is, whatever a setting has against it.
func (f *fixture) put(name, value string) { put(f.t, f.store, name, value) }

func put(t *testing.T, store orm.Store, name, value string) {
	t.Helper()
	s, err := settings.Read(t.Context(), store, name)
	if err != nil {
		t.Fatal(err)
	}
	s.Value = nil
	if value != "" {
		s.Value = []byte(value)
	}
	w, err := settings.Change(name, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := orm.Exec(t.Context(), store, w); err != nil {
		t.Fatal(err)
	}
}

// logger is for readers of other options.
func (f *fixture) logger() *slog.Logger { return slog.New(slog.NewTextHandler(f.log, nil)) }

func (f *fixture) failing(err error) { f.mu.Lock(); defer f.mu.Unlock(); f.fail = err }

// asked is how often the table was read since the last call.
func (f *fixture) asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.reads
	f.reads = 0
	return n
}

// logged is how many lines the log has of a text since the last call.
func (f *fixture) logged(text string) int {
	n := strings.Count(f.log.String(), text)
	f.log.Reset()
	return n
}

func (f *fixture) counted(metric string) int {
	n := strings.Count(f.lines.String(), `"`+metric+`":1`)
	f.lines.Reset()
	return n
}

func want[T comparable](t *testing.T, s *settings.Setting[T], r *settings.Reader, want T) {
	t.Helper()
	got, err := s.Get(context.Background(), r)
	if err != nil || got != want {
		t.Errorf("%s is %v (%v), want %v", s.Name(), got, err, want)
	}
}

// spoil writes an item's data as it is.
func spoil(t *testing.T, store orm.Store, name, data string) {
	t.Helper()
	item := eventlog.StateItem{Key: eventlog.SettingKey(name), Kind: eventlog.StateSetting, Data: data, Position: 1}
	if err := orm.Exec(t.Context(), store, eventlog.State.Put(item)); err != nil {
		t.Fatal(err)
	}
}
