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
