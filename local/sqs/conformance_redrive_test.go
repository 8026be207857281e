package sqs_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/sqs"
)

func TestConformanceRedrive(t *testing.T) {
	checkRules(t, []rule{
		{"a message that was received maxReceiveCount times goes to the dead-letter queue, as it is", func(t *testing.T, f *fixture) {
			dead := f.queue(t, "d")
			url := f.queue(t, "q", "RedrivePolicy", redrive("d", "2"))
			sent := f.put(t, url, "a", func(in *awssqs.SendMessageInput) {
				in.MessageAttributes = map[string]types.MessageAttributeValue{"k": text("v")}
				in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1")}}
			})
			for range 2 {
				wantBodies(t, f.get(t, url), "a")
				f.wait(30 * time.Second)
			}
			wantBodies(t, f.get(t, url))
			got := f.get(t, dead)
			wantBodies(t, got, "a")
			m := got[0]
			if *m.MessageId != *sent.MessageId || *m.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes || m.Attributes["AWSTraceHeader"] != "Root=1" ||
				m.Attributes["DeadLetterQueueSourceArn"] != prefix+"q" || m.Attributes["ApproximateReceiveCount"] != "3" || m.Attributes["SentTimestamp"] != "1795176000000" {
				t.Errorf("got %+v", m)
			}
		}},
		{"in a FIFO dead-letter queue the time begins anew, and the deduplication id is the message's id", func(t *testing.T, f *fixture) {
			dead := f.queue(t, "d.fifo")
			url := f.queue(t, "q.fifo", "RedrivePolicy", redrive("d.fifo", "1"))
			one := f.put(t, url, "a", in("g", "x"))
			f.wait(time.Minute)
			f.get(t, url)
			f.wait(time.Minute)
			wantBodies(t, f.get(t, url))
			got := f.get(t, dead)
			wantBodies(t, got, "a")
			if a := got[0].Attributes; a["SentTimestamp"] != "1795176120000" || a["MessageDeduplicationId"] != *one.MessageId || a["MessageGroupId"] != "g" || a["SequenceNumber"] <= *one.SequenceNumber {
				t.Errorf("attributes %v", a)
			}
		}},
		{"dead letters of a group stay in order", func(t *testing.T, f *fixture) {
			dead := f.queue(t, "d.fifo")
			url := f.queue(t, "q.fifo", "VisibilityTimeout", "1", "RedrivePolicy", redrive("d.fifo", "1"))
			for _, body := range []string{"1", "2", "3"} {
				f.put(t, url, body, in("g"))
			}
			f.get(t, url)
			f.wait(time.Second)
			wantBodies(t, f.get(t, url))
			wantBodies(t, f.get(t, dead), "1", "2", "3")
		}},
		{"without its dead-letter queue a queue keeps its messages", func(t *testing.T, f *fixture) {
			dead := f.queue(t, "d")
			url := f.queue(t, "q", "VisibilityTimeout", "0", "RedrivePolicy", redrive("d", "1"))
			f.put(t, url, "a")
			f.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: dead})
			for range 3 {
				wantBodies(t, f.get(t, url), "a")
			}
		}},
		{"a redrive policy that is taken away no longer moves messages", func(t *testing.T, f *fixture) {
			f.queue(t, "d")
			url := f.queue(t, "q", "VisibilityTimeout", "0", "RedrivePolicy", redrive("d", "1"))
			f.put(t, url, "a")
			f.get(t, url)
			f.set(t, url, "RedrivePolicy", "")
			wantBodies(t, f.get(t, url), "a")
		}},
		{"ListDeadLetterSourceQueues lists who has the queue as dead-letter queue, in pages", func(t *testing.T, f *fixture) {
			dead := f.queue(t, "d")
			for _, name := range []string{"c", "a", "b"} {
				f.queue(t, name, "RedrivePolicy", redrive("d", "1"))
			}
			f.queue(t, "other")
			list := func(in awssqs.ListDeadLetterSourceQueuesInput) ([]string, *string) {
				in.QueueUrl = dead
				out, err := f.ListDeadLetterSourceQueues(t.Context(), &in)
				if err != nil {
					t.Fatal(err)
				}
				return out.QueueUrls, out.NextToken
			}
			at := func(name string) string { return f.url + "/" + account + "/" + name }
			if all, next := list(awssqs.ListDeadLetterSourceQueuesInput{}); !slices.Equal(all, []string{at("a"), at("b"), at("c")}) || next != nil {
				t.Errorf("got %v, %v", all, next)
			}
			page, next := list(awssqs.ListDeadLetterSourceQueuesInput{MaxResults: aws.Int32(2)})
			if rest, end := list(awssqs.ListDeadLetterSourceQueuesInput{MaxResults: aws.Int32(2), NextToken: next}); len(page) != 2 || !slices.Equal(rest, []string{at("c")}) || end != nil {
				t.Errorf("pages %v and %v", page, rest)
			}
		}},
	})
}

// letters makes a queue with dead letters of the given bodies.
func letters(t *testing.T, f *fixture, name, dead string, bodies ...string) *string {
	t.Helper()
	url := f.queue(t, name, "VisibilityTimeout", "1", "RedrivePolicy", redrive(dead, "1"))
	for _, body := range bodies {
		if strings.HasSuffix(name, ".fifo") {
			f.put(t, url, body, in("g"))
		} else {
			f.put(t, url, body)
		}
	}
	f.get(t, url)
	f.wait(time.Second)
	wantBodies(t, f.get(t, url))
	return url
}

// ended waits until the newest task of a queue is over.
func ended(t *testing.T, f *fixture, source string) types.ListMessageMoveTasksResultEntry {
	t.Helper()
	for until := time.Now().Add(time.Minute); ; {
		out, err := f.ListMessageMoveTasks(t.Context(), &awssqs.ListMessageMoveTasksInput{SourceArn: aws.String(prefix + source)})
		if err != nil || len(out.Results) != 1 {
			t.Fatalf("got %+v, %v", out, err)
		}
		if *out.Results[0].Status != "RUNNING" {
			return out.Results[0]
		}
		if time.Now().After(until) {
			t.Fatalf("the task is still running: %+v", out.Results[0])
		}
		time.Sleep(time.Millisecond)
	}
}

func TestConformanceMoveTasks(t *testing.T) {
	start := func(t *testing.T, f *fixture, in awssqs.StartMessageMoveTaskInput) *string {
		t.Helper()
		out, err := f.StartMessageMoveTask(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		return out.TaskHandle
	}
	checkRules(t, []rule{
		{"dead letters go back to the queues that they came from", func(t *testing.T, f *fixture) {
			dead := f.queue(t, "d")
			one, two := letters(t, f, "one", "d", "a", "b"), letters(t, f, "two", "d", "c")
			start(t, f, awssqs.StartMessageMoveTaskInput{SourceArn: aws.String(prefix + "d")})
			task := ended(t, f, "d")
			if *task.Status != "COMPLETED" || task.ApproximateNumberOfMessagesMoved != 3 || *task.ApproximateNumberOfMessagesToMove != 3 || task.TaskHandle != nil ||
				*task.SourceArn != prefix+"d" || task.DestinationArn != nil || task.MaxNumberOfMessagesPerSecond != nil || task.FailureReason != nil || task.StartedTimestamp != f.now().UnixMilli() {
				t.Errorf("got %+v", task)
			}
			wantBodies(t, f.get(t, one), "a", "b")
			wantBodies(t, f.get(t, two), "c")
			wantBodies(t, f.get(t, dead))
		}},
		{"a moved message is a new one with the same contents", func(t *testing.T, f *fixture) {
			dead, to := f.queue(t, "d"), f.queue(t, "to")
			url := f.queue(t, "q", "VisibilityTimeout", "1", "RedrivePolicy", redrive("d", "1"))
			sent := f.put(t, url, "a", func(in *awssqs.SendMessageInput) {
				in.MessageAttributes = map[string]types.MessageAttributeValue{"k": text("v")}
			})
			f.get(t, url)
			f.wait(time.Minute)
			f.get(t, url)
			start(t, f, awssqs.StartMessageMoveTaskInput{SourceArn: aws.String(prefix + "d"), DestinationArn: aws.String(prefix + "to")})
			if task := ended(t, f, "d"); *task.Status != "COMPLETED" || *task.DestinationArn != prefix+"to" {
				t.Errorf("got %+v", task)
			}
			got := f.get(t, to)
			wantBodies(t, got, "a")
			m := got[0]
			if *m.MessageId == *sent.MessageId || *m.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes || *m.MD5OfBody != *sent.MD5OfMessageBody || m.Attributes["ApproximateReceiveCount"] != "1" ||
				m.Attributes["SentTimestamp"] != "1795176060000" || m.Attributes["DeadLetterQueueSourceArn"] != "" {
				t.Errorf("got %+v", m)
			}
			wantBodies(t, f.get(t, dead))
		}},
		{"messages of a FIFO queue go back in order", func(t *testing.T, f *fixture) {
			f.queue(t, "d.fifo")
			url := letters(t, f, "q.fifo", "d.fifo", "1", "2", "3")
			start(t, f, awssqs.StartMessageMoveTaskInput{SourceArn: aws.String(prefix + "d.fifo")})
			ended(t, f, "d.fifo")
			f.put(t, url, "4", in("g"))
			wantBodies(t, f.get(t, url), "1", "2", "3", "4")
		}},
		{"a message that was sent to the dead-letter queue has no place to go back to", func(t *testing.T, f *fixture) {
			dead := f.queue(t, "d")
			letters(t, f, "q", "d")
			f.put(t, dead, "direct")
			start(t, f, awssqs.StartMessageMoveTaskInput{SourceArn: aws.String(prefix + "d")})
			if task := ended(t, f, "d"); *task.Status != "FAILED" || *task.FailureReason != "CouldNotDetermineMessageSource" {
				t.Errorf("got %+v", task)
			}
			wantBodies(t, f.get(t, dead), "direct")
		}},
		{"a task whose destination was deleted fails", func(t *testing.T, f *fixture) {
			dead, to := f.queue(t, "d"), f.queue(t, "to")
			letters(t, f, "q", "d", "a")
			start(t, f, awssqs.StartMessageMoveTaskInput{SourceArn: aws.String(prefix + "d"), DestinationArn: aws.String(prefix + "to"), MaxNumberOfMessagesPerSecond: aws.Int32(1)})
			if err := fails(f.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: to})); err != nil {
				t.Fatal(err)
			}
			if task := ended(t, f, "d"); *task.Status != "FAILED" || *task.FailureReason != "AWS.SimpleQueueService.NonExistentQueue" || *task.MaxNumberOfMessagesPerSecond != 1 {
				t.Errorf("got %+v", task)
			}
			wantBodies(t, f.get(t, dead), "a")
		}},
		{"one task at a time, which can be cancelled", func(t *testing.T, f *fixture) {
			f.queue(t, "d")
			letters(t, f, "q", "d", "a", "b", "c", "d", "e")
			slow := awssqs.StartMessageMoveTaskInput{SourceArn: aws.String(prefix + "d"), MaxNumberOfMessagesPerSecond: aws.Int32(1)}
			handle := start(t, f, slow)
			wantError(t, fails(f.StartMessageMoveTask(t.Context(), &slow)), "InvalidParameterValue", "There is already a task running. Only one active task is allowed for a source queue arn at a given time.", 400)
			out, err := f.ListMessageMoveTasks(t.Context(), &awssqs.ListMessageMoveTasksInput{SourceArn: slow.SourceArn})
			if err != nil || *out.Results[0].TaskHandle != *handle || *out.Results[0].Status != "RUNNING" || *out.Results[0].ApproximateNumberOfMessagesToMove != 5 {
				t.Errorf("got %+v, %v", out, err)
			}
			cancelled, err := f.CancelMessageMoveTask(t.Context(), &awssqs.CancelMessageMoveTaskInput{TaskHandle: handle})
			if err != nil || cancelled.ApproximateNumberOfMessagesMoved > 4 {
				t.Errorf("got %+v, %v", cancelled, err)
			}
			if task := ended(t, f, "d"); *task.Status != "CANCELLED" || task.TaskHandle != nil {
				t.Errorf("got %+v", task)
			}
			err = fails(f.CancelMessageMoveTask(t.Context(), &awssqs.CancelMessageMoveTaskInput{TaskHandle: handle}))
			if !is[*types.ResourceNotFoundException](err) {
				t.Errorf("error %v", err)
			}
			wantError(t, err, "ResourceNotFoundException", "Task does not exist.", 404)
			start(t, f, awssqs.StartMessageMoveTaskInput{SourceArn: slow.SourceArn})
			if task := ended(t, f, "d"); *task.Status != "COMPLETED" {
				t.Errorf("got %+v", task)
			}
		}},
		{"the newest tasks are listed, one if not asked, at most ten", func(t *testing.T, f *fixture) {
			f.queue(t, "d")
			letters(t, f, "q", "d")
			for range 12 {
				start(t, f, awssqs.StartMessageMoveTaskInput{SourceArn: aws.String(prefix + "d")})
				ended(t, f, "d")
				f.wait(time.Second)
			}
			out, err := f.ListMessageMoveTasks(t.Context(), &awssqs.ListMessageMoveTasksInput{SourceArn: aws.String(prefix + "d"), MaxResults: aws.Int32(10)})
			if err != nil || len(out.Results) != 10 || out.Results[0].StartedTimestamp != f.now().Add(-time.Second).UnixMilli() || out.Results[9].StartedTimestamp != f.now().Add(-10*time.Second).UnixMilli() {
				t.Errorf("got %+v, %v", out, err)
			}
			wantError(t, fails(f.ListMessageMoveTasks(t.Context(), &awssqs.ListMessageMoveTasksInput{SourceArn: aws.String(prefix + "d"), MaxResults: aws.Int32(11)})), "InvalidParameterValue", "MaxResults", 400)
		}},
		{"what cannot be moved is refused", func(t *testing.T, f *fixture) {
			f.queue(t, "d")
			f.queue(t, "plain")
			f.queue(t, "x.fifo")
			letters(t, f, "q", "d")
			for _, tt := range []struct {
				source, destination, code, text string
				rate                            int32
				status                          int
			}{
				{"plain", "", "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.", 1, 400},
				{"none", "", "ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist.", 1, 404},
				{"d", "none", "ResourceNotFoundException", "The resource that you specified for the DestinationArn parameter doesn't exist.", 1, 404},
				{"d", "d", "InvalidParameterValue", "DestinationArn", 1, 400},
				{"d", "x.fifo", "InvalidParameterValue", "same type", 1, 400},
				{"d", "", "InvalidParameterValue", "MaxNumberOfMessagesPerSecond", 501, 400},
				{"d", "", "InvalidParameterValue", "MaxNumberOfMessagesPerSecond", 0, 400},
			} {
				in := &awssqs.StartMessageMoveTaskInput{SourceArn: aws.String(prefix + tt.source), MaxNumberOfMessagesPerSecond: &tt.rate}
				if tt.destination != "" {
					in.DestinationArn = aws.String(prefix + tt.destination)
				}
				wantError(t, fails(f.StartMessageMoveTask(t.Context(), in)), tt.code, tt.text, tt.status)
			}
			wantError(t, fails(f.StartMessageMoveTask(t.Context(), &awssqs.StartMessageMoveTaskInput{SourceArn: aws.String("d")})), "InvalidParameterValue", "You must use this format to specify the SourceArn", 400)
			wantError(t, fails(f.ListMessageMoveTasks(t.Context(), &awssqs.ListMessageMoveTasksInput{SourceArn: aws.String(prefix + "none")})), "ResourceNotFoundException", "SourceArn", 404)
			wantError(t, fails(f.CancelMessageMoveTask(t.Context(), &awssqs.CancelMessageMoveTaskInput{TaskHandle: aws.String("garbage")})), "InvalidParameterValue", "Value for parameter TaskHandle is invalid.", 400)
		}},
	})
}

// A task moves as many messages a second as it was told, and the newest messages
// are not its own.
func TestMoveTaskRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, sqs.Options{})
		ctx := t.Context()
		if _, err := s.CreateQueue(ctx, "d", nil, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateQueue(ctx, "q", map[string]string{"VisibilityTimeout": "0", "RedrivePolicy": redrive("d", "1")}, nil); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			send(t, s, "q", sqs.Outgoing{Body: "x"})
		}
		zero := time.Duration(0)
		receive(t, s, "q", sqs.ReceiveOptions{Max: 100})
		receive(t, s, "q", sqs.ReceiveOptions{Max: 100, Wait: &zero})
		moved := func() int {
			visible, _, _, err := s.Counts(ctx, prefix+"q")
			if err != nil {
				t.Fatal(err)
			}
			return visible
		}
		if visible, _, _, _ := s.Counts(ctx, prefix+"d"); visible != 100 {
			t.Fatalf("%d dead letters", visible)
		}
		call(t, s, "StartMessageMoveTask", `{"SourceArn":"`+prefix+`d","MaxNumberOfMessagesPerSecond":25}`)
		send(t, s, "d", sqs.Outgoing{Body: "later"})
		for second := 1; second <= 4; second++ {
			time.Sleep(time.Second)
			synctest.Wait()
			if n := moved(); n < second*25-2 || n > second*25 {
				t.Errorf("after %d s %d are moved", second, n)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := moved(); n != 100 {
			t.Errorf("%d are moved", n)
		}
		if answer := call(t, s, "ListMessageMoveTasks", `{"SourceArn":"`+prefix+`d"}`); !strings.Contains(answer, `"Status":"COMPLETED"`) || !strings.Contains(answer, `"ApproximateNumberOfMessagesMoved":100`) {
			t.Errorf("got %s", answer)
		}
	})
}

// A task that was interrupted goes on after a restart.
func TestMoveTaskSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	for i := range 2 {
		s := open(t, sqs.Options{Dir: dir})
		if i == 0 {
			if _, err := s.CreateQueue(t.Context(), "d", nil, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := s.CreateQueue(t.Context(), "q", map[string]string{"VisibilityTimeout": "0", "RedrivePolicy": redrive("d", "1")}, nil); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				send(t, s, "q", sqs.Outgoing{Body: "x"})
			}
			receive(t, s, "q", sqs.ReceiveOptions{Max: 100})
			receive(t, s, "q", sqs.ReceiveOptions{Max: 100, Wait: ptr(time.Duration(0))})
			call(t, s, "StartMessageMoveTask", `{"SourceArn":"`+prefix+`d","MaxNumberOfMessagesPerSecond":20}`)
			for visible := 0; visible == 0; visible, _, _, _ = s.Counts(t.Context(), prefix+"q") {
				time.Sleep(time.Millisecond)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for {
			answer := call(t, s, "ListMessageMoveTasks", `{"SourceArn":"`+prefix+`d"}`)
			if strings.Contains(answer, `"Status":"COMPLETED"`) && strings.Contains(answer, `"ApproximateNumberOfMessagesMoved":20`) {
				break
			}
			if !strings.Contains(answer, `"Status":"RUNNING"`) {
				t.Fatalf("got %s", answer)
			}
			time.Sleep(time.Millisecond)
		}
		if visible, _, _, _ := s.Counts(t.Context(), prefix+"q"); visible != 20 {
			t.Errorf("%d are back, want 20", visible)
		}
	}
}

var _ gateway.Service = (*sqs.Service)(nil)
