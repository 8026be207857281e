package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
)

// NewPublisher publishes to an EventBridge bus, by its name or ARN.
func NewPublisher(client *eventbridge.Client, bus string) Publisher {
	return &eventBridge{client: client, bus: bus}
}

type eventBridge struct {
	client *eventbridge.Client
	bus    string
}

func (b *eventBridge) Publish(ctx context.Context, entries []Entry) ([]Result, error) {
	in := &eventbridge.PutEventsInput{Entries: make([]types.PutEventsRequestEntry, len(entries))}
	for i := range entries {
		e := &entries[i]
		in.Entries[i] = types.PutEventsRequestEntry{
			Source:       &e.Source,
			DetailType:   &e.Type,
			Detail:       &e.Detail,
			Time:         &e.Time,
			EventBusName: &b.bus,
		}
		if e.TraceHeader != "" {
			in.Entries[i].TraceHeader = &e.TraceHeader
		}
	}
	out, err := b.client.PutEvents(ctx, in)
	if err != nil {
		var api smithy.APIError
		if errors.As(err, &api) && api.ErrorCode() == "ValidationException" {
			err = &RejectedError{Code: api.ErrorCode(), Message: api.ErrorMessage(), Err: err}
		}
		return nil, fmt.Errorf("put %d events on bus %s: %w", len(entries), b.bus, err)
	}
	results := make([]Result, len(out.Entries))
	for i, e := range out.Entries {
		results[i] = Result{Code: aws.ToString(e.ErrorCode), Message: aws.ToString(e.ErrorMessage)}
	}
	return results, nil
}
