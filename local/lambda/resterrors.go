package lambda

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/vinci-go/vinci/local/gateway"
)

// badParameter is Lambda's error for a value that the operation cannot use.
func badParameter(format string, args ...any) error {
	return &gateway.Error{Code: "InvalidParameterValueException", Message: fmt.Sprintf(format, args...)}
}

// notServed refuses what AWS does and the local runtime does not: taken and not done
// it would be found after the deploy.
func notServed(what string) error {
	return badParameter("%s is not served by the local runtime", what)
}

// invalidShape is AWS's error for a value that breaks the operation's model.
func invalidShape(member, value, constraint string) error {
	return &gateway.Error{Code: "ValidationException",
		Message: fmt.Sprintf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, member, constraint)}
}

// outOfRange is invalidShape for a number.
func outOfRange(member string, value, least, most int) error {
	switch {
	case value < least:
		return invalidShape(member, fmt.Sprint(value), fmt.Sprintf("Member must have value greater than or equal to %d", least))
	case value > most:
		return invalidShape(member, fmt.Sprint(value), fmt.Sprintf("Member must have value less than or equal to %d", most))
	}
	return nil
}

func conflict(format string, args ...any) error {
	return &gateway.Error{Code: "ResourceConflictException", Status: http.StatusConflict, Message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &gateway.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: fmt.Sprintf(format, args...)}
}

// badContent is Lambda's error for a body that is not JSON of the operation's shape.
func badContent(err error) error {
	return &gateway.Error{Code: "InvalidRequestContentException", Message: "Could not parse request body into json: " + err.Error()}
}

func tooLarge(limit int, operation string) error {
	return &gateway.Error{Code: "RequestTooLargeException", Status: http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("Request must be smaller than %d bytes for the %s operation", limit, operation)}
}

// throttled is Lambda's refusal of an invocation. Its reason is a member of its own.
type throttledError struct{ reason string }

func (e *throttledError) Error() string { return "TooManyRequestsException: " + e.reason }

const (
	reasonReserved  = "ReservedFunctionConcurrentInvocationLimitExceeded"
	retryAfterFirst = "1" // seconds
)

func writeThrottled(w http.ResponseWriter, r *gateway.Request, e *throttledError) {
	w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
	w.Header().Set("Retry-After", retryAfterFirst)
	writeREST(w, r, http.StatusTooManyRequests, struct {
		Reason string `json:"Reason"`
		Type   string `json:"Type"`
		Lower  string `json:"message"`
	}{e.reason, "User", "Rate Exceeded."})
}

// asREST gives the errors of this package Lambda's codes.
func asREST(err error) error {
	var known *gateway.Error
	var throttled *throttledError
	switch {
	case errors.As(err, &known), errors.As(err, &throttled):
		return err
	case errors.Is(err, ErrThrottled):
		return &throttledError{reasonReserved}
	case errors.Is(err, ErrNotFound):
		return notFound("%v", err)
	case errors.Is(err, ErrTooLarge):
		return tooLarge(MaxPayload, "InvokeFunction")
	case errors.Is(err, ErrInvalid):
		return badParameter("%v", err)
	case errors.Is(err, ErrClosed):
		return &gateway.Error{Code: "ServiceException", Status: http.StatusInternalServerError, Message: "the local runtime is stopping"}
	}
	return err
}

func badContentText(message string) error {
	return &gateway.Error{Code: "InvalidRequestContentException", Message: message}
}
