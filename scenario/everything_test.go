package scenario_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/scenario"
	"github.com/vinci-go/vinci/tables"
)

// everything is one full run: every route with its refusals, every subscription, a
// handler that fails and succeeds then, duplicates, messages that are no events, an
// event that cannot be published, a timer, and a replay.
func everything(t *testing.T, stage *scenario.Stage) {
	t.Helper()
	config := stage.AWS()
	s := &system{Stage: stage, dynamodb: dynamodb.NewFromConfig(config), eventbridge: eventbridge.NewFromConfig(config), sqs: sqs.NewFromConfig(config)}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	check := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}

	// The routes.
	alice := register(ctx, t, stage, "alice")
	check("activate", stage.Call(ctx, "POST", "/users/"+alice+"/activate", nil, &struct{}{}, 200))
	check("activate again", stage.Call(ctx, "POST", "/users/"+alice+"/activate", nil, &struct{}{}, 409))
	check("register again", stage.Call(ctx, "POST", "/users", map[string]string{"email": "alice@example.com", "name": "A"}, &struct{}{}, 409))
	check("read", stage.Call(ctx, "GET", "/users/"+alice, nil, &struct{}{}, 200))
	check("read nobody", stage.Call(ctx, "GET", "/users/nobody", nil, &struct{}{}, 404))
	s.settled(t, alice, 1)
	s.settled(t, alice, 2)
	check("stats", stage.Call(ctx, "GET", "/stats", nil, &struct{}{}, 200))

	// Duplicates, many at once.
	s.total.Add(1)
	s.active.Add(1)
	s.testDuplicates(t)

	// A timer that the log has, fired by its function.
	bob := register(ctx, t, stage, "bob")
	_, err := stage.Log.Commit(ctx, eventlog.Changes{Timers: []eventlog.Timer{{
		Due: time.Now(), Event: users.Activated.At("user/"+bob, event.Append).Record(users.UserActivated{UserID: bob}),
	}}})
	check("set a timer", err)
	for {
		if _, err := stage.Event(ctx, "user/"+bob, 2); err == nil {
			break
		}
		check("wait for the timer", ctx.Err())
		time.Sleep(20 * time.Millisecond) // between two looks at a condition that nothing signals
	}
	s.settled(t, bob, 2)

	check("the orders' story", stage.Orders(ctx))
	check("read no order", stage.Do(ctx, scenario.Request{Method: "GET", Path: "/orders/none", Tenant: "acme"}, nil, 404))
	check("read no stock", stage.Do(ctx, scenario.Request{Method: "GET", Path: "/inventory/none", Tenant: "acme"}, nil, 200))

	s.testFailures(ctx, t)
	s.testReplay(ctx, t, bob)
	s.testPoisonAll(ctx, t)
	s.testUnpublishable(ctx, t)
}

// testFailures lets both counters fail once, because their item is not what they
// made of it, and succeed when it is mended.
func (s *system) testFailures(ctx context.Context, t *testing.T) {
	t.Helper()
	table := scenario.Deployment.Table(tables.UserStats.Schema().Name)
	key := map[string]dynamodbtypes.AttributeValue{"stat_key": &dynamodbtypes.AttributeValueMemberS{Value: tables.GlobalStats}}
	set := func(total, active dynamodbtypes.AttributeValue) {
		t.Helper()
		if _, err := s.dynamodb.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: aws.String(table), Key: key, UpdateExpression: aws.String("SET total_users = :t, active_users = :a"),
			ExpressionAttributeValues: map[string]dynamodbtypes.AttributeValue{":t": total, ":a": active},
		}); err != nil {
			t.Fatal(err)
		}
	}
	was, err := s.dynamodb.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(table), Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	text := &dynamodbtypes.AttributeValueMemberS{Value: "many"}
	set(text, text)
	carol := register(ctx, t, s.Stage, "carol")
	if err := s.Call(ctx, "POST", "/users/"+carol+"/activate", nil, &struct{}{}, 200); err != nil {
		t.Fatal(err)
	}
	for _, wait := range []struct {
		version int64
		sub     *bus.Definition
	}{{1, users.CountTotal}, {2, users.CountActive}} {
		e, err := s.Event(ctx, "user/"+carol, wait.version)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Delivered(ctx, e.ID, wait.sub, bus.Failed); err != nil {
			t.Fatal(err)
		}
	}
	set(was.Item["total_users"], was.Item["active_users"])
	s.settled(t, carol, 1)
	s.settled(t, carol, 2)
}

// testReplay lets one subscription handle an event again whose record is lost, and
// another whose record says that somebody has it for a moment still.
func (s *system) testReplay(ctx context.Context, t *testing.T, user string) {
	t.Helper()
	id := "user/" + user + "@1"
	lost, err := bus.Deliveries.Get(ctx, s.Store, orm.Key(id, users.SendWelcome.Name))
	if err != nil {
		t.Fatal(err)
	}
	held := lost
	held.Status, held.RunID, held.LeaseUntil = bus.Processing, "somebody", time.Now().Add(2*time.Second)
	var subs []ops.Subscription
	for _, sub := range subscriptions {
		subs = append(subs, ops.Of(sub))
	}
	o, err := ops.New(ops.Options{Application: scenario.Deployment.App, Deployment: scenario.Deployment.ID, Store: s.Store, Log: s.Log, Queues: ops.NewSQS(s.AWS()), Subscriptions: subs})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []orm.Write{bus.Deliveries.Delete(orm.Key(id, users.SendWelcome.Name)), bus.Deliveries.Put(held)} {
		if err := orm.Exec(ctx, s.Store, w); err != nil {
			t.Fatal(err)
		}
		p, err := o.Replay(event.WithFlow(ctx, event.Flow{Actor: "tester"}), users.SendWelcome.Name, ops.Replay{Selection: ops.Selection{Stream: "user/" + user}})
		if err != nil || p.Sent != 1 {
			t.Fatalf("replay: %+v, %v", p, err)
		}
		if err := s.Delivered(ctx, id, users.SendWelcome, bus.Succeeded); err != nil {
			t.Fatal(err)
		}
	}
}

// testPoisonAll gives each subscription what is no event.
func (s *system) testPoisonAll(ctx context.Context, t *testing.T) {
	t.Helper()
	for _, e := range []event.Type{users.Created, users.Activated, orders.Placed, orders.Rejected, orders.Cancelled} {
		out, err := s.eventbridge.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventbridgetypes.PutEventsRequestEntry{{
			EventBusName: aws.String(scenario.Deployment.Bus()), Source: aws.String(domain.Application),
			DetailType: aws.String(e.Name()), Detail: aws.String(`{"no":"envelope"}`),
		}}})
		if err != nil || out.FailedEntryCount != 0 {
			t.Fatalf("put event: %v %v", err, out)
		}
	}
	for _, sub := range slices.Concat(subscriptions, scenario.OrderSubscriptions()) {
		s.received(ctx, t, scenario.Deployment.DeadLetterQueue(sub.Name))
	}
}

// testUnpublishable puts an item into the log that is no event: the relay gives it up.
func (s *system) testUnpublishable(ctx context.Context, t *testing.T) {
	t.Helper()
	if _, err := s.dynamodb.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: aws.String(scenario.Deployment.Table(names.TableEvents)),
		Item: map[string]dynamodbtypes.AttributeValue{
			"stream": &dynamodbtypes.AttributeValueMemberS{Value: "junk/1"}, "version": &dynamodbtypes.AttributeValueMemberN{Value: "1"},
		},
	}); err != nil {
		t.Fatal(err)
	}
	s.received(ctx, t, scenario.Deployment.RelayFailedQueue())
}

// received waits for a message in a queue.
func (s *system) received(ctx context.Context, t *testing.T, queue string) {
	t.Helper()
	url, err := s.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(queue)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url.QueueUrl, WaitTimeSeconds: 20})
	if err != nil || len(got.Messages) == 0 {
		t.Fatalf("queue %s: %d messages, %v", queue, len(got.Messages), err)
	}
}
