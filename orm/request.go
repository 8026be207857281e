package orm

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// allOld asks for the item with every failed condition: whoever lost a race
// learns to what, without reading again.
const allOld = types.ReturnValuesOnConditionCheckFailureAllOld

// requests compiles what a store is asked for to DynamoDB's requests.
type requests struct {
	table func(definition string) string
}

func (r requests) get(g *GetRequest) *dynamodb.GetItemInput {
	return &dynamodb.GetItemInput{
		TableName:      aws.String(r.table(g.Table.Name)),
		Key:            g.Key,
		ConsistentRead: aws.Bool(!g.Eventual),
	}
}

func (r requests) query(q *QueryRequest) (*dynamodb.QueryInput, error) {
	hash, sort, global := q.Table.Hash, q.Table.Sort, false
	in := &dynamodb.QueryInput{TableName: aws.String(r.table(q.Table.Name)), ExclusiveStartKey: q.Start}
	if q.Index != "" {
		x, ok := q.Table.index(q.Index)
		if !ok {
			return nil, fmt.Errorf("the table has no index %q: it has %s", q.Index, list(indexNames(q.Table)))
		}
		hash, sort, global = x.Hash, x.Sort, !x.Local
		in.IndexName = aws.String(q.Index)
	}
	if q.Hash == nil {
		return nil, fmt.Errorf("a query needs the value of the partition key %q", hash)
	}
	var e expression
	cond := e.name(hash) + " = " + e.value(q.Hash)
	if (q.From != nil || q.To != nil) && sort == "" {
		return nil, fmt.Errorf("a range needs a sort key")
	}
	switch {
	case q.From != nil && q.To != nil:
		cond += " AND " + e.name(sort) + " BETWEEN " + e.value(q.From) + " AND " + e.value(q.To)
	case q.From != nil:
		cond += " AND " + e.name(sort) + " >= " + e.value(q.From)
	case q.To != nil:
		cond += " AND " + e.name(sort) + " <= " + e.value(q.To)
	}
	in.KeyConditionExpression = &cond
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = e.names, e.values
	in.ConsistentRead = aws.Bool(!q.Eventual && !global)
	in.ScanIndexForward = aws.Bool(!q.Descending)
	if q.Limit > 0 {
		in.Limit = aws.Int32(q.Limit)
	}
	return in, nil
}

func (s *Schema) index(name string) (*IndexSchema, bool) {
	for i := range s.Indexes {
		if s.Indexes[i].Name == name {
			return &s.Indexes[i], true
		}
	}
	return nil, false
}

// transaction compiles actions, one entry each.
func (r requests) transaction(token string, actions []Action) (*dynamodb.TransactWriteItemsInput, error) {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: make([]types.TransactWriteItem, len(actions))}
	if token != "" { // else the SDK makes one
		in.ClientRequestToken = aws.String(token)
	}
	for i := range actions {
		item, err := r.transact(&actions[i])
		if err != nil {
			return nil, actions[i].Wrap(KindValidation, err)
		}
		in.TransactItems[i] = item
	}
	return in, nil
}

func (r requests) transact(a *Action) (types.TransactWriteItem, error) {
	var out types.TransactWriteItem
	var e expression
	table := aws.String(r.table(a.Table.Name))
	var update *string
	if a.Op == OpUpdate {
		var err error
		if update, err = e.update(a.Changes); err != nil {
			return out, err
		}
	}
	cond, err := e.condition(a.If)
	if err != nil {
		return out, err
	}
	switch a.Op {
	case OpPut:
		out.Put = &types.Put{TableName: table, Item: a.Item, ConditionExpression: cond,
			ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values, ReturnValuesOnConditionCheckFailure: allOld}
	case OpUpdate:
		out.Update = &types.Update{TableName: table, Key: a.Key, UpdateExpression: update, ConditionExpression: cond,
			ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values, ReturnValuesOnConditionCheckFailure: allOld}
	case OpDelete:
		out.Delete = &types.Delete{TableName: table, Key: a.Key, ConditionExpression: cond,
			ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values, ReturnValuesOnConditionCheckFailure: allOld}
	case OpCheck:
		if cond == nil {
			return out, fmt.Errorf("a check needs a condition")
		}
		out.ConditionCheck = &types.ConditionCheck{TableName: table, Key: a.Key, ConditionExpression: cond,
			ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values, ReturnValuesOnConditionCheckFailure: allOld}
	default:
		return out, fmt.Errorf("unknown operation %d", a.Op)
	}
	return out, nil
}
