package orm

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The benchmarks come in pairs: typed values up to the SDK's input, and the same
// input by the SDK's own expression builder, which takes names as text.

// ledger has a sort key, for queries.
type ledger struct {
	Account string `dynamo:"account,hash"`
	Number  int64  `dynamo:"number,range"`
	Status  string `dynamo:"status"`
	Amount  int64  `dynamo:"amount"`
}

var (
	ledgers      = Define[ledger, Pair[string, int64]]("ledgers")
	ledgerStatus = Attr(ledgers, func(l *ledger) *string { return &l.Status })
	ledgerAmount = Number(ledgers, func(l *ledger) *int64 { return &l.Amount })
)

// requestMaker is a store that makes requests and sends none.
type requestMaker struct {
	Reader
	requests
	last *dynamodb.QueryInput
}

func (c *requestMaker) Query(_ context.Context, r *QueryRequest) (*Page, error) {
	if err := CheckQuery(r); err != nil {
		return nil, err
	}
	in, err := c.query(r)
	c.last = in
	return &Page{}, err
}

func newRequestMaker() *requestMaker {
	return &requestMaker{requests: requests{table: func(string) string { return "app-dev-ledgers" }}}
}

func compileQuery(ctx context.Context, c *requestMaker) (*dynamodb.QueryInput, error) {
	for _, err := range QueryTable(ledgers, "a1").From(1).To(9).Filter(ledgerStatus.Eq("open"), ledgerAmount.Gt(5)).All(ctx, c) {
		return nil, err
	}
	return c.last, nil
}

func sdkQuery() (*dynamodb.QueryInput, error) {
	e, err := sdk.NewBuilder().
		WithKeyCondition(sdk.Key("account").Equal(sdk.Value("a1")).And(sdk.Key("number").Between(sdk.Value(1), sdk.Value(9)))).
		WithFilter(sdk.Name("status").Equal(sdk.Value("open")).And(sdk.Name("amount").GreaterThan(sdk.Value(5)))).
		Build()
	return &dynamodb.QueryInput{
		TableName:                 aws.String("app-dev-ledgers"),
		KeyConditionExpression:    e.KeyCondition(),
		FilterExpression:          e.Filter(),
		ExpressionAttributeNames:  e.Names(),
		ExpressionAttributeValues: e.Values(),
		ConsistentRead:            aws.Bool(true),
		ScanIndexForward:          aws.Bool(true),
	}, err
}

func compileUpdate(ctx context.Context, r requests) (*dynamodb.UpdateItemInput, error) {
	actions, err := rows.Update("r1", rowStatus.Set("active"), rowCount.Add(1)).If(rowStatus.Eq("pending")).Actions(ctx, nil)
	if err != nil {
		return nil, err
	}
	w, err := r.write(&actions[0])
	if err != nil {
		return nil, err
	}
	return r.updateItem(&actions[0], &w), nil
}

func sdkUpdate() (*dynamodb.UpdateItemInput, error) {
	e, err := sdk.NewBuilder().
		WithUpdate(sdk.Set(sdk.Name("status"), sdk.Value("active")).Add(sdk.Name("count"), sdk.Value(1))).
		WithCondition(sdk.Name("status").Equal(sdk.Value("pending"))).
		Build()
	return &dynamodb.UpdateItemInput{
		TableName:                           aws.String("app-dev-ledgers"),
		Key:                                 Item{"id": &types.AttributeValueMemberS{Value: "r1"}},
		UpdateExpression:                    e.Update(),
		ConditionExpression:                 e.Condition(),
		ExpressionAttributeNames:            e.Names(),
		ExpressionAttributeValues:           e.Values(),
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: allOld,
	}, err
}

func BenchmarkQueryRequest(b *testing.B) {
	c := newRequestMaker()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := compileQuery(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQueryRequestSDK(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sdkQuery(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdateRequest(b *testing.B) {
	r := newRequestMaker().requests
	b.ReportAllocs()
	for b.Loop() {
		if _, err := compileUpdate(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdateRequestSDK(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sdkUpdate(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkExpression is the part of a request's making that is this package's
// alone: the update and the condition, from the tree.
func BenchmarkExpression(b *testing.B) {
	r := newRequestMaker().requests
	actions, err := rows.Update("r1", rowStatus.Set("active"), rowCount.Add(1)).If(rowStatus.Eq("pending")).Actions(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.write(&actions[0]); err != nil {
			b.Fatal(err)
		}
	}
}

// TestBenchmarksCompare: both halves of a pair make the same request, but for
// the names of the aliases.
func TestBenchmarksCompare(t *testing.T) {
	query, err := compileQuery(t.Context(), newRequestMaker())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := sdkQuery()
	if err != nil {
		t.Fatal(err)
	}
	if len(query.ExpressionAttributeNames) != 4 || len(query.ExpressionAttributeNames) != len(theirs.ExpressionAttributeNames) || len(query.ExpressionAttributeValues) != 5 || len(query.ExpressionAttributeValues) != len(theirs.ExpressionAttributeValues) {
		t.Errorf("queries have names %v and %v, values %v and %v", query.ExpressionAttributeNames, theirs.ExpressionAttributeNames, query.ExpressionAttributeValues, theirs.ExpressionAttributeValues)
	}
	update, err := compileUpdate(t.Context(), newRequestMaker().requests)
	if err != nil {
		t.Fatal(err)
	}
	their, err := sdkUpdate()
	if err != nil {
		t.Fatal(err)
	}
	if len(update.ExpressionAttributeNames) != 2 || len(update.ExpressionAttributeNames) != len(their.ExpressionAttributeNames) || len(update.ExpressionAttributeValues) != 3 || len(update.ExpressionAttributeValues) != len(their.ExpressionAttributeValues) {
		t.Errorf("updates have names %v and %v, values %v and %v", update.ExpressionAttributeNames, their.ExpressionAttributeNames, update.ExpressionAttributeValues, their.ExpressionAttributeValues)
	}
}

// TestHalfTheAllocations: time varies with the machine, allocations do not.
func TestHalfTheAllocations(t *testing.T) {
	c := newRequestMaker()
	for name, pair := range map[string][2]func() error{
		"query":  {func() error { return second(compileQuery(t.Context(), c)) }, func() error { return second(sdkQuery()) }},
		"update": {func() error { return second(compileUpdate(t.Context(), c.requests)) }, func() error { return second(sdkUpdate()) }},
	} {
		var count [2]float64
		for i, build := range pair {
			count[i] = testing.AllocsPerRun(100, func() {
				if err := build(); err != nil {
					t.Fatal(err)
				}
			})
		}
		if count[0] > count[1]/2 {
			t.Errorf("a %s takes %g allocations, the SDK's builder %g: want half at most", name, count[0], count[1])
		}
	}
}
