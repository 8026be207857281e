package event

// Meta is a member of the envelope that [Where] can ask for.
type Meta string

// The members that conditions may be about.
const (
	Tenant  Meta = "tenantid" // [Metadata.TenantID]
	Actor   Meta = "actor"    // [Metadata.Actor]
	Subject Meta = "subject"  // [Metadata.Subject], the stream
)

// field is the member as a field: it is left out when it is empty.
func (m Meta) field() Field[Metadata, string] {
	f := Field[Metadata, string]{path: []string{string(m)}, kind: kindText, omitEmpty: true}
	switch m {
	case Tenant, Actor, Subject:
	default:
		f.err = &Error{Kind: KindDefinition, Op: "condition", Member: string(m), Reason: "allowed are event.Tenant, event.Actor and event.Subject"}
	}
	return f
}

// Eq holds when the member is v; "" means that the event has none.
func (m Meta) Eq(v string) Condition { return m.field().Eq(v) }

// NotEq holds whenever Eq does not.
func (m Meta) NotEq(v string) Condition { return m.field().NotEq(v) }

// In holds when the member is one of the values.
func (m Meta) In(values ...string) Condition { return m.field().In(values...) }

// Prefix holds when the member begins with prefix, which may not be empty.
func (m Meta) Prefix(prefix string) Condition { return m.field().Prefix(prefix) }

// Suffix holds when the member ends in suffix, which may not be empty.
func (m Meta) Suffix(suffix string) Condition { return m.field().Suffix(suffix) }

// Exists holds when the event has the member.
func (m Meta) Exists() Condition { return m.field().Exists() }

// NotExists holds when the event does not have the member.
func (m Meta) NotExists() Condition { return m.field().NotExists() }
