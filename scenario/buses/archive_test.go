package buses_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/localtest"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/scenario/buses/shop"
)

// Shop's archive is replayed to the rule of one subscription, by the calls that
// docs/buses.md names: what it has no record of is handled again, what it has is not, and
// no other subscription gets anything.
func TestArchive(t *testing.T) {
	a := localtest.Start(t, localtest.Options{Dir: "testdata/shop"})
	ctx, events := t.Context(), eventbridge.NewFromConfig(a.AWS())
	began := time.Now()
	var ids []string
	for _, order := range []string{"lost", "kept"} {
		c, err := a.Log(t).Commit(ctx, eventlog.Changes{Events: []event.Record{
			shop.Placed.At("order/"+order, event.New).Record(shop.OrderPlaced{OrderID: order, Cents: 100}),
		}})
		if err != nil {
			t.Fatal(err)
		}
		id := c.Events[0].ID
		ids = append(ids, id)
		for _, sub := range []*bus.Definition{shop.Bill, shop.Ship} {
			d := a.Handled(ctx, t, id, sub)
			if kept := time.Unix(d.ExpiresAt, 0).Sub(d.LastAt).Round(time.Hour); kept != 60*24*time.Hour {
				t.Errorf("the record of %s at %s is kept for %v, want 60 days", id, sub.Name, kept)
			}
		}
	}
	a.Until(ctx, t, "both forms of both events in the archive", func(ctx context.Context) (bool, error) {
		archive, err := events.DescribeArchive(ctx, &eventbridge.DescribeArchiveInput{ArchiveName: aws.String(shopBus)})
		if err == nil && aws.ToInt32(archive.RetentionDays) != 30 {
			t.Fatalf("the archive keeps %d days", aws.ToInt32(archive.RetentionDays))
		}
		return err == nil && archive.EventCount == 4, err
	})

	// One record is lost, as if the event had never come.
	if err := orm.Exec(ctx, a.Store(t), bus.Deliveries.Delete(orm.Key(ids[0], shop.Bill.Name))); err != nil {
		t.Fatal(err)
	}
	rules, err := events.ListRuleNamesByTarget(ctx, &eventbridge.ListRuleNamesByTargetInput{
		TargetArn: aws.String("arn:aws:sqs:us-east-1:000000000000:shop-local-bill"), EventBusName: aws.String(shopBus),
	})
	if err != nil || len(rules.RuleNames) != 1 {
		t.Fatalf("the rules of bill are %v, %v", rules, err)
	}
	const account = "arn:aws:events:us-east-1:000000000000:"
	_, err = events.StartReplay(ctx, &eventbridge.StartReplayInput{
		ReplayName: aws.String("bill-again"), EventSourceArn: aws.String(account + "archive/" + shopBus),
		EventStartTime: aws.Time(began.Add(-time.Minute)), EventEndTime: aws.Time(time.Now().Add(time.Minute)),
		Destination: &eventbridgetypes.ReplayDestination{Arn: aws.String(account + "event-bus/" + shopBus), FilterArns: []string{account + "rule/" + shopBus + "/" + rules.RuleNames[0]}},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Handled(ctx, t, ids[0], shop.Bill)
	a.Until(ctx, t, "the end of the replay", func(ctx context.Context) (bool, error) {
		r, err := events.DescribeReplay(ctx, &eventbridge.DescribeReplayInput{ReplayName: aws.String("bill-again")})
		return err == nil && r.State == eventbridgetypes.ReplayStateCompleted, err
	})
	queues := sqs.NewFromConfig(a.AWS())
	a.Until(ctx, t, "bill's queue to be empty", func(ctx context.Context) (bool, error) {
		u, err := queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("shop-local-bill")})
		if err != nil {
			return false, err
		}
		q, err := queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: u.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"}})
		return err == nil && q.Attributes["ApproximateNumberOfMessages"] == "0" && q.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0", err
	})
	for name, want := range map[string]int64{"bill": 3, "ship": 2} {
		if got, err := shop.Totals.Get(ctx, a.Store(t), name); err != nil || got.Count != want {
			t.Errorf("%s handled %d, %v, want %d", name, got.Count, err, want)
		}
	}
	// What was replayed is not archived a second time.
	if archive, err := events.DescribeArchive(ctx, &eventbridge.DescribeArchiveInput{ArchiveName: aws.String(shopBus)}); err != nil || archive.EventCount != 4 {
		t.Errorf("the archive has %v, %v, want 4 events", archive, err)
	}
}

// The accounts that are named may publish on shop's bus, with any source but shop's own.
func TestPublisherAccounts(t *testing.T) {
	a := localtest.Start(t, localtest.Options{Dir: "testdata/shop"})
	out, err := eventbridge.NewFromConfig(a.AWS()).DescribeEventBus(t.Context(), &eventbridge.DescribeEventBusInput{Name: aws.String(shopBus)})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := iam.ParseResource([]byte(aws.ToString(out.Policy)))
	if err != nil {
		t.Fatalf("%v: %s", err, aws.ToString(out.Policy))
	}
	for _, tt := range []struct {
		account, action, source string
		allowed                 bool
	}{
		{"111122223333", "events:PutEvents", "partner", true},
		{"111122223333", "events:PutEvents", "partner.public", true},
		{"111122223333", "events:PutEvents", "shop", false},
		{"111122223333", "events:PutEvents", "shop.public", false},
		{"111122223333", "events:PutRule", "partner", false},
		{"999988887777", "events:PutEvents", "partner", false},
	} {
		who := iam.Principal{Account: tt.account, RoleARN: "arn:aws:iam::" + tt.account + ":role/relay"}
		need := iam.Need{Action: tt.action, Resource: aws.ToString(out.Arn), Context: map[string][]string{"events:source": {tt.source}}}
		if got := policy.DecideFor(who, need); got.Allowed() != tt.allowed {
			t.Errorf("account %s, %s with source %s: allowed is %v", tt.account, tt.action, tt.source, got.Allowed())
		}
	}
}
