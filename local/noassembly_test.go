package local

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamstypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/vinci-go/vinci/internal/awsenv"
)

// stranger is the configuration of a client with credentials that nobody issued.
func stranger(r *Runtime) aws.Config {
	env := map[string]string{
		awsenv.Region: "us-east-1", awsenv.AccessKeyID: "test", awsenv.SecretAccessKey: "test", awsenv.EndpointURL: r.Endpoint(),
	}
	return awsenv.Config(func(name string) string { return env[name] })
}

// makeTable makes a table with a stream, as a program does that knows nothing of
// Vinci.
func makeTable(t *testing.T, config aws.Config, name string) {
	t.Helper()
	_, err := dynamodb.NewFromConfig(config).CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(name), BillingMode: dynamodbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: dynamodbtypes.ScalarAttributeTypeS}},
		KeySchema:            []dynamodbtypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: dynamodbtypes.KeyTypeHash}},
		StreamSpecification:  &dynamodbtypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: dynamodbtypes.StreamViewTypeNewImage},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func putItem(t *testing.T, config aws.Config, table, id string) {
	t.Helper()
	_, err := dynamodb.NewFromConfig(config).PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String(table), Item: map[string]dynamodbtypes.AttributeValue{"id": &dynamodbtypes.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// streamed are the ids in the table's stream from its beginning.
func streamed(t *testing.T, config aws.Config, table string) []string {
	t.Helper()
	is, err := dynamodb.NewFromConfig(config).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(table)})
	if err != nil {
		t.Fatal(err)
	}
	client := dynamodbstreams.NewFromConfig(config)
	stream, err := client.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: is.Table.LatestStreamArn})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, shard := range stream.StreamDescription.Shards {
		at, err := client.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{
			StreamArn: is.Table.LatestStreamArn, ShardId: shard.ShardId, ShardIteratorType: streamstypes.ShardIteratorTypeTrimHorizon,
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := client.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: at.ShardIterator})
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range got.Records {
			ids = append(ids, record.Dynamodb.Keys["id"].(*streamstypes.AttributeValueMemberS).Value)
		}
	}
	return ids
}

// makeWay makes a bus, a queue, and a rule from the one to the other.
func makeWay(t *testing.T, r *Runtime) {
	t.Helper()
	const queueARN = "arn:aws:sqs:us-east-1:000000000000:inbox"
	queues, events := sqs.NewFromConfig(stranger(r)), eventbridge.NewFromConfig(stranger(r))
	_, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("inbox"), Attributes: map[string]string{
		"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + queueARN + `"}]}`,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := events.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	_, err = events.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("all"), EventBusName: aws.String("shop"), EventPattern: aws.String(`{"source":["till"]}`)})
	if err != nil {
		t.Fatal(err)
	}
	out, err := events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("all"), EventBusName: aws.String("shop"),
		Targets: []eventbridgetypes.Target{{Id: aws.String("queue"), Arn: aws.String(queueARN), InputPath: aws.String("$.detail-type")}}})
	if err != nil || out.FailedEntryCount != 0 {
		t.Fatal(err, out)
	}
}

func sendEvent(t *testing.T, r *Runtime, detailType string) {
	t.Helper()
	out, err := eventbridge.NewFromConfig(stranger(r)).PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []eventbridgetypes.PutEventsRequestEntry{{
		EventBusName: aws.String("shop"), Source: aws.String("till"), DetailType: aws.String(detailType), Detail: aws.String("{}"),
	}}})
	if err != nil || out.FailedEntryCount != 0 {
		t.Fatal(err, out)
	}
}

// received waits for so many messages of the inbox, and gives what they say, sorted.
func received(t *testing.T, r *Runtime, want int) []string {
	t.Helper()
	client := sqs.NewFromConfig(stranger(r))
	var got []string
	for end := time.Now().Add(patience); len(got) < want && time.Now().Before(end); {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: aws.String(r.Endpoint() + "/000000000000/inbox"), WaitTimeSeconds: 1, MaxNumberOfMessages: 10,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			got = append(got, strings.Trim(*m.Body, `"`))
		}
	}
	slices.Sort(got)
	return got
}

// Without an assembly everything is made by calls, by whoever calls; what they
// made is there again after a restart, with its stream.
func TestNoAssembly(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	r := start(t, Config{Open: true, Data: data})
	if len(r.APIs()) != 0 || len(r.Functions()) != 0 || len(r.Notes()) != 0 {
		t.Errorf("of no assembly there are %v, %v, %v", r.APIs(), r.Functions(), r.Notes())
	}
	makeTable(t, stranger(r), "orders")
	putItem(t, stranger(r), "orders", "one")
	makeWay(t, r)
	sendEvent(t, r, "first")
	stop(t, r)

	r = start(t, Config{Open: true, Data: data})
	putItem(t, stranger(r), "orders", "two")
	sendEvent(t, r, "second")
	if got := received(t, r, 2); !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("the queue has %v, want first and second", got)
	}
	if got := streamed(t, stranger(r), "orders"); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("the stream has %v, want one and two", got)
	}
	// The mappings' way of reading.
	records, _, err := streams{r.dynamodb}.ReadStream(t.Context(), "orders", "", 10, 0)
	if err != nil || len(records) != 2 {
		t.Errorf("%d records, %v; want 2", len(records), err)
	}
	stop(t, r)

	// Whatever a runtime leaves, Reset knows.
	entries, err := os.ReadDir(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !ours(e.Name()) {
			t.Errorf("%s is in the data folder, and Reset does not know it", e.Name())
		}
	}
}

// Who is not let in is told so.
func TestNotOpen(t *testing.T) {
	r := start(t, Config{})
	_, err := dynamodb.NewFromConfig(stranger(r)).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "UnrecognizedClientException" {
		t.Errorf("error %v, want UnrecognizedClientException", err)
	}
}

// TestReloadFromNothing puts an assembly in the place of none, and takes it away
// again: what calls made stays, and so do the tables' items.
func TestReloadFromNothing(t *testing.T) {
	r := start(t, Config{Open: true})
	makeTable(t, stranger(r), "orders")
	putItem(t, stranger(r), "orders", "one")
	dir := app(t)
	changes, err := r.Reload(t.Context(), dir)
	if err != nil || changes.Empty() || len(changes.Removed) > 0 {
		t.Fatalf("to the assembly: %v, %v", changes, err)
	}
	put(t, r, "first")
	awaitItem(t, r, "first", "handled")
	url := r.APIs()[0].URL

	changes, err = r.Reload(t.Context(), "")
	if err != nil || len(changes.Removed) == 0 || len(changes.Added)+len(changes.Replaced) > 0 {
		t.Fatalf("to none: %v, %v", changes, err)
	}
	if resp, err := http.Get(url + "/items/first"); err == nil {
		resp.Body.Close()
		t.Errorf("the API still answers: %s", resp.Status)
	}
	if len(r.APIs()) != 0 || len(r.Functions()) != 0 {
		t.Errorf("left are %v and %v", r.APIs(), r.Functions())
	}
	putItem(t, stranger(r), "orders", "two")

	if _, err := r.Reload(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	awaitItem(t, r, "first", "handled")
	if got := streamed(t, stranger(r), "orders"); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("the stream has %v, want one and two", got)
	}
}

func TestReset(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if c, err := Reset(data); err != nil || len(c.Deleted)+len(c.Kept) > 0 {
		t.Errorf("of a folder that is not there: %+v, %v", c, err)
	}
	r := start(t, Config{Open: true, Data: data})
	makeTable(t, stranger(r), "orders")
	if _, err := Reset(data); !errors.Is(err, ErrInUse) {
		t.Errorf("reset of a folder in use: %v", err)
	}
	stop(t, r)
	if err := os.WriteFile(filepath.Join(data, "notes.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Reset(data)
	if err != nil || !slices.Contains(c.Deleted, tablesFile) || !slices.Contains(c.Deleted, queuesFolder) || !slices.Equal(c.Kept, []string{"notes.txt"}) || c.Bytes == 0 {
		t.Errorf("reset: %+v, %v", c, err)
	}
	entries, err := os.ReadDir(data)
	if err != nil || len(entries) != 2 {
		t.Errorf("left: %v, %v; want the lock and notes.txt", entries, err)
	}
	r = start(t, Config{Open: true, Data: data})
	out, err := dynamodb.NewFromConfig(stranger(r)).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil || len(out.TableNames) != 0 {
		t.Errorf("tables after the reset: %v, %v", out, err)
	}

	// A folder of somebody else's stays as it is.
	mine := t.TempDir()
	if err := os.WriteFile(filepath.Join(mine, "lambda"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Reset(mine); err != nil || len(c.Deleted) != 0 {
		t.Errorf("of a folder that no runtime used: %+v, %v", c, err)
	}
}

// What is stored has ARNs, so a data folder is of one account and region.
func TestDataOfAnotherPlace(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	stop(t, start(t, Config{Open: true, Data: data}))
	for _, c := range []Config{{Region: "eu-central-1"}, {Account: "123456789012"}} {
		c.Open, c.Data = true, data
		if r, err := Start(t.Context(), c); !errors.Is(err, ErrPlace) || !strings.Contains(err.Error(), "region us-east-1, and this start says ") {
			t.Errorf("%s%s: %v", c.Account, c.Region, err)
			if err == nil {
				stop(t, r)
			}
		}
	}
	stop(t, start(t, Config{Open: true, Data: data}))
	if _, err := Reset(data); err != nil {
		t.Fatal(err)
	}
	stop(t, start(t, Config{Open: true, Data: data, Region: "eu-central-1"}))
}

// Who waits for messages does not hold up the end.
func TestStopEndsLongPolls(t *testing.T) {
	arrived := make(chan struct{}, 1)
	r := start(t, Config{Assembly: app(t)})
	// Watch the queue from inside: the call is in flight once the service has it.
	handler := *r.gateway.handler.Load()
	var watched http.Handler = http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		arrived <- struct{}{}
		handler.ServeHTTP(w, hr)
	})
	r.gateway.handler.Store(&watched)
	polled := make(chan error, 1)
	go func() {
		_, err := sqs.NewFromConfig(awsConfig(r), func(o *sqs.Options) { o.RetryMaxAttempts = 1 }).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: aws.String(r.Endpoint() + "/000000000000/t-work_dlq"), WaitTimeSeconds: 20,
		})
		polled <- err
	}()
	<-arrived
	began := time.Now()
	stop(t, r)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := <-polled; err == nil {
		t.Error("the receiver was told that there is nothing, and not that it was cut off")
	}
}
