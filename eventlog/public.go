package eventlog

import (
	"strings"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// PublicSource is the source of an application's public events on the bus:
// <application>.public. Its own subscriptions match the source <application>, so
// they see each event once, in its inner shape; everybody else matches this one.
func PublicSource(application string) string { return application + publicSuffix }

// IsPublicSource reports whether a source is the [PublicSource] of some application: no
// application's name has a dot.
func IsPublicSource(source string) bool { return strings.HasSuffix(source, publicSuffix) }

const publicSuffix = ".public"

// PublicEnvelope is what of the event may leave the application: the envelope
// with the same id, the public data and its version. ok is false for an internal
// event, which has none.
//
// Its source is [PublicSource]: CloudEvents knows an event by source and id
// together, and these two are not the same.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#id
func (s *Stored) PublicEnvelope(application string) (e event.Envelope, ok bool, err error) {
	if s.Public == "" {
		return event.Envelope{}, false, nil
	}
	if s.PublicVersion < 1 {
		return event.Envelope{}, false, &DamagedError{Stream: s.Stream, Version: s.Version, Reason: "its public shape has no version"}
	}
	if e, err = s.Envelope(PublicSource(application)); err != nil {
		return event.Envelope{}, false, err
	}
	e.SchemaVersion, e.Data = s.PublicVersion, []byte(s.Public)
	return e, true, nil
}

// StoredOf reads an item of [Events]. The error is a *[DamagedError] when the
// item is no event.
func StoredOf(item orm.Item) (Stored, error) {
	s, err := Events.Decode(item)
	if err != nil {
		return s, &DamagedError{Stream: s.Stream, Version: s.Version, Reason: "the item cannot be decoded", Err: err}
	}
	if err := event.CheckStream(s.Stream); err != nil || s.Version < 1 {
		return s, &DamagedError{Stream: s.Stream, Version: s.Version, Reason: "its key is no stream and version", Err: err}
	}
	return s, nil
}
