package templatediff

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is what a danger is about.
type Kind string

// The kinds of danger.
const (
	Data     Kind = "data"     // data goes away, or is no longer protected
	Rights   Kind = "rights"   // somebody may do more, or a route is open
	Events   Kind = "events"   // other events arrive than before
	Conflict Kind = "conflict" // CloudFormation will most likely refuse it
)

// Danger is something a reviewer should see.
type Danger struct {
	Kind Kind   `json:"kind"`
	Text string `json:"text"`
}

func (r *ResourceDiff) warn(kind Kind, format string, args ...any) {
	d := Danger{kind, fmt.Sprintf(format, args...)}
	if !slices.Contains(r.Dangers, d) {
		r.Dangers = append(r.Dangers, d)
	}
}

// judge finds the dangers of a resource by itself. One of the two may be nil.
func (r *ResourceDiff) judge(old, now *Resource) {
	switch {
	case now == nil:
		r.loss("removed", old.DeletionPolicy)
		if r.Type == "AWS::Events::Rule" {
			r.warn(Events, "the rule is gone: its targets get no more events")
		}
	case r.Replaced == IsReplaced && old != nil:
		r.loss("replaced", old.UpdateReplacePolicy)
		if name := nameProperty(r.Type); name != "" && old.Properties[name] != nil && text(old.Properties[name]) == text(now.Properties[name]) {
			r.warn(Conflict, "it keeps its name %s, which the old one still has: CloudFormation cannot make the new one", text(now.Properties[name]))
		}
		if old.Type != now.Type {
			r.warn(Conflict, "CloudFormation does not change the type of a resource: give the construct another id")
		}
	}
	r.judgeRights(old, now)
	if old == nil || now == nil {
		return
	}
	r.judgeProtection(old, now)
	if r.Type == "AWS::Events::Rule" {
		for _, c := range r.Changes {
			switch top(c.Path) {
			case "EventPattern":
				r.warn(Events, "the event pattern is another one: other events arrive")
			case "ScheduleExpression":
				r.warn(Events, "the schedule is another one")
			case "State":
				r.warn(Events, "its state goes from %s to %s", c.Old, c.New)
			}
		}
	}
	if r.Type == "AWS::Lambda::EventSourceMapping" && isFalse(now.Properties["Enabled"]) && !isFalse(old.Properties["Enabled"]) {
		r.warn(Events, "the mapping is disabled: its function gets nothing more")
	}
}

// loss says what becomes of the data of what goes away.
func (r *ResourceDiff) loss(how, policy string) {
	if !keepsData(r.Type) {
		return
	}
	switch policy {
	case "Retain", "RetainExceptOnCreate":
		r.warn(Data, "%s: the old one stays, with its data, outside of CloudFormation (%s)", how, policy)
	case "Snapshot":
		r.warn(Data, "%s: a snapshot is taken of its data, if the type can", how)
	default:
		r.warn(Data, "%s: its data is deleted", how)
	}
}

func (r *ResourceDiff) judgeProtection(old, now *Resource) {
	for _, c := range r.Changes {
		last := c.Path[strings.LastIndexAny(c.Path, ".]")+1:]
		switch {
		case (last == "DeletionProtectionEnabled" || last == "PointInTimeRecoveryEnabled") && c.Old == "true" && c.New != "true":
			r.warn(Data, "%s is taken away", last)
		case strings.HasSuffix(top(c.Path), "PointInTimeRecoverySpecification") && c.New == "":
			r.warn(Data, "point-in-time recovery is taken away")
		case last == "TimeToLiveSpecification", strings.HasPrefix(c.Path, "TimeToLiveSpecification."):
			r.warn(Data, "which items expire is another rule")
		case c.Path == "MessageRetentionPeriod" || c.Path == "RetentionInDays" || c.Path == "RetentionDays":
			if less(c.New, c.Old) {
				r.warn(Data, "%s goes from %s to %s: what is older is deleted", c.Path, orNone(c.Old), orNone(c.New))
			}
		case c.Path == "(deletion policy)" && keepsData(r.Type) && strings.HasPrefix(c.Old, "Retain") && !strings.HasPrefix(c.New, "Retain"):
			r.warn(Data, "its data is no longer kept when it is deleted")
		}
	}
	if r.Type == "AWS::DynamoDB::GlobalTable" || r.Type == "AWS::DynamoDB::Table" {
		for _, c := range r.Changes {
			if strings.HasPrefix(c.Path, "GlobalSecondaryIndexes[") && c.New == "" && strings.HasSuffix(c.Path, "]") {
				r.warn(Data, "the index %s is deleted", strings.TrimSuffix(strings.TrimPrefix(c.Path, "GlobalSecondaryIndexes["), "]"))
			}
		}
	}
}

// less compares numbers in JSON; a missing one is never less, as it means the type's
// own default, which is not told here.
func less(a, b string) bool {
	var x, y float64
	if _, err := fmt.Sscan(a, &x); err != nil {
		return false
	}
	if _, err := fmt.Sscan(b, &y); err != nil {
		return true // from no limit to one
	}
	return x < y
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func isFalse(v any) bool { return v == false || v == "false" }

// markNames warns of a resource that is added under a name which another, that goes
// away, still has: stacks are deployed one after the other, and within one what is
// new comes before what is old goes.
func (d *Diff) markNames(before, after Assembly) {
	type name struct{ typ, name string }
	leaving := map[name]string{}
	each := func(state State, assembly Assembly, do func(r *ResourceDiff, stack string, n name)) {
		for i := range d.Stacks {
			s := &d.Stacks[i]
			for j := range s.Resources {
				r := &s.Resources[j]
				if r.State != state {
					continue
				}
				if v := assembly[s.Name].Resources[r.LogicalID].Properties[nameProperty(r.Type)]; v != nil {
					do(r, s.Name, name{r.Type, text(v)})
				}
			}
		}
	}
	each(Removed, before, func(r *ResourceDiff, stack string, n name) { leaving[n] = stack + "/" + r.Path })
	each(Added, after, func(r *ResourceDiff, _ string, n name) {
		if where := leaving[n]; where != "" {
			r.warn(Conflict, "its name %s is still that of %s: CloudFormation makes what is new before it deletes what is old", n.name, where)
		}
	})
}
