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
	table func(definition string) string // its physical name
}

func (r requests) get(g *GetRequest) (*dynamodb.GetItemInput, error) {
	in := &dynamodb.GetItemInput{
		TableName:      aws.String(r.table(g.Table.Name)),
		Key:            g.Key,
		ConsistentRead: aws.Bool(!g.Eventual),
	}
	var err error
	in.ProjectionExpression, in.ExpressionAttributeNames, err = selected(g.Select)
	return in, err
}

// selected is the projection of a request that has no other expression.
func selected(attributes []string) (*string, map[string]string, error) {
	if len(attributes) == 0 {
		return nil, nil, nil
	}
	e := newExpression("")
	projection := e.projection(attributes)
	names, _ := e.aliases()
	return projection, names, e.err
}

func (r requests) query(q *QueryRequest) (*dynamodb.QueryInput, error) {
	v, err := q.Table.view(q.Index)
	if err != nil {
		return nil, err
	}
	e := newExpression(r.table(q.Table.Name))
	in := &dynamodb.QueryInput{
		TableName:              &e.table,
		KeyConditionExpression: e.keys(q, v.hash, v.sort),
		FilterExpression:       e.condition(q.Filter),
		ExclusiveStartKey:      q.Start,
		ConsistentRead:         aws.Bool(!q.Eventual && !v.global),
		ScanIndexForward:       aws.Bool(!q.Descending),
		Limit:                  number(q.Limit),
	}
	if q.Index != "" {
		in.IndexName = aws.String(q.Index)
	}
	if q.Count {
		in.Select = types.SelectCount
	} else {
		in.ProjectionExpression = e.projection(q.Select)
	}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = e.aliases()
	return in, e.err
}

func (r requests) scan(q *ScanRequest) (*dynamodb.ScanInput, error) {
	v, err := q.Table.view(q.Index)
	if err != nil {
		return nil, err
	}
	e := newExpression(r.table(q.Table.Name))
	in := &dynamodb.ScanInput{
		TableName:         &e.table,
		FilterExpression:  e.condition(q.Filter),
		ExclusiveStartKey: q.Start,
		ConsistentRead:    aws.Bool(!q.Eventual && !v.global),
		Limit:             number(q.Limit),
	}
	if q.Index != "" {
		in.IndexName = aws.String(q.Index)
	}
	if q.Segments > 0 {
		in.Segment, in.TotalSegments = aws.Int32(q.Segment), aws.Int32(q.Segments)
	}
	if q.Count {
		in.Select = types.SelectCount
	} else {
		in.ProjectionExpression = e.projection(q.Select)
	}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = e.aliases()
	return in, e.err
}

// view is a table or one of its indexes, as what is read.
type view struct {
	table      *Schema
	hash, sort string
	index      *IndexSchema // nil: the table itself
	global     bool         // read eventually consistent only
}

func (s *Schema) view(index string) (view, error) {
	if index == "" {
		return view{table: s, hash: s.Hash, sort: s.Sort}, nil
	}
	for i := range s.Indexes {
		if x := &s.Indexes[i]; x.Name == index {
			return view{table: s, hash: x.Hash, sort: x.Sort, index: x, global: !x.Local}, nil
		}
	}
	return view{}, fmt.Errorf("the table has no index %q: it has %s", index, list(indexNames(s)))
}

func (r requests) batchGet(b *BatchGetRequest) (*dynamodb.BatchGetItemInput, error) {
	projection, names, err := selected(b.Select)
	return &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		r.table(b.Table.Name): {
			Keys:                     b.Keys,
			ConsistentRead:           aws.Bool(!b.Eventual),
			ProjectionExpression:     projection,
			ExpressionAttributeNames: names,
		},
	}}, err
}

func (r requests) batchWrite(b *BatchWriteRequest) *dynamodb.BatchWriteItemInput {
	writes := make([]types.WriteRequest, 0, len(b.Puts)+len(b.Deletes))
	for _, item := range b.Puts {
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
	}
	for _, key := range b.Deletes {
		writes = append(writes, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}})
	}
	return &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{r.table(b.Table.Name): writes}}
}

func (r requests) transactGet(gets []GetRequest) (*dynamodb.TransactGetItemsInput, error) {
	in := &dynamodb.TransactGetItemsInput{TransactItems: make([]types.TransactGetItem, len(gets))}
	for i := range gets {
		projection, names, err := selected(gets[i].Select)
		if err != nil {
			return nil, err
		}
		in.TransactItems[i].Get = &types.Get{TableName: aws.String(r.table(gets[i].Table.Name)), Key: gets[i].Key,
			ProjectionExpression: projection, ExpressionAttributeNames: names}
	}
	return in, nil
}

// written is what the four writes have in common.
type written struct {
	table, update, condition *string
	names                    map[string]string
	values                   map[string]types.AttributeValue
}

func (r requests) write(a *Action) (w written, err error) {
	switch a.Op {
	case OpPut, OpDelete:
		if a.If == nil {
			w.table = aws.String(r.table(a.Table.Name))
			return w, nil
		}
	case OpCheck:
		if a.If == nil {
			return w, fmt.Errorf("a check needs a condition")
		}
	case OpUpdate:
	default:
		return w, fmt.Errorf("unknown operation %d", a.Op)
	}
	e := newExpression(r.table(a.Table.Name))
	w.table = &e.table
	if a.Op == OpUpdate {
		w.update = e.update(a.Changes)
	}
	w.condition = e.condition(a.If)
	w.names, w.values = e.aliases()
	return w, e.err
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
			return nil, actions[i].wrong(err)
		}
		in.TransactItems[i] = item
	}
	return in, nil
}

func (r requests) transact(a *Action) (types.TransactWriteItem, error) {
	var out types.TransactWriteItem
	w, err := r.write(a)
	if err != nil {
		return out, err
	}
	switch a.Op {
	case OpPut:
		out.Put = &types.Put{TableName: w.table, Item: a.Item, ConditionExpression: w.condition,
			ExpressionAttributeNames: w.names, ExpressionAttributeValues: w.values, ReturnValuesOnConditionCheckFailure: allOld}
	case OpUpdate:
		out.Update = &types.Update{TableName: w.table, Key: a.Key, UpdateExpression: w.update, ConditionExpression: w.condition,
			ExpressionAttributeNames: w.names, ExpressionAttributeValues: w.values, ReturnValuesOnConditionCheckFailure: allOld}
	case OpDelete:
		out.Delete = &types.Delete{TableName: w.table, Key: a.Key, ConditionExpression: w.condition,
			ExpressionAttributeNames: w.names, ExpressionAttributeValues: w.values, ReturnValuesOnConditionCheckFailure: allOld}
	case OpCheck:
		out.ConditionCheck = &types.ConditionCheck{TableName: w.table, Key: a.Key, ConditionExpression: w.condition,
			ExpressionAttributeNames: w.names, ExpressionAttributeValues: w.values, ReturnValuesOnConditionCheckFailure: allOld}
	}
	return out, nil
}

func (r requests) putItem(a *Action, w *written) *dynamodb.PutItemInput {
	return &dynamodb.PutItemInput{TableName: w.table, Item: a.Item, ConditionExpression: w.condition,
		ExpressionAttributeNames: w.names, ExpressionAttributeValues: w.values, ReturnValuesOnConditionCheckFailure: allOld}
}

func (r requests) updateItem(a *Action, w *written) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{TableName: w.table, Key: a.Key, UpdateExpression: w.update, ConditionExpression: w.condition,
		ExpressionAttributeNames: w.names, ExpressionAttributeValues: w.values, ReturnValuesOnConditionCheckFailure: allOld, ReturnValues: types.ReturnValueAllNew}
}

func (r requests) deleteItem(a *Action, w *written) *dynamodb.DeleteItemInput {
	return &dynamodb.DeleteItemInput{TableName: w.table, Key: a.Key, ConditionExpression: w.condition,
		ExpressionAttributeNames: w.names, ExpressionAttributeValues: w.values, ReturnValuesOnConditionCheckFailure: allOld}
}
