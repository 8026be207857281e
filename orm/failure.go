package orm

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// codeKind says what kind of error each of DynamoDB's error codes is: those of
// requests, those that every AWS service has, and those of a cancelled
// transaction's reasons.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
func codeKind(code string) Kind {
	switch code {
	case "TransactionConflictException", "TransactionConflict", "ReplicatedWriteConflictException":
		return KindConflict
	case "ProvisionedThroughputExceededException", "ProvisionedThroughputExceeded", "ThrottlingException", "ThrottlingError", "Throttling",
		"RequestLimitExceeded", "LimitExceededException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
		"TooManyRequestsException", "SlowDown":
		return KindThrottled
	case "ItemCollectionSizeLimitExceededException", "ItemCollectionSizeLimitExceeded", "RequestEntityTooLargeException", "RequestEntityTooLarge":
		return KindTooLarge
	case "ValidationException", "ValidationError", "IdempotentParameterMismatchException", "SerializationException",
		"MalformedHttpRequestException", "UnknownOperationException":
		return KindValidation
	case "ResourceNotFoundException", "TableNotFoundException":
		return KindNoTable
	case "AccessDeniedException", "AccessDenied", "NotAuthorized", "OptInRequired", "UnrecognizedClientException", "InvalidClientTokenId",
		"ExpiredTokenException", "RequestExpired", "InvalidSignatureException", "SignatureDoesNotMatch",
		"IncompleteSignatureException", "IncompleteSignature", "MissingAuthenticationTokenException", "MissingAuthenticationToken":
		return KindDenied
	}
	return KindUnavailable
}

// failure completes e, what was being done, with what went wrong.
func (s *store) failure(err error, e *Error) error {
	e.Kind, e.Err = KindUnavailable, err
	var api smithy.APIError
	if !errors.As(err, &api) {
		if unsendable(err) {
			e.Kind = KindValidation
		}
		return e // else the network, a time-out, an ended context
	}
	e.Kind = codeKind(api.ErrorCode())
	switch {
	case e.Kind == KindValidation && aboutSize(api.ErrorMessage()) || status(err) == http.StatusRequestEntityTooLarge:
		e.Kind = KindTooLarge
	case e.Kind == KindUnavailable && status(err) == http.StatusTooManyRequests:
		e.Kind = KindThrottled
	case e.Kind == KindUnavailable && refused(err):
		e.Kind = KindValidation // a code that nobody has documented yet
	case e.Kind == KindValidation:
		e.Err = mended(err, api.ErrorMessage())
	case e.Kind == KindNoTable:
		e.Err = fmt.Errorf("no table %s: deploy the table's stack, or check that the function belongs to this deployment: %w", s.physical(e.Table), err)
	}
	return e
}

// mended says beside DynamoDB's message how to mend what it is about, where the
// message is known and does not say so itself.
func mended(err error, message string) error {
	if strings.Contains(message, "document path provided in the update expression is invalid") {
		return fmt.Errorf("%w: the list, map or struct that is changed within must be there: set it as a whole first, in an update of its own", err)
	}
	return err
}

// physical are the physical names of an error's tables: one, or one of several.
func (r requests) physical(names string) string {
	tables := strings.Split(names, "+")
	for i, name := range tables {
		tables[i] = r.table(name)
	}
	return strings.Join(tables, " or ")
}

// unsendable reports whether the client could not make a request of it, so that
// nothing was sent.
func unsendable(err error) bool {
	var missing smithy.InvalidParamsError
	var serialization *smithy.SerializationError
	return errors.As(err, &missing) || errors.As(err, &serialization)
}

// refused reports whether the answer says that the request was wrong, so that
// sending it again cannot help.
func refused(err error) bool {
	n := status(err)
	if n < 400 || n >= 500 || n == http.StatusRequestTimeout || n == http.StatusTooManyRequests {
		return false
	}
	var api smithy.APIError
	return !errors.As(err, &api) || !undecided(api.ErrorCode())
}

// status is the answer's HTTP status, 0 without an answer.
func status(err error) int {
	var re *smithyhttp.ResponseError
	if !errors.As(err, &re) {
		return 0
	}
	return re.HTTPStatusCode()
}

// undecided are the codes of status 400 that do not say what became of the
// request, or that another time it may succeed: a transaction under way under
// the same token, one cancelled without its reasons, a connection that ended
// before the answer, a table that is being changed.
func undecided(code string) bool {
	switch code {
	case "TransactionInProgressException", "TransactionCanceledException", "RequestAbortedException", "ResourceInUseException", "TableInUseException":
		return true
	}
	return false
}

// aboutSize recognises a refusal for the size of an item, an expression or a
// request, for which DynamoDB has no code of its own.
func aboutSize(message string) bool {
	m := strings.ToLower(message)
	for _, words := range []string{"maximum allowed size", "item size", "request size", "aggregated size", "aggregate size"} {
		if strings.Contains(m, words) {
			return true
		}
	}
	return false
}

// conditionalCheckFailed is the reason of a cancelled transaction that [Action.Failed]
// explains.
const conditionalCheckFailed = "ConditionalCheckFailed"

// cancelled makes the reasons of a cancelled transaction typed; nil when err is
// no such thing, or says no reason. n is how many requests the transaction had,
// begin starts the error of one of them: without a kind, the reason gives it.
func cancelled(err error, n int, begin func(i int, r *types.CancellationReason) *Error) *TransactionError {
	var c *types.TransactionCanceledException
	if !errors.As(err, &c) || len(c.CancellationReasons) != n {
		return nil
	}
	out := &TransactionError{Reasons: make([]*Error, n)}
	found := false
	for i := range c.CancellationReasons {
		r := &c.CancellationReasons[i]
		code := aws.ToString(r.Code)
		if code == "" || code == "None" {
			continue
		}
		found = true
		e := begin(i, r)
		out.Reasons[i] = e
		if e.Kind != "" {
			continue
		}
		message := aws.ToString(r.Message)
		e.Kind, e.Err = codeKind(code), mended(fmt.Errorf("%s: %s", code, message), message)
		if e.Kind == KindValidation && aboutSize(message) {
			e.Kind = KindTooLarge
		}
	}
	if !found {
		return nil
	}
	return out
}

// wrong completes e, what was being asked for, with why it could not be made a
// request: [KindValidation], unless the cause has a kind itself.
func (e *Error) wrong(cause error) *Error {
	e.Kind, e.Err = KindValidation, cause
	var inner *Error
	if errors.As(cause, &inner) {
		e.Kind, e.Err = inner.Kind, inner.Err
	}
	return e
}

// wrong is the error of an action that could not be made a request.
func (a *Action) wrong(cause error) *Error { return a.Wrap("", nil).wrong(cause) }
