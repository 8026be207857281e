package sqs_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/sqs"
)

// Queues come from Apply, which brings the assembly's, and from CreateQueue.

// attributesOf are what GetQueueAttributes shows.
func attributesOf(t *testing.T, s *sqs.Service, queue string) string {
	t.Helper()
	return call(t, s, "GetQueueAttributes", `{"QueueUrl":"`+queue+`","AttributeNames":["VisibilityTimeout","RedrivePolicy","RedriveAllowPolicy","Policy","KmsMasterKeyId","SqsManagedSseEnabled","FifoQueue","ContentBasedDeduplication","DeduplicationScope","FifoThroughputLimit","DelaySeconds","CreatedTimestamp","LastModifiedTimestamp"]}`)
}

func create(t *testing.T, s *sqs.Service, name string, attributes ...string) {
	t.Helper()
	if _, err := s.CreateQueue(t.Context(), name, pairs(attributes), map[string]string{"k": "v"}); err != nil {
		t.Fatal(err)
	}
}

func TestCreatedQueuesSurviveApplyAndRestart(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	o := sqs.Options{Dir: dir, Now: func() time.Time { return now }}
	s := open(t, o)
	create(t, s, "dead.fifo", "FifoQueue", "true", "RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":["`+prefix+`made.fifo"]}`)
	create(t, s, "made.fifo", "FifoQueue", "true", "VisibilityTimeout", "7", "ContentBasedDeduplication", "true", "DeduplicationScope", "messageGroup",
		"FifoThroughputLimit", "perMessageGroupId", "RedrivePolicy", redrive("dead.fifo", "3"), "KmsMasterKeyId", "alias/k", "DelaySeconds", "1",
		"Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}]}`)
	now = now.Add(time.Minute)
	if err := s.SetQueueAttributes(t.Context(), prefix+"made.fifo", map[string]string{"VisibilityTimeout": "8"}); err != nil {
		t.Fatal(err)
	}
	if err := s.TagQueue(t.Context(), prefix+"made.fifo", map[string]string{"team": "a"}); err != nil {
		t.Fatal(err)
	}
	send(t, s, "made.fifo", sqs.Outgoing{Body: "kept", GroupID: "g"})
	want, dead := attributesOf(t, s, "made.fifo"), attributesOf(t, s, "dead.fifo")
	if !strings.Contains(want, `"VisibilityTimeout":"8"`) {
		t.Fatalf("attributes %s", want)
	}
	for _, configs := range [][]sqs.QueueConfig{{sqs.DefaultQueue("a")}, {sqs.DefaultQueue("b")}, nil} {
		if err := s.Apply(configs); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := sqs.New(o) // and before Apply is called
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := attributesOf(t, s, "made.fifo"); got != want {
		t.Errorf("after the restart: %s; before: %s", got, want)
	}
	if got := attributesOf(t, s, "dead.fifo"); got != dead {
		t.Errorf("after the restart: %s; before: %s", got, dead)
	}
	if got := call(t, s, "ListQueueTags", `{"QueueUrl":"made.fifo"}`); got != `{"Tags":{"k":"v","team":"a"}}` {
		t.Errorf("tags %s", got)
	}
	now = now.Add(time.Second)
	if got := bodies(receive(t, s, "made.fifo", sqs.ReceiveOptions{})); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("received %q", got)
	}
}

func TestApplyTakesOverACreatedQueue(t *testing.T) {
	s := open(t, sqs.Options{})
	create(t, s, "q", "VisibilityTimeout", "7")
	send(t, s, "q", sqs.Outgoing{Body: "kept"})
	if err := s.Apply([]sqs.QueueConfig{sqs.DefaultQueue("q")}); err != nil {
		t.Fatal(err)
	}
	if got := attributesOf(t, s, "q"); !strings.Contains(got, `"VisibilityTimeout":"30"`) {
		t.Errorf("attributes %s", got)
	}
	if got := bodies(receive(t, s, "q", sqs.ReceiveOptions{})); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("received %q", got)
	}
	if err := s.Apply(nil); err != nil {
		t.Fatal(err)
	}
	if s.Exists(prefix + "q") {
		t.Error("the queue is Apply's, and is still there without it")
	}
}

func TestCallsChangeAppliedQueues(t *testing.T) {
	dir := t.TempDir()
	q := sqs.DefaultQueue("q")
	s := open(t, sqs.Options{Dir: dir}, q)
	timeout := func(want string) {
		t.Helper()
		if got := attributesOf(t, s, "q"); !strings.Contains(got, `"VisibilityTimeout":"`+want+`"`) {
			t.Errorf("attributes %s, want a time-out of %s", got, want)
		}
	}
	set := func() {
		t.Helper()
		if err := s.SetQueueAttributes(t.Context(), prefix+"q", map[string]string{"VisibilityTimeout": "7"}); err != nil {
			t.Fatal(err)
		}
	}
	apply := func() {
		t.Helper()
		if err := s.Apply([]sqs.QueueConfig{q}); err != nil {
			t.Fatal(err)
		}
	}
	set()
	apply() // the same again
	timeout("7")
	q.Delay = time.Second
	apply()
	timeout("30")
	set()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, sqs.Options{Dir: dir}, q)
	timeout("30")
}

func TestCallsDeleteAppliedQueues(t *testing.T) {
	dir := t.TempDir()
	q := sqs.DefaultQueue("q")
	s := open(t, sqs.Options{Dir: dir}, q)
	remove := func() {
		t.Helper()
		send(t, s, "q", sqs.Outgoing{Body: "gone"})
		if err := s.DeleteQueue(t.Context(), prefix+"q"); err != nil {
			t.Fatal(err)
		}
	}
	remove()
	if err := s.Apply([]sqs.QueueConfig{q}); err != nil || s.Exists(prefix+"q") {
		t.Errorf("the same configuration brought the queue back, or %v", err)
	}
	q.Delay = time.Second
	if err := s.Apply([]sqs.QueueConfig{q}); err != nil || !s.Exists(prefix+"q") {
		t.Errorf("another configuration did not bring the queue back: %v", err)
	}
	if visible, _, delayed, err := s.Counts(t.Context(), prefix+"q"); visible+delayed != 0 || err != nil {
		t.Errorf("%d messages, %v", visible+delayed, err)
	}
	remove()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, sqs.Options{Dir: dir}, q)
	if !s.Exists(prefix + "q") {
		t.Error("a restart did not bring the queue back")
	}
}

func TestApplyMayUseACreatedDeadLetterQueue(t *testing.T) {
	s := open(t, sqs.Options{})
	create(t, s, "dead", "RedriveAllowPolicy", `{"redrivePermission":"denyAll"}`)
	q := sqs.DefaultQueue("q")
	q.DeadLetterARN, q.MaxReceiveCount = prefix+"dead", 1
	if err := s.Apply([]sqs.QueueConfig{q}); err == nil || !strings.Contains(err.Error(), "RedriveAllowPolicy") {
		t.Errorf("error %v", err)
	}
	if err := s.SetQueueAttributes(t.Context(), prefix+"dead", map[string]string{"RedriveAllowPolicy": ""}); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply([]sqs.QueueConfig{q}); err != nil {
		t.Error(err)
	}
}

func TestDeletedNamesAreRememberedOverRestarts(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	o := sqs.Options{Dir: dir, Now: func() time.Time { return now }}
	s := open(t, o)
	create(t, s, "q")
	if err := s.DeleteQueue(t.Context(), prefix+"q"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, o)
	if _, err := s.CreateQueue(t.Context(), "q", nil, nil); code(err) != "QueueDeletedRecently" {
		t.Errorf("error %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.RecreateAtOnce = true
	s = open(t, o)
	create(t, s, "q")
	if err := s.DeleteQueue(t.Context(), prefix+"q"); err != nil {
		t.Fatal(err)
	}
	create(t, s, "q")
}

// Calls from all sides at once: nothing is lost, nothing is stored twice, and the
// race detector has nothing to say.
func TestEverythingAtOnce(t *testing.T) {
	s := open(t, sqs.Options{Dir: t.TempDir(), RecreateAtOnce: true}, sqs.DefaultQueue("q"))
	create(t, s, "d.fifo", "FifoQueue", "true")
	create(t, s, "f.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true", "VisibilityTimeout", "0", "RedrivePolicy", redrive("d.fifo", "2"))
	ctx := t.Context()
	const senders, each = 4, 50
	done := make(chan map[string]bool)
	for i := range senders {
		go func() {
			sent := map[string]bool{}
			for n := range each {
				body := strings.Repeat("x", i*each+n+1)
				id, err := s.Send(ctx, prefix+"f.fifo", sqs.Outgoing{Body: body, GroupID: string(rune('a' + n%3))})
				if err != nil {
					t.Error(err)
				}
				sent[id] = true
			}
			done <- sent
		}()
	}
	stop := make(chan struct{})
	idle := make(chan struct{})
	background := []func(){
		func() { s.Receive(ctx, prefix+"f.fifo", sqs.ReceiveOptions{Max: 5, AttemptID: "a"}) },
		func() { s.Receive(ctx, prefix+"f.fifo", sqs.ReceiveOptions{Max: 5}) },
		func() {
			s.SetQueueAttributes(ctx, prefix+"f.fifo", map[string]string{"DelaySeconds": "0", "VisibilityTimeout": "0"})
		},
		func() { s.Apply([]sqs.QueueConfig{sqs.DefaultQueue("q")}) },
		func() {
			s.CreateQueue(ctx, "other", nil, nil)
			s.DeleteQueue(ctx, prefix+"other")
		},
		func() {
			answer(s, "StartMessageMoveTask", `{"SourceArn":"`+prefix+`d.fifo"}`)
			answer(s, "ListMessageMoveTasks", `{"SourceArn":"`+prefix+`d.fifo"}`)
			answer(s, "GetQueueAttributes", `{"QueueUrl":"f.fifo","AttributeNames":["All"]}`)
			answer(s, "ListQueues", `{}`)
		},
	}
	for _, f := range background {
		go func() {
			defer func() { idle <- struct{}{} }()
			for {
				select {
				case <-stop:
					return
				default:
					f()
				}
			}
		}()
	}
	sent := map[string]bool{}
	for range senders {
		maps.Copy(sent, <-done)
	}
	close(stop)
	for range background {
		<-idle
	}
	// Tasks give messages new ids; their bodies are all different.
	found := map[string]int{}
	for until := time.Now().Add(time.Minute); len(found) < senders*each; {
		if time.Now().After(until) {
			t.Fatalf("%d of %d messages found", len(found), senders*each)
		}
		for _, name := range []string{"f.fifo", "d.fifo"} {
			for _, m := range receive(t, s, name, sqs.ReceiveOptions{Max: 10_000, VisibilityTimeout: ptr(time.Hour)}) {
				found[m.Body]++
				// What is in flight would hold up what a task still puts into its group.
				if err := s.Delete(ctx, prefix+name, m.ReceiptHandle); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for body, n := range found {
		if n != 1 {
			t.Errorf("the body of %d characters was received %d times", len(body), n)
		}
	}
	if len(sent) != senders*each {
		t.Errorf("%d ids, want %d", len(sent), senders*each)
	}
}
