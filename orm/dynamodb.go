package orm

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/names"
)

// store is a [Store] on a DynamoDB endpoint.
type store struct {
	client *dynamodb.Client
	requests
	now  func() time.Time
	wait func(ctx context.Context, try int) error
}

var _ Store = (*store)(nil)

// NewDynamoDB is a [Store] on a DynamoDB endpoint. table gives the physical name
// of a definition; internal/names computes it for a deployment.
//
// The client's retryer tries throttled and failed requests again; what still
// fails then comes back as an [*Error]. Cancelled transactions, failed
// conditions and what a batch left over are never tried again here: whoever
// asked decides.
//
// No repetition makes an answer wrong. A transaction has a token, by which
// DynamoDB knows it again. A single write has none: one that counts (adding to a
// number or a list, an element of a list by its index) is not sent again after a
// try without an answer, and a condition that fails after such a try is [KindUnavailable],
// because the write's own first try may be why. Writes of a batch put or delete
// whole items, so doing one twice is doing it once.
func NewDynamoDB(client *dynamodb.Client, table func(definition string) string, options ...StoreOption) Store {
	s := &store{client: client, requests: requests{table: table}, now: time.Now, wait: waitExponentially}
	for _, o := range options {
		o(s)
	}
	return s
}

// FromEnv is the store of the running function: getenv (os.Getenv in a program)
// says which deployment it belongs to and gives region, credentials and endpoint.
func FromEnv(getenv func(string) string) (Store, error) {
	d, err := names.FromEnv(getenv)
	if err != nil {
		return nil, err
	}
	return NewDynamoDB(dynamodb.NewFromConfig(awsenv.Config(getenv)), d.Table), nil
}

// Now implements [Reader] by the store's clock, see [StoreClock].
func (s *store) Now() time.Time { return s.now() }

// Backoff implements [Reader], see [StoreBackoff].
func (s *store) Backoff(ctx context.Context, try int) error { return s.wait(ctx, try) }

// Do implements [Writer]: PutItem, UpdateItem, DeleteItem, and for a check a
// transaction of one, as DynamoDB has no request for that.
func (s *store) Do(ctx context.Context, a Action) (Item, error) {
	if a.Op == OpCheck {
		return nil, s.check(ctx, a)
	}
	w, err := s.write(&a)
	if err != nil {
		return nil, a.wrong(err)
	}
	tries := &once{counts: a.counts()}
	item, err := s.do(ctx, &a, &w, tries)
	if err == nil {
		return item, nil
	}
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		if tries.unknown {
			return nil, a.Wrap(KindUnavailable, errOwnDoing)
		}
		return nil, a.Failed(failed.Item)
	}
	return nil, s.failure(err, a.Wrap("", nil))
}

func (s *store) do(ctx context.Context, a *Action, w *written, tries *once) (item Item, err error) {
	var used *types.ConsumedCapacity
	switch a.Op {
	case OpPut:
		in := s.putItem(a, w)
		in.ReturnConsumedCapacity = askCapacity(ctx)
		var out *dynamodb.PutItemOutput
		if out, err = s.client.PutItem(ctx, in, tries.options); err == nil {
			used = out.ConsumedCapacity
		}
	case OpUpdate:
		in := s.updateItem(a, w)
		in.ReturnConsumedCapacity = askCapacity(ctx)
		var out *dynamodb.UpdateItemOutput
		if out, err = s.client.UpdateItem(ctx, in, tries.options); err == nil {
			item, used = out.Attributes, out.ConsumedCapacity
		}
	case OpDelete:
		in := s.deleteItem(a, w)
		in.ReturnConsumedCapacity = askCapacity(ctx)
		var out *dynamodb.DeleteItemOutput
		if out, err = s.client.DeleteItem(ctx, in, tries.options); err == nil {
			used = out.ConsumedCapacity
		}
	}
	consumed(ctx, writes, a.Table.Name, used)
	return item, err
}

func (s *store) check(ctx context.Context, a Action) error {
	err := s.Transact(ctx, "", []Action{a})
	var cancelled *TransactionError
	if errors.As(err, &cancelled) && len(cancelled.Reasons) == 1 && cancelled.Reasons[0] != nil {
		return cancelled.Reasons[0]
	}
	return err
}

// Transact implements [Writer] by TransactWriteItems.
func (s *store) Transact(ctx context.Context, token string, actions []Action) error {
	if err := CheckTransaction(token, actions); err != nil {
		return err
	}
	in, err := s.transaction(token, actions)
	if err != nil {
		return err
	}
	in.ReturnConsumedCapacity = askCapacity(ctx)
	out, err := s.client.TransactWriteItems(ctx, in)
	if err == nil {
		s.consumedAll(ctx, writes, out.ConsumedCapacity, func(yield func(*Schema) bool) {
			for i := range actions {
				if !yield(actions[i].Table) {
					return
				}
			}
		})
		return nil
	}
	if e := cancelled(err, len(actions), func(i int, r *types.CancellationReason) *Error {
		if r.Code != nil && *r.Code == conditionalCheckFailed {
			return actions[i].Failed(r.Item)
		}
		return actions[i].Wrap("", nil)
	}); e != nil {
		return Cancelled(actions, e.Reasons)
	}
	return s.failure(err, &Error{Op: "transact", Table: tableNames(actions)})
}
