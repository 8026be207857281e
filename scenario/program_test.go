package scenario_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamstypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/scenario"
	"github.com/vinci-go/vinci/tables"
)

// What is made by calls, and not in the assembly.
const (
	probeTable = "probe-items"
	keptBus    = "probe-bus"
	keptQueue  = "probe-queue"

	calledFunction = "probe-function"
	calledQueue    = "probe-source" // its event source
)

// program uses the runtime's queues, buses and tables by themselves, as any
// program does that has an SDK. It remembers what was acknowledged.
type program struct {
	life atomic.Pointer[life]

	puts, sends, items accepted // to the application
	routed, kept       accepted // over a bus, and into a queue, that no assembly knows
	called             accepted // by a function that no assembly knows: over that bus, from a queue, and asynchronously
}

// accepted are the ids that one kind of call was acknowledged for.
type accepted struct {
	count atomic.Int64
	mu    sync.Mutex
	ids   []string
}

func (a *accepted) add(ids ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids = append(a.ids, ids...)
	a.count.Add(int64(len(ids)))
}

func newProgram() *program { return &program{} }

func (p *program) String() string {
	return fmt.Sprintf("%d events put, %d messages sent and %d items put directly; of things made by calls, %d events, %d messages and %d function calls",
		len(p.puts.ids), len(p.sends.ids), len(p.items.ids), len(p.routed.ids), len(p.kept.ids), len(p.called.ids))
}

// works are what it does, over and over: n is different each time.
func (p *program) works() []func(ctx context.Context, l *life, n int) error {
	return []func(context.Context, *life, int) error{p.putEvents, p.send, p.putItem, p.route, p.keep, p.call}
}

// run goes on until ctx ends.
func (p *program) run(ctx context.Context, work func(ctx context.Context, l *life, n int) error) {
	for n := 0; ctx.Err() == nil; n++ {
		once, cancel := context.WithTimeout(ctx, 10*time.Second)
		if err := work(once, p.life.Load(), n); err != nil {
			time.Sleep(5 * time.Millisecond) // the runtime is dead: not to spin
		}
		cancel()
	}
}

// busy waits until each of its works had some answers.
func (p *program) busy(t *testing.T) {
	t.Helper()
	awaitCount(t, "EventBridge", &p.puts.count, 6)
	awaitCount(t, "SQS", &p.sends.count, 6)
	awaitCount(t, "DynamoDB", &p.items.count, 6)
	awaitCount(t, "the bus that a call made", &p.routed.count, 6)
	awaitCount(t, "the queue that a call made", &p.kept.count, 6)
	awaitCount(t, "the function that a call made", &p.called.count, 6)
}

// envelope is an event on the wire.
func envelope(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"probe/%[1]s@1","source":%[2]q,"type":"probe.sent","subject":"probe/%[1]s","time":"2026-01-02T03:04:05Z","schemaversion":1,"correlationid":"probe","data":{"id":%[1]q}}`,
		id, domain.Application)
}

func (p *program) putEvents(ctx context.Context, l *life, n int) error {
	const some = 3
	in := &eventbridge.PutEventsInput{}
	ids := make([]string, some)
	for i := range some {
		ids[i] = fmt.Sprintf("put-%d-%d", n, i)
		in.Entries = append(in.Entries, eventbridgetypes.PutEventsRequestEntry{
			EventBusName: aws.String(scenario.Deployment.Bus()), Source: aws.String(domain.Application),
			DetailType: aws.String("probe.sent"), Detail: aws.String(envelope(ids[i])),
		})
	}
	out, err := eventbridge.NewFromConfig(l.AWS(), func(o *eventbridge.Options) { o.RetryMaxAttempts = 1 }).PutEvents(ctx, in)
	if err != nil {
		return err
	}
	for i, e := range out.Entries {
		if e.EventId != nil {
			p.puts.add(ids[i])
		}
	}
	return nil
}

// send puts messages into the subscription's queue as EventBridge would.
func (p *program) send(ctx context.Context, l *life, n int) error {
	client := sqs.NewFromConfig(l.AWS(), func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
	url := aws.String(l.endpoint + "/000000000000/" + scenario.Deployment.Queue(probe.Name))
	body := func(id string) *string { return aws.String(message(id)) }
	if n%2 == 0 {
		id := fmt.Sprintf("sent-%d", n)
		_, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: body(id)})
		if err == nil {
			p.sends.add(id)
		}
		return err
	}
	in := &sqs.SendMessageBatchInput{QueueUrl: url}
	for i := range 3 {
		id := fmt.Sprintf("sent-%d-%d", n, i)
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: aws.String(id), MessageBody: body(id)})
	}
	out, err := client.SendMessageBatch(ctx, in)
	if err != nil {
		return err
	}
	for _, e := range out.Successful {
		p.sends.add(*e.Id)
	}
	return nil
}

// make makes what is in no assembly: a table, and a bus with a rule to a queue.
func (p *program) make(t *testing.T, l life, bootstrap string) {
	t.Helper()
	const queueARN = "arn:aws:sqs:us-east-1:000000000000:" + keptQueue
	events := eventbridge.NewFromConfig(l.AWS())
	_, err := sqs.NewFromConfig(l.AWS()).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(keptQueue), Attributes: map[string]string{
		"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + queueARN + `"}]}`,
	}})
	if err == nil {
		_, err = events.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String(keptBus)})
	}
	if err == nil {
		_, err = events.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("all"), EventBusName: aws.String(keptBus), EventPattern: aws.String(`{"source":["probe"]}`)})
	}
	if err == nil {
		_, err = events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("all"), EventBusName: aws.String(keptBus),
			Targets: []eventbridgetypes.Target{{Id: aws.String("queue"), Arn: aws.String(queueARN), InputPath: aws.String("$.detail.id")}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	p.makeTable(t, l)
	p.makeFunction(t, l, bootstrap)
}

// makeFunction makes a second function of the probe's program, a rule that calls it
// with what an event holds, and a mapping from a queue.
func (p *program) makeFunction(t *testing.T, l life, bootstrap string) {
	t.Helper()
	const functionARN = "arn:aws:lambda:us-east-1:000000000000:function:" + calledFunction
	program, err := os.ReadFile(bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	var code bytes.Buffer
	archive := zip.NewWriter(&code)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	f, err := archive.CreateHeader(header)
	if err == nil {
		_, err = f.Write(program)
	}
	if err = errors.Join(err, archive.Close()); err != nil {
		t.Fatal(err)
	}
	functions, queues, events := lambda.NewFromConfig(l.AWS()), sqs.NewFromConfig(l.AWS()), eventbridge.NewFromConfig(l.AWS())
	architecture := lambdatypes.ArchitectureX8664
	if runtime.GOARCH == "arm64" {
		architecture = lambdatypes.ArchitectureArm64
	}
	_, err = functions.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String(calledFunction), Role: aws.String("arn:aws:iam::000000000000:role/probe"), Runtime: lambdatypes.RuntimeProvidedal2023,
		Handler: aws.String("bootstrap"), Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()}, Architectures: []lambdatypes.Architecture{architecture},
		Timeout: aws.Int32(int32(timeout / time.Second)), MemorySize: aws.Int32(256),
		Environment: &lambdatypes.Environment{Variables: map[string]string{
			names.EnvApplication: scenario.Deployment.App, names.EnvDeployment: scenario.Deployment.ID, bus.EnvVisibilityTimeout: fmt.Sprint(6 * int(timeout/time.Second)),
		}},
	})
	if err == nil {
		_, err = functions.AddPermission(t.Context(), &lambda.AddPermissionInput{
			FunctionName: aws.String(calledFunction), StatementId: aws.String("rule"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com"),
		})
	}
	if err == nil {
		_, err = events.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("function"), EventBusName: aws.String(keptBus), EventPattern: aws.String(`{"source":["probe-function"]}`)})
	}
	if err == nil {
		_, err = events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("function"), EventBusName: aws.String(keptBus),
			Targets: []eventbridgetypes.Target{{Id: aws.String("function"), Arn: aws.String(functionARN), InputPath: aws.String("$.detail")}}})
	}
	if err == nil {
		_, err = queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(calledQueue), Attributes: map[string]string{
			"VisibilityTimeout": fmt.Sprint(6 * int(timeout/time.Second)),
		}})
	}
	if err == nil {
		_, err = functions.CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{
			FunctionName: aws.String(calledFunction), EventSourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:" + calledQueue),
			FunctionResponseTypes: []lambdatypes.FunctionResponseType{lambdatypes.FunctionResponseTypeReportBatchItemFailures},
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// call has the function called, in one of three ways.
func (p *program) call(ctx context.Context, l *life, n int) error {
	id := fmt.Sprintf("called-%d", n)
	var err error
	switch n % 3 {
	case 0:
		_, err = lambda.NewFromConfig(l.AWS(), func(o *lambda.Options) { o.RetryMaxAttempts = 1 }).Invoke(ctx, &lambda.InvokeInput{
			FunctionName: aws.String(calledFunction), InvocationType: lambdatypes.InvocationTypeEvent, Payload: []byte(batch(id)),
		})
	case 1:
		var out *eventbridge.PutEventsOutput
		out, err = eventbridge.NewFromConfig(l.AWS(), func(o *eventbridge.Options) { o.RetryMaxAttempts = 1 }).PutEvents(ctx, &eventbridge.PutEventsInput{
			Entries: []eventbridgetypes.PutEventsRequestEntry{{
				EventBusName: aws.String(keptBus), Source: aws.String("probe-function"), DetailType: aws.String("probe"), Detail: aws.String(batch(id)),
			}},
		})
		if err == nil && out.FailedEntryCount > 0 {
			return errors.New(*out.Entries[0].ErrorCode)
		}
	case 2:
		_, err = sqs.NewFromConfig(l.AWS(), func(o *sqs.Options) { o.RetryMaxAttempts = 1 }).SendMessage(ctx, &sqs.SendMessageInput{
			QueueUrl: aws.String(l.endpoint + "/000000000000/" + calledQueue), MessageBody: aws.String(message(id)),
		})
	}
	if err == nil {
		p.called.add(id)
	}
	return err
}

// message is an event as EventBridge puts it into a queue, and batch what Lambda
// calls a function with for it.
func message(id string) string {
	return fmt.Sprintf(`{"version":"0","id":%q,"detail-type":"probe.sent","source":%q,"account":"000000000000","time":"2026-01-02T03:04:05Z","region":"us-east-1","resources":[],"detail":%s}`,
		id, domain.Application, envelope(id))
}

func batch(id string) string {
	return fmt.Sprintf(`{"Records":[{"messageId":%[1]q,"receiptHandle":%[1]q,"body":%[2]q,"attributes":{"ApproximateReceiveCount":"1"},"messageAttributes":{},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:%[3]s","awsRegion":"us-east-1"}]}`,
		id, message(id), calledQueue)
}

func (p *program) route(ctx context.Context, l *life, n int) error {
	id := fmt.Sprintf("routed-%d", n)
	out, err := eventbridge.NewFromConfig(l.AWS(), func(o *eventbridge.Options) { o.RetryMaxAttempts = 1 }).PutEvents(ctx, &eventbridge.PutEventsInput{
		Entries: []eventbridgetypes.PutEventsRequestEntry{{
			EventBusName: aws.String(keptBus), Source: aws.String("probe"), DetailType: aws.String("probe"), Detail: aws.String(`{"id":"` + id + `"}`),
		}},
	})
	if err == nil && out.FailedEntryCount == 0 {
		p.routed.add(id)
	}
	return err
}

func (p *program) keep(ctx context.Context, l *life, n int) error {
	id := fmt.Sprintf("kept-%d", n)
	_, err := sqs.NewFromConfig(l.AWS(), func(o *sqs.Options) { o.RetryMaxAttempts = 1 }).SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: aws.String(l.endpoint + "/000000000000/" + keptQueue), MessageBody: aws.String(id),
	})
	if err == nil {
		p.kept.add(id)
	}
	return err
}

// checkKept takes everything out of the queue that a call made.
func (l life) checkKept(t *testing.T, p *program) {
	t.Helper()
	client := sqs.NewFromConfig(l.AWS())
	url := aws.String(l.endpoint + "/000000000000/" + keptQueue)
	missing := map[string]bool{}
	for _, id := range slices.Concat(p.routed.ids, p.kept.ids) {
		missing[id] = true
	}
	// What EventBridge had not delivered at the last kill, it delivers again.
	for end := time.Now().Add(settlesWithin); len(missing) > 0; {
		got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Messages) == 0 && time.Now().After(end) {
			break
		}
		if len(got.Messages) == 0 {
			continue
		}
		done := &sqs.DeleteMessageBatchInput{QueueUrl: url}
		for _, m := range got.Messages {
			delete(missing, strings.Trim(*m.Body, `"`))
			done.Entries = append(done.Entries, types.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
		}
		if out, err := client.DeleteMessageBatch(t.Context(), done); err != nil || len(out.Failed) > 0 {
			t.Fatal(err, out)
		}
	}
	for id := range missing {
		t.Errorf("%s was acknowledged and is not in the queue", id)
	}
}

func (p *program) makeTable(t *testing.T, l life) {
	t.Helper()
	_, err := dynamodb.NewFromConfig(l.AWS()).CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(probeTable), BillingMode: dynamodbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: dynamodbtypes.ScalarAttributeTypeS}},
		KeySchema:            []dynamodbtypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: dynamodbtypes.KeyTypeHash}},
		StreamSpecification:  &dynamodbtypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: dynamodbtypes.StreamViewTypeKeysOnly},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (p *program) putItem(ctx context.Context, l *life, n int) error {
	id := fmt.Sprintf("item-%d", n)
	_, err := dynamodb.NewFromConfig(l.AWS(), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 }).PutItem(ctx, &dynamodb.PutItemInput{
		TableName: aws.String(probeTable), Item: map[string]dynamodbtypes.AttributeValue{"id": &dynamodbtypes.AttributeValueMemberS{Value: id}},
	})
	if err == nil {
		p.items.add(id)
	}
	return err
}

// unsettled are the acknowledged events and messages without an outcome.
func (p *program) unsettled(deliveries map[string][]bus.Delivery) []string {
	var missing []string
	for _, id := range slices.Concat(p.puts.ids, p.sends.ids, p.called.ids) {
		event := "probe/" + id + "@1"
		if !slices.ContainsFunc(deliveries[event], func(d bus.Delivery) bool { return d.Subscription == probe.Name && d.Status == bus.Succeeded }) {
			missing = append(missing, event+" at "+probe.Name)
		}
	}
	return missing
}

// checkProgram looks for everything that was acknowledged. What was not may be
// there all the same, once.
func (l life) checkProgram(t *testing.T, p *program) {
	t.Helper()
	counted := map[string]int64{}
	for s, err := range tables.UserStats.Scan().All(t.Context(), l.Store) {
		if err != nil {
			t.Fatal(err)
		}
		counted[s.StatKey] = s.TotalUsers
	}
	for key, n := range counted {
		if strings.HasPrefix(key, "probe/") && n != 1 {
			t.Errorf("%s was counted %d times", key, n)
		}
	}
	for _, id := range slices.Concat(p.puts.ids, p.sends.ids, p.called.ids) {
		if counted["probe/"+id] != 1 {
			t.Errorf("%s was acknowledged and counted %d times", id, counted["probe/"+id])
		}
	}

	stored := map[string]bool{}
	client := dynamodb.NewFromConfig(l.AWS())
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: aws.String(probeTable), ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			stored[item["id"].(*dynamodbtypes.AttributeValueMemberS).Value] = true
		}
	}
	streamed := l.streamed(t, client)
	for _, id := range p.items.ids {
		if !stored[id] || !streamed[id] {
			t.Errorf("item %s was acknowledged; in the table %v, in its stream %v", id, stored[id], streamed[id])
		}
	}
	for id := range stored {
		if !streamed[id] {
			t.Errorf("item %s is in the table and not in its stream", id)
		}
	}
	l.drained(t)
	l.checkKept(t, p)
}

// streamed are the keys in the stream of probeTable.
func (l life) streamed(t *testing.T, client *dynamodb.Client) map[string]bool {
	t.Helper()
	is, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(probeTable)})
	if err != nil {
		t.Fatal(err)
	}
	streams := dynamodbstreams.NewFromConfig(l.AWS())
	stream, err := streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: is.Table.LatestStreamArn})
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for _, shard := range stream.StreamDescription.Shards {
		at, err := streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{
			StreamArn: is.Table.LatestStreamArn, ShardId: shard.ShardId, ShardIteratorType: streamstypes.ShardIteratorTypeTrimHorizon,
		})
		if err != nil {
			t.Fatal(err)
		}
		for next := at.ShardIterator; next != nil; {
			got, err := streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: next})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Records) == 0 {
				break // of an open shard: it is read to its end
			}
			for _, r := range got.Records {
				keys[r.Dynamodb.Keys["id"].(*streamstypes.AttributeValueMemberS).Value] = true
			}
			next = got.NextShardIterator
		}
	}
	return keys
}
