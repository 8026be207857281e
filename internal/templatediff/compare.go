package templatediff

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Diff is what is different in a second assembly. The zero value is no difference.
type Diff struct {
	Stacks []StackDiff `json:"stacks"` // those with a difference, by name
}

// State says whether a stack or a resource is in one assembly or in both.
type State string

// The states of a stack or resource.
const (
	Added   State = "added"
	Removed State = "removed"
	Changed State = "changed"
)

// StackDiff is what is different in one stack.
type StackDiff struct {
	Name      string         `json:"name"`
	State     State          `json:"state"`
	Resources []ResourceDiff `json:"resources"` // those with a difference, by path
}

// ResourceDiff is what is different of one resource.
type ResourceDiff struct {
	Path      string           `json:"path"` // in the construct tree, below its stack
	LogicalID string           `json:"logical_id"`
	Type      string           `json:"type"`
	State     State            `json:"state"`
	Replaced  Replacement      `json:"replaced,omitempty"`
	Because   []string         `json:"because,omitempty"` // the properties that replace it, or are not known not to
	Code      bool             `json:"code,omitempty"`    // the function's code is another one
	Changes   []PropertyChange `json:"changes,omitempty"`
	Dangers   []Danger         `json:"dangers,omitempty"`
}

// Replacement says whether CloudFormation makes a new resource in place of the old one.
type Replacement string

// What may become of a resource that is changed.
const (
	InPlace       Replacement = ""
	IsReplaced    Replacement = "yes"
	MayBeReplaced Replacement = "unknown" // the type is not in the table
)

// Compare says what is different in after. Neither is changed.
func Compare(before, after Assembly) *Diff {
	d := &Diff{Stacks: []StackDiff{}}
	for _, name := range union(before, after) {
		s := StackDiff{Name: name, State: state(before[name] != nil, after[name] != nil)}
		s.Resources = compareStacks(before[name], after[name])
		if s.State == Removed {
			// cdk deploy deletes no stack: nothing happens to what is in it.
			for i := range s.Resources {
				s.Resources[i].Dangers = nil
			}
		}
		if len(s.Resources) > 0 || s.State != Changed {
			d.Stacks = append(d.Stacks, s)
		}
	}
	d.markNames(before, after)
	return d
}

func state(before, after bool) State {
	switch {
	case !before:
		return Added
	case !after:
		return Removed
	}
	return Changed
}

func compareStacks(before, after *Stack) []ResourceDiff {
	if before == nil {
		before = &Stack{}
	}
	if after == nil {
		after = &Stack{}
	}
	found := map[string]*ResourceDiff{}
	for _, id := range union(before.Resources, after.Resources) {
		if r := compareResources(id, before.Resources[id], after.Resources[id]); r != nil {
			found[id] = r
		}
	}
	spread(found, before, after)
	for id, r := range found {
		r.judge(before.Resources[id], after.Resources[id])
	}
	out := make([]ResourceDiff, 0, len(found))
	for _, id := range slices.Sorted(maps.Keys(found)) {
		out = append(out, *found[id])
	}
	slices.SortStableFunc(out, func(a, b ResourceDiff) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// compareResources is nil when there is no difference.
func compareResources(id string, old, now *Resource) *ResourceDiff {
	either := now
	if either == nil {
		either = old
	}
	r := &ResourceDiff{Path: either.path, LogicalID: id, Type: either.Type, State: state(old != nil, now != nil)}
	if r.State != Changed {
		return r
	}
	if old.Type != now.Type {
		r.Changes = append(r.Changes, PropertyChange{Path: "(type)", Old: old.Type, New: now.Type})
		r.Replaced, r.Because = IsReplaced, []string{"(type)"}
	}
	for _, key := range union(old.Properties, now.Properties) {
		// Code is told by its hash, which says nothing to anybody.
		if key == "Code" && now.Type == "AWS::Lambda::Function" && text(old.Properties[key]) != text(now.Properties[key]) {
			r.Code = true
			continue
		}
		changes := differences(key, old.Properties[key], now.Properties[key])
		if len(changes) == 0 {
			continue
		}
		r.Changes = append(r.Changes, changes...)
		r.replaceFor(key)
	}
	for _, a := range []struct{ name, old, now string }{
		{"(deletion policy)", old.DeletionPolicy, now.DeletionPolicy},
		{"(update replace policy)", old.UpdateReplacePolicy, now.UpdateReplacePolicy},
		{"(condition)", old.Condition, now.Condition},
	} {
		if a.old != a.now {
			r.Changes = append(r.Changes, PropertyChange{Path: a.name, Old: a.old, New: a.now})
		}
	}
	if len(r.Changes) == 0 && !r.Code {
		return nil
	}
	return r
}

// replaceFor notes that a property at the top has changed.
func (r *ResourceDiff) replaceFor(property string) {
	yes, known := Replaces(r.Type, property)
	switch {
	case yes:
		if r.Replaced != IsReplaced {
			r.Because = nil // what was only not known
		}
		r.Replaced = IsReplaced
	case !known && r.Replaced != IsReplaced:
		r.Replaced = MayBeReplaced
	default:
		return
	}
	if !slices.Contains(r.Because, property) {
		r.Because = append(r.Because, property)
	}
}

// spread marks what is replaced because what it refers to is: an API's routes go
// with the API, although nothing in their text changes.
func spread(found map[string]*ResourceDiff, before, after *Stack) {
	var replaced []string
	for _, id := range slices.Sorted(maps.Keys(found)) {
		if found[id].Replaced == IsReplaced {
			replaced = append(replaced, id)
		}
	}
	for len(replaced) > 0 {
		origin := replaced[0]
		replaced = replaced[1:]
		for _, id := range slices.Sorted(maps.Keys(after.Resources)) {
			old, now := before.Resources[id], after.Resources[id]
			if old == nil || id == origin {
				continue
			}
			properties, _ := replacing(now.Type)
			for _, key := range properties {
				if !refers(now.Properties[key], origin) {
					continue
				}
				r := found[id]
				if r == nil {
					r = &ResourceDiff{Path: now.path, LogicalID: id, Type: now.Type, State: Changed}
					found[id] = r
				}
				first := r.Replaced != IsReplaced
				r.replaceFor(key)
				if first {
					replaced = append(replaced, id)
					r.Changes = append(r.Changes, PropertyChange{Path: key, Old: text(old.Properties[key]), New: fmt.Sprintf("another %s, which is replaced", after.Resources[origin].path)})
				}
			}
		}
	}
}
