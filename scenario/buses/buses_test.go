package buses_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/direct"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/relay"
	"github.com/vinci-go/vinci/internal/schemacheck"
	"github.com/vinci-go/vinci/local/localtest"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/scenario/buses/books"
	"github.com/vinci-go/vinci/scenario/buses/shop"
	"github.com/vinci-go/vinci/scenario/buses/till"
)

const shopBus = "shop-local-bus"

// publish puts an event on shop's bus in the name of an application: its own entry and
// its public one, as that application's relay makes them.
func publish(t *testing.T, a *localtest.App, application, id string, r event.Record) {
	t.Helper()
	p := direct.New(direct.Options{
		Source: application, Bus: relay.NewPublisher(eventbridge.NewFromConfig(a.AWS()), shopBus),
		NewID: func() string { return id },
	})
	if _, err := p.Publish(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func placed(id string, cents int64) event.Record {
	return shop.Placed.Record(shop.OrderPlaced{OrderID: id, Cents: cents, Card: "4111"})
}

// listen makes a queue that gets all that is on shop's bus from till, by calls, as a
// fourth application would.
func listen(t *testing.T, a *localtest.App) (receive func() map[string]eventOnBus) {
	t.Helper()
	ctx := t.Context()
	queues, events := sqs.NewFromConfig(a.AWS()), eventbridge.NewFromConfig(a.AWS())
	q, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("listener")})
	if err != nil {
		t.Fatal(err)
	}
	const account, name = "000000000000", "listener"
	queueARN, ruleARN := "arn:aws:sqs:us-east-1:"+account+":"+name, "arn:aws:events:us-east-1:"+account+":rule/"+shopBus+"/"+name
	_, err = queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: q.QueueUrl, Attributes: map[string]string{
		"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + queueARN + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + ruleARN + `"}}}]}`,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = events.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String(name), EventBusName: aws.String(shopBus), EventPattern: aws.String(`{"source":[{"prefix":"till"}]}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err = events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String(name), EventBusName: aws.String(shopBus), Targets: []eventbridgetypes.Target{{Id: aws.String("q"), Arn: aws.String(queueARN)}}}); err != nil {
		t.Fatal(err)
	}
	got := map[string]eventOnBus{}
	return func() map[string]eventOnBus {
		out, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: q.QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			var e eventOnBus
			if err := json.Unmarshal([]byte(*m.Body), &e); err != nil {
				t.Fatal(err)
			}
			got[e.Source] = e
		}
		return got
	}
}

type eventOnBus struct {
	Source string
	Detail json.RawMessage
}

func (e eventOnBus) envelope(t *testing.T) event.Envelope {
	t.Helper()
	got, err := event.DecodeEnvelope(e.Detail)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// satisfies checks an event as it was on the bus against what is exported of its type.
func satisfies(t *testing.T, application string, of event.Type, e eventOnBus) {
	t.Helper()
	events, err := schema.Describe(of)
	if err != nil {
		t.Fatal(err)
	}
	x := schema.Export{Application: application, Bus: application, Source: application, PublicSource: eventlog.PublicSource(application), Events: events, Internal: true}
	text, err := x.JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	v, err := schemacheck.New(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Check(e.Detail); err != nil {
		t.Errorf("%s does not satisfy what is exported: %v", e.Detail, err)
	}
}

// Till has no bus: it publishes on shop's, and consumes there what shop publishes and
// what it publishes itself.
func TestPublishesOnAnother(t *testing.T) {
	a := localtest.Start(t, localtest.Options{Dir: "testdata/till"})
	if notes := strings.Join(a.Runtime().Notes(), "\n"); !strings.Contains(notes, "event bus "+shopBus+" is another application's") {
		t.Errorf("nothing is said of the bus:\n%s", notes)
	}
	receive := listen(t, a)
	publish(t, a, shop.Application, "one", placed("7", 500))
	record := a.Handled(t.Context(), t, "direct/one@1", till.Ring)
	if record.EventID != "shop:direct/one@1" {
		t.Errorf("the record is of %s", record.EventID)
	}
	rang := event.EventID("till/front", 1)
	a.Handled(t.Context(), t, rang, till.CountRings)
	if c, err := till.Counts.Get(t.Context(), a.Store(t), "all"); err != nil || c.Rings != 1 || c.Cents != 500 {
		t.Errorf("counted %+v, %v", c, err)
	}
	var got map[string]eventOnBus
	a.Until(t.Context(), t, "both forms of the ring on shop's bus", func(context.Context) (bool, error) {
		got = receive()
		return len(got) == 2, nil
	})
	inner, public := got["till"].envelope(t), got["till.public"].envelope(t)
	satisfies(t, till.Application, till.Rang, got["till"])
	satisfies(t, till.Application, till.Rang, got["till.public"])
	if inner.ID != rang || public.ID != rang || inner.CausationID != "shop:direct/one@1" || public.Source != "till.public" {
		t.Errorf("on the bus are %+v and %+v", inner.Metadata, public.Metadata)
	}
	if string(public.Data) != `{"cents":500}` || !strings.Contains(string(inner.Data), "drawer") {
		t.Errorf("on the bus are %s and %s", inner.Data, public.Data)
	}

	// The same id of two applications is two events, and each is handled once.
	publish(t, a, shop.Application, "one", placed("7", 500))
	publish(t, a, till.Application, "one", till.Rang.Record(till.Rung{Cents: 20}))
	a.Handled(t.Context(), t, "direct/one@1", till.CountRings)
	publish(t, a, shop.Application, "two", placed("8", 5))
	a.Handled(t.Context(), t, "direct/two@1", till.Ring)
	a.Handled(t.Context(), t, event.EventID("till/front", 2), till.CountRings)
	if c, err := till.Counts.Get(t.Context(), a.Store(t), "all"); err != nil || c.Rings != 3 || c.Cents != 525 {
		t.Errorf("counted %+v, %v, want 3 rings of 525", c, err)
	}
}

// Books publishes nothing. It consumes what two others publish on one bus.
func TestConsumesOnly(t *testing.T) {
	a := localtest.Start(t, localtest.Options{Dir: "testdata/books"})
	for _, f := range a.Runtime().Functions() {
		if f != "keep_orders" && f != "keep_rings" {
			t.Errorf("there is a function %s", f)
		}
	}
	// Both applications give their event the same id.
	publish(t, a, shop.Application, "same", placed("7", 500))
	publish(t, a, till.Application, "same", till.Rang.Record(till.Rung{OrderID: "7", Cents: 20, Drawer: 1}))
	publish(t, a, shop.Application, "same", placed("7", 500))
	for sub, want := range map[*bus.Definition]books.Entry{
		books.KeepOrders: {Name: "orders", Cents: 500, Count: 1},
		books.KeepRings:  {Name: "rings", Cents: 20, Count: 1},
	} {
		a.Handled(t.Context(), t, "direct/same@1", sub)
		got, err := books.Entries.Get(t.Context(), a.Store(t), want.Name)
		if err != nil || got != want {
			t.Errorf("%s kept %+v, %v, want %+v", sub.Name, got, err, want)
		}
	}
	var ids []string
	for d, err := range orm.QueryTable(bus.Deliveries, "direct/same@1").All(t.Context(), a.Store(t)) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, d.Subscription)
	}
	if len(ids) > 0 {
		t.Errorf("records without an application: %v", ids)
	}
}
