package sqs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestConformanceFIFO(t *testing.T) {
	// several sends bodies like g1-m1, whose group is before the hyphen.
	several := func(t *testing.T, f *fixture, url *string, bodies ...string) {
		for _, body := range bodies {
			group, _, _ := strings.Cut(body, "-")
			f.put(t, url, body, in(group))
			f.wait(time.Millisecond)
		}
	}
	checkRules(t, []rule{
		{"a message has group, deduplication id and sequence number", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo", "VisibilityTimeout", "0")
			sent := f.put(t, url, "a", in("g", "d"))
			got := f.get(t, url)
			if len(got) != 1 || *got[0].MessageId != *sent.MessageId || got[0].Attributes["MessageGroupId"] != "g" || got[0].Attributes["MessageDeduplicationId"] != "d" ||
				got[0].Attributes["SequenceNumber"] != *sent.SequenceNumber {
				t.Errorf("sent %+v, got %+v", sent, got)
			}
		}},
		{"sequence numbers have 20 digits and grow", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			last := ""
			for i := range 20 {
				n := *f.put(t, url, fmt.Sprint(i), in("g")).SequenceNumber
				if len(n) != 20 || n <= last {
					t.Fatalf("%s after %s", n, last)
				}
				last = n
			}
		}},
		{"messages of a group come in their order, as many as possible of one group", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			several(t, f, url, "g1-m1", "g2-m1", "g1-m2", "g1-m3")
			wantBodies(t, f.get(t, url), "g1-m1", "g1-m2", "g1-m3", "g2-m1")
		}},
		{"a group is blocked while one of its messages is in flight", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			several(t, f, url, "g1-m1", "g1-m2", "g1-m3", "g1-m4", "g2-m1", "g3-m1")
			wantBodies(t, f.get(t, url, atMost(2)), "g1-m1", "g1-m2")
			wantBodies(t, f.get(t, url, atMost(1)), "g2-m1")
			f.wait(30 * time.Second)
			wantBodies(t, f.get(t, url), "g3-m1", "g1-m1", "g1-m2", "g1-m3", "g1-m4", "g2-m1")
		}},
		{"a group is free when what was received is deleted", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			several(t, f, url, "g1-m1", "g2-m1", "g1-m2", "g2-m2", "g1-m3", "g1-m4", "g3-m1")
			m := f.get(t, url, atMost(2))
			wantBodies(t, m, "g1-m1", "g1-m2")
			f.delete(t, url, m...)
			wantBodies(t, f.get(t, url), "g2-m1", "g2-m2", "g1-m3", "g1-m4", "g3-m1")
		}},
		{"a group stays blocked when only a part is deleted", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			several(t, f, url, "g1-m1", "g2-m1", "g1-m2", "g2-m2", "g1-m3", "g3-m1")
			m := f.get(t, url, atMost(2))
			f.delete(t, url, m[0])
			wantBodies(t, f.get(t, url), "g2-m1", "g2-m2", "g3-m1")
		}},
		{"messages come in order again after the time-out", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo", "VisibilityTimeout", "1")
			several(t, f, url, "g-1", "g-2", "g-3")
			for range 3 {
				wantBodies(t, f.get(t, url), "g-1", "g-2", "g-3")
				f.wait(time.Second)
			}
		}},
		{"with a time-out of 0 nothing is blocked", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo", "VisibilityTimeout", "0")
			several(t, f, url, "g1-m1", "g2-m1", "g2-m2", "g3-m1", "g1-m2")
			wantBodies(t, f.get(t, url, atMost(3)), "g1-m1", "g1-m2", "g2-m1")
			wantBodies(t, f.get(t, url), "g3-m1", "g1-m1", "g1-m2", "g2-m1", "g2-m2")
		}},
		{"a message whose time-out ends early comes alone, before those behind it", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			several(t, f, url, "g1-m1", "g1-m2", "g2-m1")
			m := f.get(t, url, atMost(2))
			if err := f.change(t, url, m[0], 0); err != nil {
				t.Fatal(err)
			}
			wantBodies(t, f.get(t, url), "g2-m1", "g1-m1")
		}},
		{"a message whose time-out is longer hides those behind it, not those before it", func(t *testing.T, f *fixture) {
			for i, want := range [][]string{nil, {"g-0"}, {"g-0", "g-1"}} {
				url := f.queue(t, fmt.Sprint("q", i, ".fifo"), "VisibilityTimeout", "1")
				several(t, f, url, "g-0", "g-1", "g-2")
				m := f.get(t, url)
				if err := f.change(t, url, m[i], 4); err != nil {
					t.Fatal(err)
				}
				f.wait(2 * time.Second)
				wantBodies(t, f.get(t, url), want...)
			}
		}},
		{"who waits gets the next message of a group as soon as it is free", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			several(t, f, url, "g-1", "g-2")
			m := f.get(t, url, atMost(1))
			got := make(chan []types.Message)
			go func() {
				out, err := f.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 20})
				if err != nil {
					t.Error(err)
				}
				got <- out.Messages
			}()
			f.delete(t, url, m...)
			wantBodies(t, <-got, "g-2")
		}},
		{"a handle whose time-out is over cannot delete", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			f.put(t, url, "a", in("g"))
			m := f.get(t, url)[0]
			f.wait(30 * time.Second)
			expired := func() error {
				return fails(f.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}))
			}
			wantError(t, expired(), "InvalidParameterValue", "Value "+*m.ReceiptHandle+" for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.", 400)
			again := f.get(t, url)[0]
			wantError(t, expired(), "InvalidParameterValue", "The receipt handle has expired.", 400)
			f.delete(t, url, again, again)
		}},
		{"a handle whose time-out was made longer can delete", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			f.put(t, url, "a", in("g"))
			m := f.get(t, url)[0]
			if err := f.change(t, url, m, 60); err != nil {
				t.Fatal(err)
			}
			f.wait(31 * time.Second)
			f.delete(t, url, m)
		}},
		{"the queue's delay hides messages, in order, and no message has its own", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo", "DelaySeconds", "10")
			f.put(t, url, "a", in("g"), func(in *awssqs.SendMessageInput) { in.DelaySeconds = 0 })
			f.put(t, url, "b", in("g"))
			if got := f.counts(t, url); got != [3]string{"0", "0", "2"} {
				t.Errorf("counts %v", got)
			}
			wantBodies(t, f.get(t, url))
			f.wait(10 * time.Second)
			wantBodies(t, f.get(t, url), "a", "b")
		}},
		{"a changed delay is for the messages that are there, too", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo", "DelaySeconds", "10")
			f.put(t, url, "a", in("g"))
			f.set(t, url, "DelaySeconds", "5")
			f.wait(5 * time.Second)
			f.delete(t, url, f.get(t, url)...)
			f.put(t, url, "b", in("h"))
			f.set(t, url, "DelaySeconds", "20")
			f.wait(10 * time.Second)
			wantBodies(t, f.get(t, url))
			f.wait(10 * time.Second)
			wantBodies(t, f.get(t, url), "b")
		}},
		{"what is sent and not received counts as there, in a blocked group too", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			several(t, f, url, "g1-m1", "g1-m2", "g1-m3", "g2-m1", "g3-m1")
			f.delete(t, url, f.get(t, url, atMost(4))[3])
			if got := f.counts(t, url); got != [3]string{"1", "3", "0"} {
				t.Errorf("counts %v", got)
			}
		}},
		{"a batch is sent in its order, each entry deduplicated by itself", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			batch := &awssqs.SendMessageBatchInput{QueueUrl: url}
			for _, id := range []string{"a", "b", "c", "d"} {
				dedup := id
				if id == "d" {
					dedup = "a"
				}
				batch.Entries = append(batch.Entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &id, MessageGroupId: aws.String("g"), MessageDeduplicationId: &dedup})
			}
			out, err := f.SendMessageBatch(t.Context(), batch)
			if err != nil || len(out.Successful) != 4 || *out.Successful[3].MessageId != *out.Successful[0].MessageId || *out.Successful[3].SequenceNumber != *out.Successful[0].SequenceNumber ||
				*out.Successful[1].SequenceNumber <= *out.Successful[0].SequenceNumber {
				t.Errorf("got %+v, %v", out, err)
			}
			wantBodies(t, f.get(t, url), "a", "b", "c")
		}},
		{"a dead letter frees its group at once", func(t *testing.T, f *fixture) {
			f.queue(t, "d.fifo")
			url := f.queue(t, "q.fifo", "VisibilityTimeout", "0", "RedrivePolicy", redrive("d.fifo", "2"))
			several(t, f, url, "g-1", "g-2")
			wantBodies(t, f.get(t, url, atMost(1)), "g-1")
			wantBodies(t, f.get(t, url, atMost(1)), "g-1")
			wantBodies(t, f.get(t, url, atMost(1)), "g-2")
			wantBodies(t, f.get(t, aws.String("d.fifo")), "g-1")
		}},
	})
	for _, tt := range []struct {
		rule       string
		change     func(*awssqs.SendMessageInput)
		code, text string
	}{
		{"a message needs a group", func(in *awssqs.SendMessageInput) { in.MessageGroupId = nil }, "MissingParameter", "The request must contain the parameter MessageGroupId."},
		{"a message needs a deduplication id, if the queue makes none", func(in *awssqs.SendMessageInput) { in.MessageDeduplicationId = nil }, "InvalidParameterValue", "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
		{"a message has no delay of its own", func(in *awssqs.SendMessageInput) { in.DelaySeconds = 2 }, "InvalidParameterValue", "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type."},
		{"a deduplication id is not empty", func(in *awssqs.SendMessageInput) { in.MessageDeduplicationId = aws.String("") }, "InvalidParameterValue", "Value  for parameter MessageDeduplicationId is invalid. Reason: MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length."},
		{"a deduplication id has no spaces", func(in *awssqs.SendMessageInput) { in.MessageDeduplicationId = aws.String("a b") }, "InvalidParameterValue", "Value a b for parameter MessageDeduplicationId is invalid."},
		{"a deduplication id has up to 128 characters", func(in *awssqs.SendMessageInput) { in.MessageDeduplicationId = aws.String(strings.Repeat("x", 129)) }, "InvalidParameterValue", "1 to 128 in length."},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			f := newFixture(t)
			m := &awssqs.SendMessageInput{QueueUrl: f.queue(t, "q.fifo"), MessageBody: aws.String("a"), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("d")}
			tt.change(m)
			wantError(t, fails(f.SendMessage(t.Context(), m)), tt.code, tt.text, 400)
		})
	}
	for name, entry := range map[string]types.SendMessageBatchRequestEntry{
		"The request must contain the parameter MessageGroupId.":                                                       {MessageDeduplicationId: aws.String("d")},
		"The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly": {MessageGroupId: aws.String("g")},
	} {
		t.Run("a batch fails as a whole: "+name, func(t *testing.T) {
			f := newFixture(t)
			url := f.queue(t, "q.fifo")
			entry.Id, entry.MessageBody = aws.String("bad"), aws.String("b")
			ok := types.SendMessageBatchRequestEntry{Id: aws.String("ok"), MessageBody: aws.String("a"), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("1")}
			wantError(t, fails(f.SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{QueueUrl: url, Entries: []types.SendMessageBatchRequestEntry{ok, entry}})),
				"InvalidParameterValue", name, 400)
			wantBodies(t, f.get(t, url))
		})
	}
}

func TestConformanceDeduplication(t *testing.T) {
	checkRules(t, []rule{
		{"what was sent in the last 5 minutes is not sent again, whatever became of it", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			first := f.put(t, url, "a", in("g", "d"))
			f.delete(t, url, f.get(t, url)...)
			f.wait(5*time.Minute - 1)
			again := f.put(t, url, "another body", in("g", "d")) // the SDK compares the MD5 with what it sent
			if *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber {
				t.Errorf("%+v and %+v", first, again)
			}
			wantBodies(t, f.get(t, url))
			f.wait(1)
			if third := f.put(t, url, "b", in("g", "d")); *third.MessageId == *first.MessageId || *third.SequenceNumber <= *first.SequenceNumber {
				t.Errorf("%+v and %+v", first, third)
			}
			wantBodies(t, f.get(t, url), "b")
		}},
		{"the first send counts for the 5 minutes, not the repeated one", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			f.put(t, url, "a", in("g", "d"))
			f.wait(3 * time.Minute)
			f.put(t, url, "a", in("g", "d"))
			f.wait(2 * time.Minute)
			f.put(t, url, "a", in("h", "d"))
			wantBodies(t, f.get(t, url), "a", "a")
		}},
		{"in the scope of the queue the group does not matter", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			f.put(t, url, "a", in("g", "d"))
			f.put(t, url, "b", in("h", "d"))
			wantBodies(t, f.get(t, url), "a")
		}},
		{"in the scope of the group it does", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo", "DeduplicationScope", "messageGroup", "FifoThroughputLimit", "perMessageGroupId")
			f.put(t, url, "a", in("g", "d"))
			f.put(t, url, "b", in("h", "d"))
			f.put(t, url, "c", in("g", "d"))
			wantBodies(t, f.get(t, url), "a", "b")
		}},
		{"a body is its own deduplication id, without attributes", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo", "ContentBasedDeduplication", "true")
			bare := func(m *awssqs.SendMessageInput) { m.MessageGroupId = aws.String("g") }
			f.put(t, url, "a", bare)
			f.put(t, url, "a", bare, func(m *awssqs.SendMessageInput) {
				m.MessageAttributes = map[string]types.MessageAttributeValue{"k": text("v")}
			})
			f.put(t, url, "b", bare)
			got := f.get(t, url)
			wantBodies(t, got, "a", "b")
			const sha256 = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" // of "a"
			if got[0].Attributes["MessageDeduplicationId"] != sha256 {
				t.Errorf("attributes %v", got[0].Attributes)
			}
			f.put(t, url, "other", in("g", sha256))
			f.put(t, url, "a", in("g", "own"))
			f.wait(time.Minute)
			wantBodies(t, f.get(t, url), "a", "b", "a")
		}},
		{"a purge forgets what was sent", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			f.put(t, url, "a", in("g", "d"))
			if err := fails(f.PurgeQueue(t.Context(), &awssqs.PurgeQueueInput{QueueUrl: url})); err != nil {
				t.Fatal(err)
			}
			f.put(t, url, "b", in("g", "d"))
			wantBodies(t, f.get(t, url), "b")
		}},
		{"a refused message is not remembered", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo")
			m := &awssqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("\x01")}
			in("g", "d")(m)
			if err := fails(f.SendMessage(t.Context(), m)); err == nil {
				t.Fatal("no error")
			}
			f.put(t, url, "a", in("g", "d"))
			wantBodies(t, f.get(t, url), "a")
		}},
	})
}

func TestConformanceReceiveAttempts(t *testing.T) {
	handles := func(messages []types.Message) []string {
		var all []string
		for _, m := range messages {
			all = append(all, *m.ReceiptHandle)
		}
		return all
	}
	setup := func(t *testing.T, f *fixture) (*string, []types.Message) {
		url := f.queue(t, "q.fifo")
		f.put(t, url, "a", in("g"))
		f.put(t, url, "b", in("h"))
		f.put(t, url, "c", in("i"))
		m := f.get(t, url, atMost(2), attempt("one"))
		wantBodies(t, m, "a", "b")
		return url, m
	}
	checkRules(t, []rule{
		{"a receive that is repeated gets the same messages and handles", func(t *testing.T, f *fixture) {
			url, first := setup(t, f)
			again := f.get(t, url, atMost(2), attempt("one"))
			if !slices.Equal(handles(again), handles(first)) || again[0].Attributes["ApproximateReceiveCount"] != "1" {
				t.Errorf("got %+v and %+v", first, again)
			}
			f.delete(t, url, again...)
			wantBodies(t, f.get(t, url), "c")
		}},
		{"a repeated receive hides the messages anew", func(t *testing.T, f *fixture) {
			url, first := setup(t, f)
			f.wait(20 * time.Second)
			f.get(t, url, attempt("one"))
			f.wait(20 * time.Second)
			wantBodies(t, f.get(t, url, attempt("two")), "c")
			f.delete(t, url, first...)
		}},
		{"another id is another receive", func(t *testing.T, f *fixture) {
			url, _ := setup(t, f)
			wantBodies(t, f.get(t, url, attempt("two")), "c")
		}},
		{"after a deletion it is another receive", func(t *testing.T, f *fixture) {
			url, first := setup(t, f)
			f.delete(t, url, first[0])
			wantBodies(t, f.get(t, url, attempt("one")), "c")
		}},
		{"after a change of visibility it is another receive", func(t *testing.T, f *fixture) {
			url, first := setup(t, f)
			if err := f.change(t, url, first[0], 60); err != nil {
				t.Fatal(err)
			}
			wantBodies(t, f.get(t, url, attempt("one")), "c")
		}},
		{"after the visibility time-out it is another receive", func(t *testing.T, f *fixture) {
			url, _ := setup(t, f)
			f.wait(30 * time.Second)
			got := f.get(t, url, attempt("one"))
			wantBodies(t, got, "c", "a", "b")
			if got[1].Attributes["ApproximateReceiveCount"] != "2" {
				t.Errorf("got %+v", got)
			}
		}},
		{"after 5 minutes it is another receive", func(t *testing.T, f *fixture) {
			url := f.queue(t, "q.fifo", "VisibilityTimeout", "3600")
			f.put(t, url, "a", in("g"))
			f.get(t, url, attempt("one"))
			f.wait(5 * time.Minute)
			wantBodies(t, f.get(t, url, attempt("one")))
		}},
		{"an id has no spaces", func(t *testing.T, f *fixture) {
			url, _ := setup(t, f)
			wantError(t, fails(f.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: url, ReceiveRequestAttemptId: aws.String("a b")})), "InvalidParameterValue", "ReceiveRequestAttemptId", 400)
		}},
	})
}
