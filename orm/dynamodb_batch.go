package orm

import (
	"context"
)

// BatchGet implements [Reader] by BatchGetItem.
func (s *store) BatchGet(ctx context.Context, r *BatchGetRequest) (*BatchGetResult, error) {
	if err := CheckBatchGet(r); err != nil {
		return nil, err
	}
	in, err := s.batchGet(r)
	if err != nil {
		return nil, r.wrap().wrong(err)
	}
	in.ReturnConsumedCapacity = askCapacity(ctx)
	out, err := s.client.BatchGetItem(ctx, in)
	if err != nil {
		return nil, s.failure(err, r.wrap())
	}
	for i := range out.ConsumedCapacity {
		consumed(ctx, reads, r.Table.Name, &out.ConsumedCapacity[i])
	}
	table := s.table(r.Table.Name)
	return &BatchGetResult{Items: out.Responses[table], Unprocessed: out.UnprocessedKeys[table].Keys}, nil
}

func (r *BatchGetRequest) wrap() *Error { return &Error{Op: "batch get", Table: r.Table.Name} }

// BatchWrite implements [Writer] by BatchWriteItem.
func (s *store) BatchWrite(ctx context.Context, r *BatchWriteRequest) (*BatchWriteResult, error) {
	if err := CheckBatchWrite(r); err != nil {
		return nil, err
	}
	in := s.batchWrite(r)
	in.ReturnConsumedCapacity = askCapacity(ctx)
	out, err := s.client.BatchWriteItem(ctx, in)
	if err != nil {
		return nil, s.failure(err, r.wrap())
	}
	for i := range out.ConsumedCapacity {
		consumed(ctx, writes, r.Table.Name, &out.ConsumedCapacity[i])
	}
	left := &BatchWriteResult{}
	for _, w := range out.UnprocessedItems[s.table(r.Table.Name)] {
		switch {
		case w.PutRequest != nil:
			left.Puts = append(left.Puts, w.PutRequest.Item)
		case w.DeleteRequest != nil:
			left.Deletes = append(left.Deletes, w.DeleteRequest.Key)
		}
	}
	return left, nil
}

func (r *BatchWriteRequest) wrap() *Error { return &Error{Op: "batch write", Table: r.Table.Name} }
