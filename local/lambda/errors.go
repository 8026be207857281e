package lambda

import "errors"

// The kinds of errors of this package, for errors.Is.
var (
	// ErrInvalid: a configuration that AWS, or this machine, would not take.
	ErrInvalid = errors.New("invalid configuration")
	// ErrNotFound: no function of that name or ARN (ResourceNotFoundException).
	ErrNotFound = errors.New("function not found")
	// ErrThrottled: the reserved concurrency is in use (TooManyRequestsException).
	ErrThrottled = errors.New("reserved concurrency exceeded")
	// ErrTooLarge: the payload is over MaxPayload (RequestTooLargeException).
	ErrTooLarge = errors.New("payload too large")
	// ErrClosed: the service is closed or closing.
	ErrClosed = errors.New("service closed")
	// ErrInterrupted: Close ended invocations before they had finished.
	ErrInterrupted = errors.New("invocations interrupted")
)
