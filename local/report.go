package local

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/local/assembly"
)

// ErrAssembly is the kind of every error about what an assembly asks for:
// properties and values that are not served here, and references to resources
// that it does not have. The error of [Start] joins all of them.
var ErrAssembly = errors.New("the assembly cannot be run here")

// ResourceError is one such error, with its place.
type ResourceError struct {
	Type     string // "AWS::SQS::Queue"
	Where    string // construct path, or stack and logical id
	Property string // "RedrivePolicy.maxReceiveCount"; "" when it is about the resource
	Reason   string // what is wrong, what is allowed, how to mend it
}

func (e *ResourceError) Error() string {
	if e.Property == "" {
		return fmt.Sprintf("%s at %s: %s", e.Type, e.Where, e.Reason)
	}
	return fmt.Sprintf("%s at %s: property %s: %s", e.Type, e.Where, e.Property, e.Reason)
}

// Unwrap gives the kind to errors.Is.
func (e *ResourceError) Unwrap() error { return ErrAssembly }

// report collects everything there is to say about an assembly, so that it is
// said at once.
type report struct {
	errs   []error
	seen   map[ResourceError]bool
	notes  []*note // in the order of the first of each
	absent []string
	lent   []string // what stands in for things of others
}

// note says that properties of a resource type have no effect here.
type note struct {
	typ, why   string
	properties []string            // none: the whole resource
	where      map[string]struct{} // the resources
}

func (r *report) fail(res *assembly.Resource, property, format string, args ...any) {
	e := ResourceError{Type: res.Type, Where: res.Where(), Property: property, Reason: fmt.Sprintf(format, args...)}
	// What several resources share is looked at for each of them.
	if !r.seen[e] {
		if r.seen == nil {
			r.seen = map[ResourceError]bool{}
		}
		r.seen[e] = true
		r.errs = append(r.errs, &e)
	}
}

// noEffect notes that a property (or with "" the whole resource) changes nothing here.
func (r *report) noEffect(res *assembly.Resource, property, why string) {
	i := slices.IndexFunc(r.notes, func(n *note) bool {
		return n.typ == res.Type && n.why == why && (property == "") == (len(n.properties) == 0)
	})
	if i < 0 {
		i = len(r.notes)
		r.notes = append(r.notes, &note{typ: res.Type, why: why, where: map[string]struct{}{}})
	}
	n := r.notes[i]
	if property != "" && !slices.Contains(n.properties, property) {
		n.properties = append(n.properties, property)
	}
	n.where[res.Where()] = struct{}{}
}

func (r *report) unknown(res *assembly.Resource) {
	r.absent = append(r.absent, fmt.Sprintf("not served locally: %s at %s", res.Type, res.Where()))
}

// lines are the notes for people: first what is not served at all, one line for
// each resource, then what is there in another's place, then what has no effect, one line for each type and reason.
func (r *report) lines() []string {
	lines := slices.Clone(r.absent)
	slices.Sort(lines)
	lines = append(lines, r.lent...)
	var effects []string
	for _, n := range r.notes {
		what := n.typ
		if len(n.properties) > 0 {
			slices.Sort(n.properties)
			what += " " + strings.Join(n.properties, ", ")
		}
		count := fmt.Sprintf("%d resources", len(n.where))
		if len(n.where) == 1 {
			for where := range n.where {
				count = where
			}
		}
		effects = append(effects, fmt.Sprintf("no effect locally: %s (%s): %s", what, count, n.why))
	}
	slices.Sort(effects)
	return append(lines, effects...)
}

func (r *report) err() error { return errors.Join(r.errs...) }
