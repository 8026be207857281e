package sqs

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/vinci-go/vinci/local/gateway"
)

// The codes of the errors that callers in the process tell apart. Every error
// that the caller caused is a [*gateway.Error] with AWS's code and status.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
const (
	CodeQueueDoesNotExist      = "QueueDoesNotExist"
	CodeReceiptHandleIsInvalid = "ReceiptHandleIsInvalid"
	CodeMessageNotInflight     = "MessageNotInflight"
	CodeInvalidParameterValue  = "InvalidParameterValueException"
	CodeInvalidMessageContents = "InvalidMessageContents"
	CodeOverLimit              = "OverLimit"
)

// ErrClosed is returned by every call after [Service.Close].
var ErrClosed = errors.New("the queue service is closed")

// IsQueueDoesNotExist reports whether err says that the queue does not exist.
func IsQueueDoesNotExist(err error) bool {
	var e *gateway.Error
	return errors.As(err, &e) && e.Code == CodeQueueDoesNotExist
}

// legacy is how the query protocol called most errors of the service. SDKs still
// show these names as the error's code.
const legacy = "AWS.SimpleQueueService."

// coral is the namespace of errors that SQS's own model does not have.
const coral = "com.amazon.coral.service"

func errNoQueue() error {
	return &gateway.Error{Code: CodeQueueDoesNotExist, QueryCode: legacy + "NonExistentQueue", Message: "The specified queue does not exist."}
}

func errHandle(handle string) error {
	return &gateway.Error{Code: CodeReceiptHandleIsInvalid, Status: http.StatusNotFound,
		Message: fmt.Sprintf("The input receipt handle \"%s\" is not a valid receipt handle.", handle)}
}

func errHandleExpired(handle string) error {
	return errValue("Value %s for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.", handle)
}

func errNotChangeable(handle string) error {
	return errValue("Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", handle)
}

func errNotInflight() error {
	return errModelled(CodeMessageNotInflight, "The specified message isn't in flight.")
}

func errValue(format string, args ...any) error {
	return &gateway.Error{Code: CodeInvalidParameterValue, QueryCode: "InvalidParameterValue", Namespace: coral, Message: fmt.Sprintf(format, args...)}
}

func errMissing(parameter string) error {
	return &gateway.Error{Code: "MissingRequiredParameterException", QueryCode: "MissingParameter", Namespace: coral,
		Message: fmt.Sprintf("The request must contain the parameter %s.", parameter)}
}

func errRange(parameter string, value, low, high int) error {
	return errValue("Value %d for parameter %s is invalid. Reason: Must be between %d and %d, if provided.", value, parameter, low, high)
}

func errContents(format string, args ...any) error {
	return &gateway.Error{Code: CodeInvalidMessageContents, Message: fmt.Sprintf(format, args...)}
}

func errAttributeName(format string, args ...any) error {
	return &gateway.Error{Code: "InvalidAttributeName", Message: fmt.Sprintf(format, args...)}
}

func errAttributeValue(format string, args ...any) error {
	return &gateway.Error{Code: "InvalidAttributeValue", Message: fmt.Sprintf(format, args...)}
}

func errOverLimit(format string, args ...any) error {
	return &gateway.Error{Code: CodeOverLimit, Status: http.StatusForbidden, Message: fmt.Sprintf(format, args...)}
}

func errNoResource(format string, args ...any) error {
	return &gateway.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: fmt.Sprintf(format, args...)}
}

// errModelled is for the errors whose older name is the same with a prefix.
func errModelled(code, format string, args ...any) error {
	e := &gateway.Error{Code: code, QueryCode: legacy + code, Message: fmt.Sprintf(format, args...)}
	if code == "PurgeQueueInProgress" {
		e.Status = http.StatusForbidden
	}
	return e
}
