package bus

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// Rebuildable says that all events may be handled once more, in a namespace of
// their own: for a subscription that makes a read model, which a replay makes anew
// beside the old one. Nothing is known there of what was handled before, so each
// handler runs again and [IdempotencyKey] is another one.
//
// That is also how a read model gets a new generation, see [Generations]: live events
// are then handled in several namespaces at once. What the handlers write is to bear
// the [Namespace] in its key.
//
// A message says with its attribute [AttrNamespace] which namespace it belongs to,
// and a subscription without this option gives such a message up: it may have
// effects that must not happen twice.
func Rebuildable() Option { return rebuildable{} }

type rebuildable struct{}

func (rebuildable) apply(d *Definition) { d.Rebuildable = true }

// AttrNamespace is the message attribute that names the namespace of a replay. A
// dead letter has it, too.
const AttrNamespace = "NAMESPACE"

// MaxNamespace is the longest name of a namespace.
const MaxNamespace = 32

var namespacePattern = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// CheckNamespace reports what is wrong with the name of a namespace, nil when it
// may be used: a lower-case letter, then lower-case letters, digits and hyphens,
// at most 32 in all.
func CheckNamespace(name string) error {
	if len(name) > MaxNamespace || !namespacePattern.MatchString(name) {
		return &Error{Kind: KindDefinition, Op: "namespace", Reason: fmt.Sprintf("%q: allowed is a lower-case letter, then lower-case letters, digits and hyphens, at most %d in all", clean(name), MaxNamespace)}
	}
	return nil
}

// RecordID is what a delivery record has as its event id: that of the event, or the
// [ForeignID] of another application's, and in a namespace (order/7f3c@4!spring) the
// namespace after it. The id of an event of the log ends in its version, so no two can
// be the same.
func RecordID(eventID, namespace string) string {
	if namespace == "" {
		return eventID
	}
	return eventID + "!" + namespace
}

// Namespace is the namespace in which a handler's event is handled: for an event that
// came over the bus that of a generation of the read model, the first of which is "";
// and "" outside a handler. A handler of a [Rebuildable]
// subscription puts it into the keys of what it writes, so that a replay makes its
// read model anew beside the old one.
func Namespace(ctx context.Context) string {
	if a := attemptOf(ctx); a != nil {
		return a.namespace
	}
	return ""
}

// SplitRecordID is [RecordID] backwards. An event id of the log ends in digits, a
// namespace begins with a letter and has no exclamation mark, and what looks like
// none of these is an event id as a whole.
func SplitRecordID(id string) (eventID, namespace string) {
	i := strings.LastIndexByte(id, '!')
	if i < 0 || CheckNamespace(id[i+1:]) != nil {
		return id, ""
	}
	return id[:i], id[i+1:]
}

// recordID is that of an event on its way.
func (d *delivery) recordID() string { return RecordID(d.eventID(), d.namespace) }

// checkNamespace finds a message that may not be handled once more.
func (c *Consumer) checkNamespace(d *delivery) error {
	if err := CheckNamespace(d.namespace); err != nil {
		return err
	}
	if !c.sub.Rebuildable {
		return &Error{Kind: KindDefinition, Op: "handle", Subscription: c.sub.Name, DefinedAt: c.sub.DefinedAt, Reason: fmt.Sprintf("the message is of the namespace %q, in which events are handled once more: declare the subscription bus.Rebuildable() if that may be", d.namespace)}
	}
	return d.checkKey()
}
