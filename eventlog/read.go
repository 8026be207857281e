package eventlog

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// Stream reads a stream in order, from the version from on (less than 1 counts
// as 1) to its head, strongly consistent, page by page as it is asked for. A
// stream that does not exist, or has no such version yet, is empty.
//
// An error ends the iteration. It is the store's, or a *[DamagedError] when an
// item cannot be an event or a version is missing, since no commit leaves one
// out.
func (l *Log) Stream(ctx context.Context, stream string, from int64) iter.Seq2[event.Envelope, error] {
	return func(yield func(event.Envelope, error) bool) {
		if err := event.CheckStream(stream); err != nil {
			yield(event.Envelope{}, err)
			return
		}
		next := max(from, 1)
		for s, err := range orm.QueryTable(Events, stream).From(next).All(ctx, l.store) {
			if err != nil {
				yield(event.Envelope{}, fmt.Errorf("read stream %s: %w", stream, err))
				return
			}
			if s.Version != next {
				yield(event.Envelope{}, &DamagedError{Stream: stream, Version: next, Reason: fmt.Sprintf("it is missing, the next one there is version %d", s.Version)})
				return
			}
			e, err := s.Envelope(l.source)
			if err != nil || !yield(e, err) {
				if err != nil {
					yield(event.Envelope{}, err)
				}
				return
			}
			next++
		}
	}
}

// head is the last version of a stream, 0 when it does not exist.
func (l *Log) head(ctx context.Context, stream string) (int64, error) {
	page, err := l.store.Query(ctx, &orm.QueryRequest{
		Table:      Events.Schema(),
		Hash:       &types.AttributeValueMemberS{Value: stream},
		Descending: true,
		Limit:      1,
	})
	if err != nil {
		return 0, fmt.Errorf("read the head of stream %s: %w", stream, err)
	}
	if len(page.Items) == 0 {
		return 0, nil
	}
	s, err := Events.Decode(page.Items[0])
	if err != nil || s.Version < 1 || s.Version == math.MaxInt64 {
		return 0, &DamagedError{Stream: stream, Version: s.Version, Reason: "the item at its head cannot be an event", Err: err}
	}
	return s.Version, nil
}

// Get reads one event by its id, strongly consistent. The error is of
// orm.KindNotFound when there is none, an *event.Error of event.KindInvalid when
// the id cannot be one, a *[DamagedError] when the item cannot be an event, or
// the store's.
func (l *Log) Get(ctx context.Context, eventID string) (event.Envelope, error) {
	stream, version, err := event.ParseID(eventID)
	if err != nil {
		return event.Envelope{}, err
	}
	s, err := Events.Get(ctx, l.store, orm.Key(stream, version))
	if err != nil {
		return event.Envelope{}, fmt.Errorf("read event %s: %w", eventID, err)
	}
	return s.Envelope(l.source)
}
