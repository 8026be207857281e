package eventbridge

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// applied is what the assembly asked for the last time.
type applied struct {
	buses    map[string]BusConfig
	rules    map[[2]string]RuleConfig // by bus and name
	archives map[string]ArchiveConfig
}

// Apply makes the assembly's buses, rules and archives be exactly those of c.
// Events that are being put meanwhile meet the old rules or the new ones, never a
// mixture. What SDK calls made stays; a name that both want becomes the
// assembly's, an archive with its events. A thing of the assembly that SDK calls
// changed stays changed as long as c asks for the same as before.
//
// On an error, of kind [ErrConfig], which reports all that is wrong at once,
// nothing has changed.
func (s *Service) Apply(c Config) error {
	s.applying.Lock()
	defer s.applying.Unlock()
	var next applied
	err := s.change(func(d *draft) error {
		a := applier{d: d, s: s, next: applied{buses: map[string]BusConfig{}, rules: map[[2]string]RuleConfig{}, archives: map[string]ArchiveConfig{}}}
		a.buses(c.Buses)
		a.adopt()
		a.rules(c.Rules)
		a.archives(c.Archives)
		a.remove()
		next = a.next
		return errors.Join(a.errs...)
	})
	if err != nil {
		return err
	}
	s.applied = next
	// What has its bus now is a rule like others.
	s.orphans = slices.DeleteFunc(s.orphans, func(r *rule) bool { return s.state.Load().buses[r.EventBusName] != nil })
	return nil
}

// applier is one run of Apply.
type applier struct {
	s    *Service
	d    *draft
	next applied
	errs []error
}

func (a *applier) wrong(format string, args ...any) {
	a.errs = append(a.errs, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
}

func (a *applier) buses(configs []BusConfig) {
	for _, c := range configs {
		b, err := a.s.compileBus(c)
		if err != nil {
			a.wrong("bus %q: %w", c.Name, err)
			continue
		}
		if _, twice := a.next.buses[c.Name]; twice {
			a.wrong("bus %q is configured twice", c.Name)
		}
		a.next.buses[c.Name] = c
		old := a.d.bus(c.Name)
		if before, was := a.s.applied.buses[c.Name]; was && old != nil && reflect.DeepEqual(before, c) {
			continue // as it was, or as SDK calls have made it since
		}
		now := a.s.opts.Now()
		b.origin, b.created, b.modified = fromAssembly, now, now
		if old != nil {
			b.rules, b.created = old.rules, old.created
		}
		a.d.setBus(b)
		a.d.keepBus(b)
	}
}

// adopt gives rules that were read from the disk to buses that have come.
func (a *applier) adopt() {
	for _, r := range a.s.orphans {
		if b := a.d.bus(r.EventBusName); b != nil && b.rules[r.Name] == nil {
			b.rules[r.Name] = r
		}
	}
}

func (a *applier) rules(configs []RuleConfig) {
	for _, c := range configs {
		r, err := a.s.compileRule(c)
		if err != nil {
			a.wrong("rule %q: %w", c.Name, err)
			continue
		}
		key := [2]string{r.EventBusName, r.Name}
		b := a.d.bus(r.EventBusName)
		if b == nil {
			a.wrong("rule %q: bus %q does not exist", c.Name, r.EventBusName)
			continue
		}
		if _, twice := a.next.rules[key]; twice {
			a.wrong("rule %q is configured twice on bus %q", c.Name, b.Name)
		}
		a.next.rules[key] = c
		if before, was := a.s.applied.rules[key]; was && reflect.DeepEqual(before, c) {
			continue
		}
		r.origin = fromAssembly
		b.rules[r.Name] = r
		a.d.keepRule(r)
		if len(b.rules) == maxRules+1 {
			a.wrong("bus %q has more than %d rules, which is AWS's quota", b.Name, maxRules)
		}
		if r.wildcard() && b.wildcards() == maxWildcards+1 {
			a.wrong("bus %q has more than %d rules with a wildcard, which is AWS's quota", b.Name, maxWildcards)
		}
	}
}

func (a *applier) archives(configs []ArchiveConfig) {
	for _, c := range configs {
		next, err := a.s.compileArchive(c)
		if err != nil {
			a.wrong("archive %q: %w", c.Name, err)
			continue
		}
		if _, twice := a.next.archives[c.Name]; twice {
			a.wrong("archive %q is configured twice", c.Name)
		}
		a.next.archives[c.Name] = c
		if a.d.state.buses[next.bus] == nil {
			a.wrong("archive %q: bus %q does not exist", c.Name, next.bus)
			continue
		}
		if before, was := a.s.applied.archives[c.Name]; was && reflect.DeepEqual(before, c) {
			continue
		}
		next.origin, next.created, next.id = fromAssembly, a.s.opts.Now(), a.s.sequence.Add(1)
		if old := a.d.state.archives[c.Name]; old != nil {
			next.id, next.created, next.contents = old.id, old.created, old.contents
		}
		a.d.setArchive(next)
	}
}

// remove takes away what the assembly has no more. A bus on which SDK calls have
// made something becomes theirs.
func (a *applier) remove() {
	for name, b := range a.d.state.buses {
		for rule, r := range b.rules {
			if _, wanted := a.next.rules[[2]string{name, rule}]; r.origin == fromAssembly && !wanted {
				a.d.removeRule(a.d.bus(name), rule)
			}
		}
	}
	for name, ar := range a.d.state.archives {
		if _, wanted := a.next.archives[name]; ar.origin == fromAssembly && !wanted {
			a.d.removeArchive(ar)
		}
	}
	for name, b := range a.d.state.buses {
		if _, wanted := a.next.buses[name]; wanted || b.origin != fromAssembly {
			continue
		}
		if name == defaultBus {
			own := a.d.bus(name)
			own.BusConfig, own.policy, own.origin = BusConfig{Name: name, ARN: own.ARN}, nil, fromCalls
			continue
		}
		used := len(a.d.bus(name).rules) > 0
		for _, ar := range a.d.state.archives {
			used = used || ar.bus == name
		}
		if !used {
			a.d.removeBus(name)
			continue
		}
		own := a.d.bus(name)
		own.origin = fromCalls
		a.d.keepBus(own)
		a.s.opts.Logger.Info("an event bus has left the assembly and stays, because SDK calls made rules or archives of it", "bus", name)
	}
}
