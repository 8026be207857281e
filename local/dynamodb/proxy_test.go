package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/smithy-go"

	"github.com/vinci-go/vinci/local/dynamodb"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

type item = map[string]types.AttributeValue

func TestProxyPassesCallsAndAnswers(t *testing.T) {
	s := start(t, dynamodb.Options{})
	apply(t, s, usersTable())
	c := newFront(t, s, nil).owner()
	ctx, table := t.Context(), aws.String("app-local-users")

	if _, err := c.PutItem(ctx, &sdk.PutItemInput{TableName: table, Item: item{"user_id": text("u1"), "status": text("pending"), "b": &types.AttributeValueMemberB{Value: []byte{0, 255}}}}); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetItem(ctx, &sdk.GetItemInput{TableName: table, Key: item{"user_id": text("u1")}, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	if b, ok := got.Item["b"].(*types.AttributeValueMemberB); !ok || string(b.Value) != "\x00\xff" {
		t.Errorf("item %v", got.Item)
	}
	query, err := c.Query(ctx, &sdk.QueryInput{TableName: table, IndexName: aws.String("by_status"), KeyConditionExpression: aws.String("#s = :s"),
		ExpressionAttributeNames: map[string]string{"#s": "status"}, ExpressionAttributeValues: item{":s": text("pending")}})
	if err != nil || query.Count != 1 {
		t.Errorf("query: %v, %v", query, err)
	}

	_, err = c.PutItem(ctx, &sdk.PutItemInput{TableName: table, Item: item{"user_id": text("u1")}, ConditionExpression: aws.String("attribute_not_exists(user_id)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld})
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) || failed.Item == nil {
		t.Errorf("condition: %v", err)
	}
	_, err = c.TransactWriteItems(ctx, &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: table, Item: item{"user_id": text("u2")}}},
		{ConditionCheck: &types.ConditionCheck{TableName: table, Key: item{"user_id": text("u1")}, ConditionExpression: aws.String("attribute_not_exists(user_id)")}},
	}})
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) || len(canceled.CancellationReasons) != 2 || aws.ToString(canceled.CancellationReasons[1].Code) != "ConditionalCheckFailed" {
		t.Errorf("transaction: %v", err)
	}
	_, err = c.GetItem(ctx, &sdk.GetItemInput{TableName: aws.String("nobody"), Key: item{"x": text("y")}})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) {
		t.Errorf("missing table: %v", err)
	}
}

func TestProxySurvivesWrongBodies(t *testing.T) {
	s := start(t, dynamodb.Options{})
	apply(t, s, usersTable())
	f := newFront(t, s, nil)
	role := "arn:aws:iam::000000000000:role/r"
	all, err := iam.Parse([]byte(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	f.credentials.SetRoles(map[string]iam.Policies{role: {all}})
	for _, key := range []gateway.Keys{f.credentials.Owner(), f.credentials.Issue(role, "")} {
		for _, operation := range []string{"PutItem", "Query", "BatchWriteItem", "TransactWriteItems", "GetRecords", "ListTables", "CreateTable", "NoSuchOperation"} {
			for _, body := range []string{"", "{", "null", "[]", `"x"`, `{"TableName":5}`, `{"TransactItems":[null]}`, `{"TransactItems":5,"ClientRequestToken":"t"}`,
				`{"RequestItems":{"t":null}}`, `{"TransactItems":[{}],"ClientRequestToken":""}`, `{"ClientRequestToken":{}}`, `{"ShardIterator":"%"}`, `{"TableName":"app-local-users","Item":{"user_id":{"S":5}}}`} {
				if status, answer := postRaw(t, f.url, key, operation, body); status != 200 && status != 400 {
					t.Errorf("%s %s: status %d: %s", operation, body, status, answer)
				}
			}
		}
	}
}

// A role that may append events in transactions only, and read its own users.
func TestIAMIsEnforced(t *testing.T) {
	s := start(t, dynamodb.Options{})
	apply(t, s, usersTable(), eventsTable())
	var mu sync.Mutex
	var calls []gateway.Call
	f := newFront(t, s, func(c gateway.Call) {
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, c)
	})
	const arn = "arn:aws:dynamodb:us-east-1:000000000000:table/"
	role := "arn:aws:iam::000000000000:role/api"
	policy, err := iam.Parse([]byte(`{"Statement":[
		{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"` + arn + `app-local-events","Condition":{"StringEquals":{"dynamodb:EnclosingOperation":"TransactWriteItems"}}},
		{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:Query"],"Resource":"` + arn + `app-local-users","Condition":{"ForAllValues:StringLike":{"dynamodb:LeadingKeys":"u*"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	f.credentials.SetRoles(map[string]iam.Policies{role: {policy}})
	c := f.client(f.credentials.Issue(role, "api"))
	ctx := t.Context()
	event := item{"stream": text("user/1"), "version": &types.AttributeValueMemberN{Value: "1"}}

	if _, err := c.TransactWriteItems(ctx, &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{TableName: aws.String("app-local-events"), Item: event}}}}); err != nil {
		t.Errorf("append in a transaction: %v", err)
	}
	if _, err := c.GetItem(ctx, &sdk.GetItemInput{TableName: aws.String("app-local-users"), Key: item{"user_id": text("u1")}}); err != nil {
		t.Errorf("get: %v", err)
	}
	byKey := func(v string) *sdk.QueryInput {
		return &sdk.QueryInput{TableName: aws.String("app-local-users"), KeyConditionExpression: aws.String("#id=:id"),
			ExpressionAttributeNames: map[string]string{"#id": "user_id"}, ExpressionAttributeValues: item{":id": text(v)}}
	}
	if _, err := c.Query(ctx, byKey("u1")); err != nil {
		t.Errorf("query: %v", err)
	}
	onIndex := byKey("u1")
	onIndex.IndexName = aws.String("by_status")

	denied := func(what string, err error, parts ...string) {
		t.Helper()
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != "AccessDeniedException" {
			t.Errorf("%s: %v; want AccessDeniedException", what, err)
			return
		}
		for _, part := range append(parts, "User: arn:aws:sts::000000000000:assumed-role/api/api is not authorized to perform: ") {
			if !strings.Contains(api.ErrorMessage(), part) {
				t.Errorf("%s: %q lacks %q", what, api.ErrorMessage(), part)
			}
		}
	}
	_, err = c.PutItem(ctx, &sdk.PutItemInput{TableName: aws.String("app-local-events"), Item: event})
	denied("append outside a transaction", err, "dynamodb:PutItem on resource: "+arn+"app-local-events", "dynamodb:EnclosingOperation")
	_, err = c.GetItem(ctx, &sdk.GetItemInput{TableName: aws.String("app-local-users"), Key: item{"user_id": text("x1")}})
	denied("another's item", err, "dynamodb:LeadingKeys")
	_, err = c.Query(ctx, byKey("x1"))
	denied("another's items", err, "dynamodb:LeadingKeys")
	_, err = c.Query(ctx, onIndex)
	denied("the index", err, arn+"app-local-users/index/by_status")
	_, err = c.TransactWriteItems(ctx, &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("app-local-events"), Item: event}},
		{Delete: &types.Delete{TableName: aws.String("app-local-users"), Key: item{"user_id": text("u1")}}},
	}})
	denied("a delete in a transaction", err, "dynamodb:DeleteItem", `"Condition":{"StringEquals":{"dynamodb:EnclosingOperation":"TransactWriteItems"}}`)
	_, err = c.ExecuteStatement(ctx, &sdk.ExecuteStatementInput{Statement: aws.String("SELECT * FROM t")})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "UnknownOperationException" {
		t.Errorf("PartiQL: %v", err)
	}

	mu.Lock()
	defer mu.Unlock()
	if first := calls[0]; first.Operation != "TransactWriteItems" || first.Needs[0].Context["dynamodb:LeadingKeys"][0] != "user/1" {
		t.Errorf("observed %+v", first)
	}
}

// A role's stream permissions are judged on our stream ARN, whatever the engine
// calls the stream.
func TestStreamCallsThroughTheGateway(t *testing.T) {
	s := start(t, dynamodb.Options{})
	apply(t, s, eventsTable())
	f := newFront(t, s, nil)
	role := "arn:aws:iam::000000000000:role/reader"
	policy, err := iam.Parse([]byte(`{"Statement":[
		{"Effect":"Allow","Action":["dynamodb:DescribeStream","dynamodb:GetShardIterator","dynamodb:GetRecords"],"Resource":"arn:aws:dynamodb:us-east-1:000000000000:table/app-local-events/stream/` + dynamodb.StreamLabel + `"},
		{"Effect":"Allow","Action":"dynamodb:ListStreams","Resource":"arn:aws:dynamodb:us-east-1:000000000000:table/app-local-events/stream/*"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	f.credentials.SetRoles(map[string]iam.Policies{role: {policy}})
	if _, err := f.owner().PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("app-local-events"), Item: item{"stream": text("s"), "version": &types.AttributeValueMemberN{Value: "1"}}}); err != nil {
		t.Fatal(err)
	}
	c := dynamodbstreams.NewFromConfig(f.config(f.credentials.Issue(role, "")))
	list, err := c.ListStreams(t.Context(), &dynamodbstreams.ListStreamsInput{TableName: aws.String("app-local-events")})
	if err != nil || len(list.Streams) != 1 {
		t.Fatalf("list: %v, %v", list, err)
	}
	d, err := c.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: list.Streams[0].StreamArn})
	if err != nil {
		t.Fatal(err)
	}
	it, err := c.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: list.Streams[0].StreamArn, ShardId: d.StreamDescription.Shards[0].ShardId, ShardIteratorType: "TRIM_HORIZON"})
	if err != nil {
		t.Fatal(err)
	}
	records, err := c.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it.ShardIterator})
	if err != nil || len(records.Records) != 1 {
		t.Fatalf("records: %v, %v", records, err)
	}
}

func count(t *testing.T, c *sdk.Client, id string) string {
	t.Helper()
	out, err := c.GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String("app-local-users"), Key: item{"user_id": text(id)}})
	if err != nil {
		t.Fatal(err)
	}
	n, _ := out.Item["n"].(*types.AttributeValueMemberN)
	if n == nil {
		return ""
	}
	return n.Value
}

func TestRequestTokens(t *testing.T) {
	s := start(t, dynamodb.Options{})
	apply(t, s, usersTable())
	c := newFront(t, s, nil).owner()
	add := func(token, id, condition string) error {
		u := &types.Update{TableName: aws.String("app-local-users"), Key: item{"user_id": text(id)}, UpdateExpression: aws.String("ADD n :one"),
			ExpressionAttributeValues: item{":one": &types.AttributeValueMemberN{Value: "1"}}}
		if condition != "" {
			u.ConditionExpression = &condition
		}
		_, err := c.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{ClientRequestToken: &token, TransactItems: []types.TransactWriteItem{{Update: u}}})
		return err
	}
	for range 3 {
		if err := add("one", "a", ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, c, "a"); n != "1" {
		t.Errorf("one token, three calls: n = %s; want 1", n)
	}
	var mismatch *types.IdempotentParameterMismatchException
	if err := add("one", "b", ""); !errors.As(err, &mismatch) {
		t.Errorf("another transaction with the token: %v", err)
	}
	if err := add("two", "a", ""); err != nil || count(t, c, "a") != "2" {
		t.Errorf("another token: %v, n = %s", err, count(t, c, "a"))
	}
	// A failed transaction did nothing: its token may be used again.
	var canceled *types.TransactionCanceledException
	if err := add("three", "c", "attribute_exists(n)"); !errors.As(err, &canceled) {
		t.Errorf("failing: %v", err)
	}
	if _, err := c.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("app-local-users"), Item: item{"user_id": text("c"), "n": &types.AttributeValueMemberN{Value: "5"}}}); err != nil {
		t.Fatal(err)
	}
	if err := add("three", "c", "attribute_exists(n)"); err != nil || count(t, c, "c") != "6" {
		t.Errorf("the same again: %v, n = %s", err, count(t, c, "c"))
	}
	// Wrong tokens are the engine's to refuse.
	var api smithy.APIError
	if err := add(strings.Repeat("x", 37), "a", ""); !errors.As(err, &api) || api.ErrorCode() != "ValidationException" {
		t.Errorf("a long token: %v", err)
	}
}

// Many calls with one token at once: one runs, the others see it in progress or
// done.
func TestOneTokenAtOnce(t *testing.T) {
	s := start(t, dynamodb.Options{})
	apply(t, s, usersTable())
	c := newFront(t, s, nil).owner()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := c.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{ClientRequestToken: aws.String("token"), TransactItems: []types.TransactWriteItem{
				{Update: &types.Update{TableName: aws.String("app-local-users"), Key: item{"user_id": text("a")}, UpdateExpression: aws.String("ADD n :one"),
					ExpressionAttributeValues: item{":one": &types.AttributeValueMemberN{Value: "1"}}}}}})
			var running *types.TransactionInProgressException
			if err != nil && !errors.As(err, &running) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := count(t, c, "a"); n != "1" {
		t.Errorf("n = %s", n)
	}
}

// A caller that hangs up does not undo its transaction: it runs to its end, and its
// token says so to the caller's next try.
func TestHangUpDoesNotLoseTheToken(t *testing.T) {
	arrived, release := make(chan struct{}, 2), make(chan struct{})
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
			t.Error("the engine's call was given up")
		}
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(endpoint.Close)
	s := start(t, dynamodb.Options{Endpoint: endpoint.URL})
	ended := make(chan struct{}, 2)
	f := newFront(t, s, func(gateway.Call) { ended <- struct{}{} })
	c := f.owner()
	write := func(ctx context.Context) error {
		_, err := c.TransactWriteItems(ctx, &sdk.TransactWriteItemsInput{ClientRequestToken: aws.String("token"), TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: aws.String(usersName), Item: item{"user_id": text("a")}}}}})
		return err
	}
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { failed <- write(ctx) }()
	<-arrived
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	close(release)
	<-ended
	if err := write(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(arrived) != 0 {
		t.Error("the transaction ran twice")
	}
}
