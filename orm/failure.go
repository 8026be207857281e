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

// codeKind says what kind of error each of DynamoDB's error codes is, those of
// requests and those of a cancelled transaction's reasons.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
func codeKind(code string) Kind {
	switch code {
	case "TransactionConflictException", "TransactionConflict", "ReplicatedWriteConflictException":
		return KindConflict
	case "ProvisionedThroughputExceededException", "ProvisionedThroughputExceeded", "ThrottlingException", "ThrottlingError",
		"RequestLimitExceeded", "LimitExceededException":
		return KindThrottled
	case "ItemCollectionSizeLimitExceededException", "ItemCollectionSizeLimitExceeded":
		return KindTooLarge
	case "ValidationException", "ValidationError", "IdempotentParameterMismatchException":
		return KindValidation
	case "ResourceNotFoundException":
		return KindNoTable
	case "AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException",
		"IncompleteSignatureException", "MissingAuthenticationTokenException", "MissingAuthenticationToken":
		return KindDenied
	}
	return KindUnavailable
}

// failure completes e, what was being done, with what went wrong.
func (s *store) failure(err error, e *Error) error {
	e.Kind, e.Err = KindUnavailable, err
	var api smithy.APIError
	if !errors.As(err, &api) {
		return e // the network, a time-out, a cancelled context
	}
	e.Kind = codeKind(api.ErrorCode())
	switch {
	case e.Kind == KindValidation && aboutSize(api.ErrorMessage()):
		e.Kind = KindTooLarge
	case e.Kind == KindUnavailable && refused(err) && !undecided(api.ErrorCode()):
		e.Kind = KindValidation
	case e.Kind == KindNoTable:
		e.Err = fmt.Errorf("no table %s: deploy the table's stack, or check that the function belongs to this deployment: %w", s.table(e.Table), err)
	}
	return e
}

// refused reports whether the answer says that the request was wrong, so that
// sending it again cannot help.
func refused(err error) bool {
	var re *smithyhttp.ResponseError
	if !errors.As(err, &re) {
		return false
	}
	status := re.HTTPStatusCode()
	return status >= 400 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}

// undecided are the codes of status 400 that do not say what became of the
// request: a transaction under way under the same token, and one cancelled
// without its reasons.
func undecided(code string) bool {
	return code == "TransactionInProgressException" || code == "TransactionCanceledException"
}

// aboutSize recognises a refusal for an item's size, for which DynamoDB has no
// code of its own.
func aboutSize(message string) bool {
	m := strings.ToLower(message)
	return strings.Contains(m, "item size") || strings.Contains(m, "aggregated size") || strings.Contains(m, "transaction request size")
}

// cancelled makes the reasons of a cancelled transaction typed; nil when there
// is none among them.
func (s *store) cancelled(c *types.TransactionCanceledException, actions []Action) error {
	if len(c.CancellationReasons) != len(actions) {
		return nil
	}
	out := &TransactionError{Reasons: make([]*Error, len(actions))}
	found := false
	for i, r := range c.CancellationReasons {
		code := aws.ToString(r.Code)
		if code == "" || code == "None" {
			continue
		}
		found = true
		if code == "ConditionalCheckFailed" {
			out.Reasons[i] = actions[i].Failed(r.Item)
			continue
		}
		e := actions[i].Wrap(codeKind(code), fmt.Errorf("%s: %s", code, aws.ToString(r.Message)))
		if e.Kind == KindValidation && aboutSize(aws.ToString(r.Message)) {
			e.Kind = KindTooLarge
		}
		out.Reasons[i] = e
	}
	if !found {
		return nil
	}
	return out
}
