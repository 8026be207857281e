package chaos_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (f *fixture) receive(t *testing.T, queue string) []types.Message {
	t.Helper()
	out, err := f.sqs().ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{
		QueueUrl: f.queueURL(queue), MaxNumberOfMessages: 10, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

func (f *fixture) delete(t *testing.T, queue string, m types.Message) {
	t.Helper()
	if _, err := f.sqs().DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: f.queueURL(queue), ReceiptHandle: m.ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
}

func idsOf(messages []types.Message) (ids []string) {
	for _, m := range messages {
		ids = append(ids, *m.MessageId)
	}
	return ids
}

func bodies(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint("message ", i))
	}
	return all
}

// A deleted message comes once more, with its id and a receive count one higher,
// and its second delete is for good.
func TestDeletedComesOnceMore(t *testing.T) {
	f := newFixture(t, only(t, "1", "duplicate=0.5"), "q")
	want := f.send(t, "q", bodies(40)...)
	times, again := map[string]int{}, 0
	for range 30 {
		for _, m := range f.receive(t, "q") {
			times[*m.MessageId]++
			if m.Attributes["ApproximateReceiveCount"] == "2" {
				again++
			}
			f.delete(t, "q", m)
		}
	}
	var got []string
	for id := range times {
		got = append(got, id)
	}
	if !slices.Equal(sorted(got), sorted(want)) {
		t.Fatalf("%d messages were received, %d sent", len(got), len(want))
	}
	most := 0
	for _, n := range times {
		most = max(most, n)
	}
	// Twice at once for each of two receives at most.
	if again < 5 || most < 2 || most > 4 {
		t.Errorf("%d messages came once more, one came %d times", again, most)
	}
	if visible, inFlight, _, err := f.queues.Counts(t.Context(), "arn:aws:sqs:us-east-1:000000000000:q"); visible+inFlight != 0 || err != nil {
		t.Errorf("%d and %d messages are left, %v", visible, inFlight, err)
	}
}

// What is delivered twice at once is the same message to two receivers, before
// anybody has deleted it.
func TestTwiceAtOnce(t *testing.T) {
	f := newFixture(t, only(t, "1", "duplicate=1"), "q")
	id := f.send(t, "q", "x")[0]
	first, second, third := f.receive(t, "q"), f.receive(t, "q"), f.receive(t, "q")
	if len(first) != 1 || len(second) != 1 || *second[0].MessageId != id || *second[0].Body != "x" || len(third) != 0 {
		t.Fatalf("received %v, %v, %v", idsOf(first), idsOf(second), idsOf(third))
	}
}

// FIFO queues deliver once and in order.
func TestFIFOIsLeftAlone(t *testing.T) {
	for _, rates := range []string{"duplicate=1", "shuffle=1", "split=1"} {
		f := newFixture(t, only(t, "1", rates))
		w := newRecorder()
		f.plan.Around(w, sqsRequest("ReceiveMessage", `{"QueueUrl":"http://x/1/q.fifo","MaxNumberOfMessages":10}`), answerMessages)
		if got := w.Body.String(); got != threeMessages {
			t.Errorf("%s: %s", rates, got)
		}
	}
}

func TestShuffleAndSplitReceives(t *testing.T) {
	f := newFixture(t, only(t, "2", "shuffle=1,split=0.5"), "q")
	want := f.send(t, "q", bodies(40)...)
	var got []string
	fewer, moved := false, false
	for len(got) < len(want) {
		batch := idsOf(f.receive(t, "q"))
		fewer = fewer || len(batch) < 10
		moved = moved || !slices.Equal(batch, want[len(got):len(got)+len(batch)])
		got = append(got, batch...)
	}
	if !slices.Equal(sorted(got), sorted(want)) || !fewer || !moved {
		t.Errorf("fewer than asked: %v, another order: %v; received %d of %d", fewer, moved, len(got), len(want))
	}
}

// Of a batch some entries fail, and those that are sent again until none does are
// all there once.
func TestSendBatch(t *testing.T) {
	f := newFixture(t, only(t, "1", "throttle=0.6"), "q")
	var entries []types.SendMessageBatchRequestEntry
	for i, body := range bodies(10) {
		entries = append(entries, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: &body})
	}
	rounds := 0
	for len(entries) > 0 {
		if rounds++; rounds > 5 {
			t.Fatalf("%d entries fail again and again", len(entries))
		}
		out, err := f.sqs().SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{QueueUrl: f.queueURL("q"), Entries: entries})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Failed)+len(out.Successful) != len(entries) {
			t.Fatalf("%d failed and %d done, of %d", len(out.Failed), len(out.Successful), len(entries))
		}
		entries = slices.DeleteFunc(entries, func(e types.SendMessageBatchRequestEntry) bool {
			return !slices.ContainsFunc(out.Failed, func(x types.BatchResultErrorEntry) bool {
				if x.SenderFault || *x.Code != "InternalError" {
					t.Errorf("failed with %s, the sender's fault: %v", *x.Code, x.SenderFault)
				}
				return *x.Id == *e.Id
			})
		})
	}
	if visible, _, _, err := f.queues.Counts(t.Context(), "arn:aws:sqs:us-east-1:000000000000:q"); visible != 10 || err != nil || rounds < 2 {
		t.Errorf("%d messages after %d rounds, %v", visible, rounds, err)
	}
}

func TestDeleteBatch(t *testing.T) {
	f := newFixture(t, only(t, "4", "throttle=0.3,duplicate=0.5"), "q")
	f.send(t, "q", bodies(10)...)
	failed, times := 0, map[string]int{}
	for range 30 {
		var entries []types.DeleteMessageBatchRequestEntry
		for i, m := range f.receive(t, "q") {
			times[*m.MessageId]++
			entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
		}
		for len(entries) > 0 {
			out, err := f.sqs().DeleteMessageBatch(t.Context(), &awssqs.DeleteMessageBatchInput{QueueUrl: f.queueURL("q"), Entries: entries})
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Failed)+len(out.Successful) != len(entries) {
				t.Fatalf("%d failed and %d done, of %d", len(out.Failed), len(out.Successful), len(entries))
			}
			failed += len(out.Failed)
			entries = slices.DeleteFunc(entries, func(e types.DeleteMessageBatchRequestEntry) bool {
				return !slices.ContainsFunc(out.Failed, func(x types.BatchResultErrorEntry) bool { return *x.Id == *e.Id })
			})
		}
	}
	more := 0
	for _, n := range times {
		more += n - 1
	}
	if len(times) != 10 || failed == 0 || more == 0 {
		t.Errorf("%d messages, %d failed entries, %d deliveries more", len(times), failed, more)
	}
	if visible, inFlight, _, err := f.queues.Counts(t.Context(), "arn:aws:sqs:us-east-1:000000000000:q"); visible+inFlight != 0 || err != nil {
		t.Errorf("%d and %d messages are left, %v", visible, inFlight, err)
	}
}

// PutEvents says for each entry, in its place, what became of it.
func TestPutEvents(t *testing.T) {
	f := newFixture(t, only(t, "1", "throttle=0.6"))
	var entries []ebtypes.PutEventsRequestEntry
	for i := range 10 {
		entries = append(entries, ebtypes.PutEventsRequestEntry{Source: aws.String("app"), DetailType: aws.String("done"), Detail: aws.String(fmt.Sprintf(`{"n":%d}`, i))})
	}
	codes := map[string]int{}
	for rounds := 0; len(entries) > 0; rounds++ {
		if rounds == 5 {
			t.Fatalf("%d entries fail again and again", len(entries))
		}
		out, err := f.events().PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries})
		if err != nil {
			t.Fatal(err)
		}
		var left []ebtypes.PutEventsRequestEntry
		for i, r := range out.Entries {
			if (r.ErrorCode == nil) != (r.EventId != nil) {
				t.Errorf("result %+v", r)
			}
			if r.ErrorCode != nil {
				codes[*r.ErrorCode]++
				left = append(left, entries[i])
			}
		}
		if len(out.Entries) != len(entries) || int(out.FailedEntryCount) != len(left) {
			t.Fatalf("%d results of %d entries, %d failed by the count and %d by their codes", len(out.Entries), len(entries), out.FailedEntryCount, len(left))
		}
		entries = left
	}
	if codes["ThrottlingException"] == 0 || codes["InternalFailure"] == 0 || len(codes) != 2 {
		t.Errorf("codes %v", codes)
	}
}
