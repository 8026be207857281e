package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/dynamodb"
	"github.com/vinci-go/vinci/local/sqs"
)

// ErrStopped: the runtime has been stopped.
var ErrStopped = errors.New("the local runtime has stopped")

// Change is one resource that a reload touched.
type Change struct {
	Type  string // "AWS::Lambda::Function"
	Name  string // a function's short name, others' physical name
	Where string // construct path
}

// Changes are the differences between two assemblies, each list by type and name.
type Changes struct {
	Added, Replaced, Removed []Change
}

// Empty says whether nothing changed.
func (c *Changes) Empty() bool { return len(c.Added)+len(c.Replaced)+len(c.Removed) == 0 }

// String is one line for people, such as "replaced function send_welcome".
func (c *Changes) String() string {
	if c.Empty() {
		return "nothing changed"
	}
	var parts []string
	for _, list := range []struct {
		verb    string
		changes []Change
	}{{"added", c.Added}, {"replaced", c.Replaced}, {"removed", c.Removed}} {
		for _, ch := range list.changes {
			kind := ch.Type[strings.LastIndex(ch.Type, ":")+1:]
			parts = append(parts, list.verb+" "+strings.ToLower(kind)+" "+ch.Name)
		}
	}
	return strings.Join(parts, ", ")
}

// Reload puts another assembly in the place of the one that runs, and says what
// is different. Addresses, credentials and data stay. A function whose code or
// settings changed takes new invocations with the new ones, while those that run
// finish on the old. A table that is no longer in the assembly keeps its items in
// the data folder; a queue's messages are deleted with it, as in AWS. "" is no
// assembly: what there was of one is removed, and what calls of the gateway made
// stays.
//
// When the new assembly is wrong, or asks for what cannot be changed (a table's
// key), the error says so and what ran before goes on.
func (r *Runtime) Reload(ctx context.Context, assemblyDir string) (*Changes, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	if r.stopped {
		return nil, fmt.Errorf("reload: %w", ErrStopped)
	}
	next, err := r.load(assemblyDir)
	if err != nil {
		return nil, fmt.Errorf("reload: %w", errors.Join(err, r.apis.releaseUnused(ctx)))
	}
	was := r.plan.Load()
	if err := tableChanges(was.tables, next.tables); err != nil {
		return nil, fmt.Errorf("reload: %w", errors.Join(err, r.apis.releaseUnused(ctx)))
	}
	if err := r.apply(ctx, was, next); err != nil {
		// Back to what ran. It was served a moment ago, so this succeeds unless
		// the first error's cause (a full disk) hits it too.
		if back := r.apply(context.WithoutCancel(ctx), next, was); back != nil {
			err = errors.Join(err, fmt.Errorf("going back to the assembly before: %w", back))
		}
		return nil, fmt.Errorf("reload: %w", err)
	}
	return difference(was, next), nil
}

// apply moves every service from one plan to another. Things are added in the
// order in which they need each other, and removed at the end: at no time does
// something refer to what is not there, and a failure on the way has removed
// nothing.
func (r *Runtime) apply(ctx context.Context, from, to *plan) error {
	if err := r.dynamodb.Apply(ctx, to.tables); err != nil {
		return err
	}
	if err := r.sqs.Apply(withQueues(to.queues, from.queues)); err != nil {
		return err
	}
	r.credentials.SetRoles(to.roles)
	r.credentials.SetTrusts(to.trusts)
	if err := r.eventbridge.Apply(eventsBetween(from, to)); err != nil {
		return err
	}
	r.plan.Store(to)
	if err := r.lambda.Apply(ctx, to.functions, to.mappings); err != nil {
		return err
	}
	if err := r.apis.apply(ctx, to.apis, r.chaos.Invoker(r.lambda)); err != nil {
		return err
	}
	// What removes comes last: an archive's events and a queue's messages go with it,
	// and going back could not bring them back.
	if err := r.eventbridge.Apply(to.events()); err != nil {
		return err
	}
	return r.sqs.Apply(to.queues)
}

// withQueues adds those of old whose names are not in queues.
func withQueues(queues, old []sqs.QueueConfig) []sqs.QueueConfig {
	all := slices.Clone(queues)
	for _, q := range old {
		if !slices.ContainsFunc(queues, func(c sqs.QueueConfig) bool { return c.ARN == q.ARN }) {
			all = append(all, q)
		}
	}
	return all
}

// tableChanges refuses what cannot be done to a table that has items, before
// anything else is changed.
func tableChanges(was, next []dynamodb.TableConfig) error {
	var errs []error
	for _, n := range next {
		i := slices.IndexFunc(was, func(w dynamodb.TableConfig) bool { return w.Name == n.Name })
		if i < 0 {
			continue
		}
		if before, after := keyText(was[i].Key, was[i].Attributes), keyText(n.Key, n.Attributes); before != after {
			errs = append(errs, fmt.Errorf("%w: table %s: its key is %s and would be %s: a table's key cannot be changed; "+
				"give the table another name, or stop, empty the data folder and start again", dynamodb.ErrCannotChange, n.Name, before, after))
		}
		if before, after := indexText(was[i]), indexText(n); before != after {
			errs = append(errs, fmt.Errorf("%w: table %s: its local indexes are %s and would be %s: they cannot be changed; "+
				"give the table another name, or stop, empty the data folder and start again", dynamodb.ErrCannotChange, n.Name, before, after))
		}
	}
	return errors.Join(errs...)
}

func keyText(key []dynamodb.KeyElement, types map[string]string) string {
	var parts []string
	for _, k := range key {
		parts = append(parts, fmt.Sprintf("%s %s (%s)", k.KeyType, k.AttributeName, types[k.AttributeName]))
	}
	return strings.Join(parts, ", ")
}

func indexText(t dynamodb.TableConfig) string {
	var parts []string
	for _, i := range t.LocalIndexes {
		include := slices.Sorted(slices.Values(i.Include))
		parts = append(parts, fmt.Sprintf("%s [%s, %s %s]", i.Name, keyText(i.Key, t.Attributes), i.Projection, strings.Join(include, ",")))
	}
	if len(parts) == 0 {
		return "none"
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}

// difference compares two plans resource by resource.
func difference(was, next *plan) *Changes {
	before, after := was.byPlace(), next.byPlace()
	c := &Changes{}
	for place, r := range after {
		old, ok := before[place]
		switch {
		case !ok:
			c.Added = append(c.Added, next.change(r))
		case fingerprint(old) != fingerprint(r):
			c.Replaced = append(c.Replaced, next.change(r))
		}
	}
	for place, r := range before {
		if _, ok := after[place]; !ok {
			c.Removed = append(c.Removed, was.change(r))
		}
	}
	for _, list := range [][]Change{c.Added, c.Replaced, c.Removed} {
		slices.SortFunc(list, func(x, y Change) int {
			return strings.Compare(x.Type+"\x00"+x.Name+"\x00"+x.Where, y.Type+"\x00"+y.Name+"\x00"+y.Where)
		})
	}
	return c
}

// byPlace are the resources by type and place in the assembly.
func (p *plan) byPlace() map[[3]string]*assembly.Resource {
	m := make(map[[3]string]*assembly.Resource, len(p.resources))
	for _, r := range p.resources {
		m[[3]string{r.Stack, r.LogicalID, r.Type}] = r
	}
	return m
}

func (p *plan) change(r *assembly.Resource) Change {
	c := Change{Type: r.Type, Name: r.Name, Where: r.Where()}
	if label, ok := p.labels[r.Name]; ok && r.Type == "AWS::Lambda::Function" {
		c.Name = label
	}
	if c.Name == "" { // a type that is not served
		c.Name = r.Where()
	}
	return c
}

// fingerprint differs when the resource does. The folder of an asset is named
// after its content; the folder of the assembly does not matter.
func fingerprint(r *assembly.Resource) string {
	// Properties are plain JSON, which Marshal writes with sorted keys.
	text, err := json.Marshal(r.Properties)
	if err != nil {
		panic(fmt.Sprintf("local: properties of %s are no JSON: %v", r.Where(), err))
	}
	return r.Name + "\x00" + filepath.Base(r.AssetDir) + "\x00" + string(text)
}
