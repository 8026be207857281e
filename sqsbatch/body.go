package sqsbatch

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
)

// JSON makes a handler of one that takes the decoded body. A body that is no JSON
// of a T is an error of KindUndecodable, which is permanent. The message itself is
// in [MessageOf].
func JSON[T any](f func(ctx context.Context, body T) error) Handler {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, m events.SQSMessage) error {
		body, err := decode[T](m)
		if err != nil {
			return err
		}
		return f(ctx, body)
	}
}

// JSONKey is a key for [Idempotent] that is found in the decoded body.
func JSONKey[T any](key func(body T) string) func(events.SQSMessage) (string, error) {
	if key == nil {
		return nil
	}
	return func(m events.SQSMessage) (string, error) {
		body, err := decode[T](m)
		if err != nil {
			return "", err
		}
		return key(body), nil
	}
}

// JSONPayload is a [Payload] that is a part of the decoded body, compared as JSON:
// without what a producer writes anew each time, such as the time of sending.
func JSONPayload[T, P any](part func(body T) P) func(events.SQSMessage) ([]byte, error) {
	if part == nil {
		return nil
	}
	return func(m events.SQSMessage) ([]byte, error) {
		body, err := decode[T](m)
		if err != nil {
			return nil, err
		}
		return json.Marshal(part(body))
	}
}

func decode[T any](m events.SQSMessage) (T, error) {
	var body T
	if err := json.Unmarshal([]byte(m.Body), &body); err != nil {
		return body, &Error{Kind: KindUndecodable, Op: "decode", Reason: fmt.Sprintf("the body is no JSON of a %T", body), Err: err}
	}
	return body, nil
}
