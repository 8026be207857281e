package orm

import (
	"context"
	"errors"
	"net"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// once keeps the client's own repetitions of a single write honest. Such a
// request has no token by which DynamoDB would know it again, as a transaction
// has, so after a try without an answer a repetition may be the second time.
type once struct {
	aws.RetryerV2
	counts  bool // doing it twice is not doing it once
	unknown bool // a try may have happened without an answer
}

// options installs it for one call of the client.
func (r *once) options(o *dynamodb.Options) {
	v2, ok := o.Retryer.(aws.RetryerV2)
	if !ok {
		v2 = plainRetryer{o.Retryer}
	}
	r.RetryerV2 = v2
	o.Retryer = r
}

// plainRetryer is a retryer of the SDK's older kind as one of the newer.
type plainRetryer struct{ aws.Retryer }

func (r plainRetryer) GetAttemptToken(context.Context) (func(error) error, error) {
	return r.GetInitialToken(), nil
}

// IsErrorRetryable decides about another try.
func (r *once) IsErrorRetryable(err error) bool {
	if !refused(err) && !notSent(err) && !throttled(err) {
		r.unknown = true
		if r.counts {
			return false
		}
	}
	return r.RetryerV2.IsErrorRetryable(err)
}

// notSent reports whether there never was a connection to send a request over.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// throttled reports whether the service turned the request away for its rate,
// which it does before anything is written.
func throttled(err error) bool {
	return retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err) == aws.TrueTernary
}

// counts reports whether the action has another effect each time it is done.
func (a *Action) counts() bool {
	for i := range a.Changes {
		if a.Changes[i].counts(a.Table) {
			return true
		}
	}
	return false
}

// counts: the version of an item does not count, because it only says that the
// item changed, and nobody can have read the one between. A list's element does:
// removing it moves the next one to its place, and setting one beyond the end
// appends.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
func (c *Change) counts(s *Schema) bool {
	switch c.Op {
	case ChangeAppend, ChangePrepend, ChangeIncrement:
		return true
	case ChangeAdd:
		_, number := c.Value.(*types.AttributeValueMemberN)
		return number && (c.Path != s.Version || c.Into != nil)
	case ChangeSet, ChangeSetIfNotExists, ChangeRemove:
		return len(c.Into) > 0 && c.Into[len(c.Into)-1].Name == ""
	}
	return false
}

// errOwnDoing is why a condition that failed after a try without an answer says
// nothing: that try may have changed what the condition is about.
var errOwnDoing = errors.New("a try got no answer, and the condition of the next one failed: the write itself may be why, read the item to know")
