package eventlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/vinci-go/vinci/event"
)

// Decoded is the events of one type in seq, with their data in the newest shape.
// Events of other types are left out.
//
//	for e, err := range eventlog.Decoded(Placed, log.Stream(ctx, "order/7f3c", 1)) { … }
//
// The rules of the data are not run: they are for what comes in, and a rule that
// was made stricter must not make the past unreadable. Other errors of
// [event.Definition.Decode] end the sequence, and so does an error of seq.
func Decoded[T any](def *event.Definition[T], seq iter.Seq2[event.Envelope, error]) iter.Seq2[event.Event[T], error] {
	return func(yield func(event.Event[T], error) bool) {
		if err := def.Err(); err != nil {
			yield(event.Event[T]{}, err)
			return
		}
		for e, err := range seq {
			if err != nil {
				yield(event.Event[T]{}, err)
				return
			}
			if !def.Matches(e.Type) {
				continue
			}
			d, err := decode(def, e)
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

// decode reads an event that was committed: it was right then, so the rules of
// today are not its judge.
func decode[T any](def *event.Definition[T], e event.Envelope) (event.Event[T], error) {
	d, err := def.Decode(e)
	if err == nil || !errors.Is(err, event.KindValidation) {
		return d, err
	}
	return decodeAnyway(def, e)
}

// decodeAnyway does not run the rules. It is by itself because its result lies on
// the heap.
func decodeAnyway[T any](def *event.Definition[T], e event.Envelope) (event.Event[T], error) {
	newest, err := def.Upcast(e)
	if err != nil {
		return event.Event[T]{}, err
	}
	d := event.Event[T]{Metadata: newest.Metadata}
	if err := json.Unmarshal(newest.Data, &d.Data); err != nil {
		return event.Event[T]{}, &event.Error{Kind: event.KindUndecodable, Op: "decode", Type: e.Type, ID: e.ID, Reason: "its data cannot be read", Err: err}
	}
	return d, nil
}

// Newest is the events of seq in the newest shape that types know, see
// [event.Definition.Upcast]. An event of a type that is none of them, or newer
// than its type, is an error that ends the sequence; so does an error of seq.
func Newest(seq iter.Seq2[event.Envelope, error], types ...event.Type) iter.Seq2[event.Envelope, error] {
	return func(yield func(event.Envelope, error) bool) {
		byName := make(map[string]event.Type, len(types))
		for _, t := range types {
			if err := t.Err(); err != nil {
				yield(event.Envelope{}, err)
				return
			}
			byName[t.Name()] = t
		}
		for e, err := range seq {
			if t, ok := byName[e.Type]; err == nil && ok {
				e, err = t.Upcast(e)
			} else if err == nil {
				err = fmt.Errorf("event %s is a %s, which is none of the types given to eventlog.Newest: name it", e.ID, e.Type)
			}
			if err != nil {
				yield(event.Envelope{}, err)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}
