// Package event defines event types in Go and what they look like on the wire.
//
// An event type is a value, defined once, at package level:
//
//	type UserCreated struct {
//		UserID string `json:"user_id"`
//		Email  string `json:"email"`
//	}
//
//	var Created = event.Define[UserCreated]("user.created", event.Version(1))
//
// Infrastructure makes rules from it, functions encode and decode with it. A
// definition that is wrong does not stop the program: its Err says everything
// that is wrong and where it was defined, so that a synth can show the mistakes
// of all definitions together. A running program must look at Err before it
// starts; whatever is made of a wrong definition carries that error along.
//
// # From a fact to an event
//
// A [Record] is a fact that is to be committed. It has a place in a stream, the
// history of one aggregate, or no stream of its own:
//
//	Created.At("user/7f3c", event.New).Record(UserCreated{…})
//	Mailed.Record(MailSent{…})
//
// The log (package eventlog) gives it its id, which is where it is: the event at
// version 3 of stream order/7f3c is order/7f3c@3, see [EventID] and [ParseID].
//
// The rules of the data's validate tags, those of
// github.com/go-playground/validator/v10, are run when a record is made and when an
// event is decoded. The error is of [KindValidation] and names event, version,
// field and rule. One rule is refused, validateFn: it calls methods by name.
//
// # Versions
//
// Events are never rewritten. When the data changes so that an older program
// could not read it, count [Version] up and say with [Upcast] how the older shape
// becomes the new one:
//
//	var Moved = event.Define[UserMoved]("user.moved", event.Version(2),
//		event.Upcast(1, func(old userMovedV1) (UserMoved, error) { … }))
//
// The steps are applied wherever an event is read, one after the other: a gap
// between them is an error of the definition. An event of a newer version than the
// program knows is of [KindNewerVersion], which a consumer tries again.
// Package event/schema finds changes that need a new version.
//
// # Internal and public
//
// An event is internal unless [Public] says what others see of it: a shape of its
// own, with a version of its own, made when the event is recorded. [PublicOf] is the
// event as others define it.
//
// # Filters
//
// [Where] narrows a selector by the content of the events. Fields are named in Go
// and checked by the compiler, see [Path]; the conditions become part of the
// EventBridge rule:
//
//	var total = event.Path(Placed, func(o *OrderPlaced) *int { return &o.Total })
//
//	bus.To(event.Where(Placed, total.Ge(1000), event.Tenant.Eq("acme")))
//
// What they mean is what the Go value means: a number that `omitempty` leaves out
// is 0, and NotEq holds whenever Eq does not. Two rules of EventBridge show
// through. Texts that are IP addresses equal the same address written otherwise.
// Of a list, one element decides ([Elem]).
//
// # On the wire
//
// An [Envelope] is an event with its data still encoded: the detail of an
// EventBridge event. Its members have CloudEvents' names:
//
//	{
//	  "specversion": "1.0",
//	  "id": "user/7f3c@1",
//	  "source": "user-system",
//	  "type": "user.created",
//	  "subject": "user/7f3c",
//	  "time": "2026-11-21T05:47:19.123456789Z",
//	  "dataschema": "urn:vinci:schema:user-system:user.created:1",
//	  "schemaversion": 1,
//	  "correlationid": "…", "causationid": "…", "tenantid": "…", "actor": "…", "traceparent": "…",
//	  "data": {"user_id": "7f3c", "email": "alice@example.com"}
//	}
//
// specversion, id, source, type, time, schemaversion and data are required, in
// both directions: what can be encoded can be decoded. Members that have no
// value are left out. Members that are not known are tolerated, so that a newer
// program can add some; members of the data that T does not have are tolerated too.
//
// [Definition.Decode] makes a typed [Event] of an envelope. Its errors have a
// [Kind], because a consumer treats them differently: an undecodable event will
// never be handled, one from a newer program will be after the next deployment.
// Data of an older version is upcast first, and [Definition.Upcast] does only that.
//
// # What flows by context
//
// A [Flow] (correlation, cause, tenant, actor, W3C trace context) is put into the
// context where a request comes in, and the log stores it with every event.
// [Metadata.Flow] is what the handler of an event hands on.
//
// This package imports neither AWS nor CDK. Its values are immutable and safe
// for concurrent use.
package event
