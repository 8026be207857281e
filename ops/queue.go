package ops

import (
	"context"
	"time"
)

// Queues is what ops does to queues, which it names by their physical names. It must
// be safe for concurrent use. [NewSQS] makes one of Amazon SQS.
type Queues interface {
	// Receive takes up to ten messages, hidden from everybody else for a while. None
	// means that the queue holds nothing that is visible.
	Receive(ctx context.Context, queue string, hide time.Duration) ([]Message, error)
	// Send returns once the queue has taken all messages. After an error it may have
	// taken some.
	Send(ctx context.Context, queue string, messages []Outgoing) error
	// Delete takes received messages out of the queue.
	Delete(ctx context.Context, queue string, messages []Message) error
	// Release makes received messages visible at once. One that is gone, or visible
	// already, is no error.
	Release(ctx context.Context, queue string, messages []Message) error
	// Depth is about how many messages there are.
	Depth(ctx context.Context, queue string) (Depth, error)
}

// Message is a message as it was received.
type Message struct {
	ID         string // SQS's own, the same at each receipt
	Receipt    string // of this receipt
	Body       string
	Attributes map[string]string // message attributes with a text
	Sent       time.Time         // for the first time, also when it has moved since
	Receives   int               // of this message, this one included
	SourceARN  string            // of the queue that SQS moved it from; empty when it was sent
}

// Outgoing is a message to be sent.
type Outgoing struct {
	Body       string
	Attributes map[string]string // none may be empty
}

// Depth is about how many messages a queue holds.
type Depth struct {
	Waiting  int `json:"waiting"`
	InFlight int `json:"in_flight"`
	Delayed  int `json:"delayed"`
}
