package eventbridge

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/event/pattern"
	"github.com/vinci-go/vinci/local/iam"
)

// origin tells who made a definition: it decides whether [Service.Apply] may take
// it away, and whether it is kept on the disk.
type origin string

const (
	fromAssembly origin = "assembly"
	fromCalls    origin = "sdk"
)

// state is everything that is defined. It does not change once it is the
// service's: a change makes another.
type state struct {
	buses    map[string]*bus
	archives map[string]*archive
}

// bus is an event bus with its rules.
type bus struct {
	BusConfig
	origin            origin
	created, modified time.Time
	policy            *iam.Document    // nil when there is none, or none that can be judged
	rules             map[string]*rule // by name

	// Made by seal.
	sorted   []*rule      // by name
	enabled  []*rule      // those with a pattern that are enabled, by name
	set      *pattern.Set // of the enabled rules
	archives []*archive   // of the bus's events, by name
}

// rule is a rule that was checked. It does not change.
type rule struct {
	RuleConfig
	origin  origin
	pattern *pattern.Pattern // nil for a schedule alone
	targets []*target
}

// wildcard reports whether the pattern uses the operator, of which AWS allows a
// bus but few.
func (r *rule) wildcard() bool { return r.pattern != nil && r.pattern.HasWildcard() }

func (b *bus) wildcards() int {
	n := 0
	for _, r := range b.rules {
		if r.wildcard() {
			n++
		}
	}
	return n
}

// draft is the next state while it is being made.
type draft struct {
	service *Service
	state   *state
	own     map[*bus]bool // copies of this draft
	ops     []op          // what is to be written
	gone    []uint64      // archives whose contents go
}

// change makes the next state: f changes a copy of the present one. When f
// fails, or what it keeps cannot be written, nothing has changed.
func (s *Service) change(f func(*draft) error) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	now := s.state.Load()
	d := &draft{service: s, state: &state{buses: maps.Clone(now.buses), archives: maps.Clone(now.archives)}, own: map[*bus]bool{}}
	if err := f(d); err != nil {
		return err
	}
	if err := s.store.write(d.ops...); err != nil {
		return err
	}
	for _, b := range d.state.buses {
		if d.own[b] {
			b.seal(d.state)
		}
	}
	s.state.Store(d.state)
	if err := s.schedule(d.state); err != nil {
		return err
	}
	for _, id := range d.gone {
		s.empty(id)
	}
	return nil
}

// bus is a copy of a bus, to be changed; nil when there is none.
func (d *draft) bus(name string) *bus {
	b := d.state.buses[name]
	if b == nil || d.own[b] {
		return b
	}
	c := *b
	c.rules = maps.Clone(b.rules)
	d.setBus(&c)
	return &c
}

func (d *draft) setBus(b *bus) {
	d.state.buses[b.Name], d.own[b] = b, true
}

// seal computes what matching needs.
func (b *bus) seal(st *state) {
	b.sorted, b.enabled, b.archives = nil, nil, nil
	var patterns []*pattern.Pattern
	for _, name := range slices.Sorted(maps.Keys(b.rules)) {
		r := b.rules[name]
		b.sorted = append(b.sorted, r)
		if !r.Disabled && r.pattern != nil {
			b.enabled = append(b.enabled, r)
			patterns = append(patterns, r.pattern)
		}
	}
	b.set = pattern.NewSet(patterns...)
	for _, name := range slices.Sorted(maps.Keys(st.archives)) {
		if a := st.archives[name]; a.bus == b.Name {
			b.archives = append(b.archives, a)
		}
	}
}

// What the store keeps of definitions that SDK calls made, and of every archive:
// its contents are there, too.
type (
	busRecord struct {
		BusConfig
		Created, Modified time.Time
	}
	ruleRecord    struct{ RuleConfig }
	archiveRecord struct {
		ArchiveConfig
		ID      uint64
		Origin  origin
		Created time.Time
	}
)

// Kinds of keys.
const (
	kindBus     = "bus"
	kindRule    = "rule"
	kindArchive = "archive"
)

func (d *draft) put(key []byte, record any) {
	value, err := json.Marshal(record)
	if err != nil {
		panic(fmt.Sprintf("eventbridge: a definition could not be encoded: %v", err)) // text, numbers and times only
	}
	d.ops = append(d.ops, op{definitions, key, value})
}

func (d *draft) drop(key []byte) { d.ops = append(d.ops, op{bucket: definitions, key: key}) }

// keepBus writes a bus that SDK calls made. What the assembly made is not
// written: it comes from the assembly again.
func (d *draft) keepBus(b *bus) {
	if key := names(kindBus, b.Name); b.origin == fromCalls {
		d.put(key, busRecord{b.BusConfig, b.created, b.modified})
	} else {
		d.drop(key)
	}
}

func (d *draft) keepRule(r *rule) {
	if key := names(kindRule, r.EventBusName, r.Name); r.origin == fromCalls {
		d.put(key, ruleRecord{r.RuleConfig})
	} else {
		d.drop(key)
	}
}

func (d *draft) keepArchive(a *archive) {
	d.put(names(kindArchive, a.Name), archiveRecord{a.ArchiveConfig, a.id, a.origin, a.created})
}

func (d *draft) removeBus(name string) {
	delete(d.state.buses, name)
	d.drop(names(kindBus, name))
}

func (d *draft) removeRule(b *bus, name string) {
	delete(b.rules, name)
	d.drop(names(kindRule, b.Name, name))
}

// setArchive puts an archive in place; the bus's list follows.
func (d *draft) setArchive(a *archive) {
	d.state.archives[a.Name] = a
	d.keepArchive(a)
	d.bus(a.bus)
}

func (d *draft) removeArchive(a *archive) {
	delete(d.state.archives, a.Name)
	d.drop(names(kindArchive, a.Name))
	d.gone = append(d.gone, a.id)
	d.bus(a.bus)
}

// load reads what earlier SDK calls made. Rules whose bus is the assembly's wait
// for [Service.Apply] to make it.
func (s *Service) load() error {
	st := &state{buses: map[string]*bus{}, archives: map[string]*archive{}}
	def, err := s.compileBus(BusConfig{Name: defaultBus})
	if err != nil {
		return err
	}
	// What SDK calls do to it is kept; an assembly may take it over.
	def.origin, def.created, def.modified = fromCalls, s.opts.Now(), s.opts.Now()
	st.buses[defaultBus] = def
	var rules []*rule
	err = s.store.scan(definitions, nil, nil, func(key, value []byte) (bool, error) {
		kind, _, _ := strings.Cut(string(key), "\x00")
		var err error
		switch kind {
		case kindBus:
			err = s.loadBus(st, value)
		case kindRule:
			var r *rule
			if r, err = s.loadRule(value); err == nil {
				rules = append(rules, r)
			}
		case kindArchive:
			err = s.loadArchive(st, value)
		}
		if err != nil {
			return false, fmt.Errorf("%s: %w", strings.ReplaceAll(string(key), "\x00", " "), err)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, r := range rules {
		if b := st.buses[r.EventBusName]; b != nil {
			b.rules[r.Name] = r
		} else {
			s.orphans = append(s.orphans, r)
		}
	}
	for _, b := range st.buses {
		b.seal(st)
	}
	s.state.Store(st)
	return nil
}

func (s *Service) loadBus(st *state, value []byte) error {
	var r busRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return err
	}
	b, err := s.compileBus(r.BusConfig)
	if err != nil {
		return err
	}
	b.origin, b.created, b.modified = fromCalls, r.Created, r.Modified
	st.buses[b.Name] = b
	return nil
}

func (s *Service) loadRule(value []byte) (*rule, error) {
	var record ruleRecord
	if err := json.Unmarshal(value, &record); err != nil {
		return nil, err
	}
	r, err := s.compileRule(record.RuleConfig)
	if err != nil {
		return nil, err
	}
	r.origin = fromCalls
	return r, nil
}

func (s *Service) loadArchive(st *state, value []byte) error {
	var r archiveRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return err
	}
	a, err := s.compileArchive(r.ArchiveConfig)
	if err != nil {
		return err
	}
	a.id, a.origin, a.created = r.ID, r.Origin, r.Created
	st.archives[a.Name] = a
	return nil
}

// sortedBuses are all buses by name.
func (st *state) sortedBuses() []*bus {
	var all []*bus
	for _, name := range slices.Sorted(maps.Keys(st.buses)) {
		all = append(all, st.buses[name])
	}
	return all
}
