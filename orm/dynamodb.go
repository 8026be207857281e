package orm

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/names"
)

// store is a [Store] on a DynamoDB endpoint.
type store struct {
	client *dynamodb.Client
	requests
}

// NewDynamoDB is a [Store] on a DynamoDB endpoint. table gives the physical name
// of a definition; internal/names computes it for a deployment.
//
// The client's retryer tries throttled and failed requests again; what still
// fails then comes back as an [*Error]. Cancelled transactions and failed
// conditions are never tried again here: whoever asked decides.
//
// No repetition makes an answer wrong. A transaction has a token, by which
// DynamoDB knows it again. A single write has none: one that counts (Add) is not
// sent again after a try without an answer, and a condition that fails after
// such a try is [KindUnavailable], because the write's own first try may be why.
func NewDynamoDB(client *dynamodb.Client, table func(definition string) string) Store {
	return &store{client: client, requests: requests{table: table}}
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

// Get implements [Reader] by GetItem.
func (s *store) Get(ctx context.Context, r *GetRequest) (Item, error) {
	out, err := s.client.GetItem(ctx, s.get(r))
	if err != nil {
		return nil, s.failure(err, &Error{Op: "get", Table: r.Table.Name, Key: r.Table.KeyText(r.Key)})
	}
	if len(out.Item) == 0 {
		return nil, nil
	}
	return out.Item, nil
}

// Query implements [Reader] by Query.
func (s *store) Query(ctx context.Context, r *QueryRequest) (*Page, error) {
	failed := &Error{Kind: KindValidation, Op: "query", Table: r.Table.Name, Key: valueText(r.Hash)}
	in, err := s.query(r)
	if err != nil {
		failed.Err = err
		return nil, failed
	}
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return nil, s.failure(err, failed)
	}
	page := &Page{Items: out.Items}
	if len(out.LastEvaluatedKey) > 0 {
		page.Next = out.LastEvaluatedKey
	}
	return page, nil
}

// Do implements [Writer]: PutItem, UpdateItem, DeleteItem, and for a check a
// transaction of one, as DynamoDB has no request for that.
func (s *store) Do(ctx context.Context, a Action) (Item, error) {
	in, err := s.transact(&a)
	if err != nil {
		return nil, a.Wrap(KindValidation, err)
	}
	var item Item
	tries := &once{counts: a.counts()}
	switch a.Op {
	case OpPut:
		p := in.Put
		_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: p.TableName, Item: p.Item, ConditionExpression: p.ConditionExpression,
			ExpressionAttributeNames: p.ExpressionAttributeNames, ExpressionAttributeValues: p.ExpressionAttributeValues, ReturnValuesOnConditionCheckFailure: allOld}, tries.options)
	case OpUpdate:
		u := in.Update
		var out *dynamodb.UpdateItemOutput
		out, err = s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression, ConditionExpression: u.ConditionExpression,
			ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues, ReturnValuesOnConditionCheckFailure: allOld, ReturnValues: types.ReturnValueAllNew}, tries.options)
		if err == nil {
			item = out.Attributes
		}
	case OpDelete:
		d := in.Delete
		_, err = s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: d.TableName, Key: d.Key, ConditionExpression: d.ConditionExpression,
			ExpressionAttributeNames: d.ExpressionAttributeNames, ExpressionAttributeValues: d.ExpressionAttributeValues, ReturnValuesOnConditionCheckFailure: allOld}, tries.options)
	case OpCheck:
		err = s.Transact(ctx, "", []Action{a})
		var cancelled *TransactionError
		if errors.As(err, &cancelled) && len(cancelled.Reasons) == 1 && cancelled.Reasons[0] != nil {
			return nil, cancelled.Reasons[0]
		}
		return nil, err
	}
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

// Transact implements [Writer] by TransactWriteItems.
func (s *store) Transact(ctx context.Context, token string, actions []Action) error {
	if err := CheckTransaction(token, actions); err != nil {
		return err
	}
	in, err := s.transaction(token, actions)
	if err != nil {
		return err
	}
	_, err = s.client.TransactWriteItems(ctx, in)
	if err == nil {
		return nil
	}
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		if e := s.cancelled(cancelled, actions); e != nil {
			return e
		}
	}
	return s.failure(err, &Error{Op: "transact", Table: tableNames(actions)})
}
