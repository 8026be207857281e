package bus

import "strings"

// OnlyFor is the only subscription that an event is for, by its id; empty: it is for
// all that ask for it. Only an event that ops.Edit has sent anew is for one: its
// stream is below ops/<subscription>/. That is known from the id for good, when
// records have expired and in namespaces, which have none in the beginning.
func OnlyFor(eventID string) string {
	rest, ours := strings.CutPrefix(eventID, "ops/")
	subscription, _, edited := strings.Cut(rest, "/")
	if !ours || !edited {
		return ""
	}
	return subscription
}

// notFor reports whether an event is for other subscriptions only.
func (c *Consumer) notFor(eventID string) bool {
	if c.sub.From != "" {
		return false // that is so in the log of one's own only
	}
	only := OnlyFor(eventID)
	return only != "" && only != c.sub.Name
}
