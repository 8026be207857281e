package eventbridge_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsevents "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/sqs"
)

// start is when the events of these tests are, on a whole minute.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// putAt puts an event of a time, with a number in its detail.
func (p *place) putAt(t testing.TB, bus string, at time.Time, n int) {
	t.Helper()
	out := must(p.PutEvents(t.Context(), &awsevents.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{EventBusName: &bus, Source: str("app"), DetailType: str("t"), Detail: str(fmt.Sprintf(`{"n":%d}`, n)), Time: &at}}}))(t)
	if out.FailedEntryCount != 0 {
		t.Fatalf("failed %+v", out.Entries)
	}
}

// archiveOf makes a bus with an archive and a rule to queue a.
func (p *place) archiveOf(t testing.TB, bus, archive, pattern string) {
	t.Helper()
	must(p.CreateEventBus(t.Context(), &awsevents.CreateEventBusInput{Name: &bus}))(t)
	in := &awsevents.CreateArchiveInput{ArchiveName: &archive, EventSourceArn: str(busPrefix + bus)}
	if pattern != "" {
		in.EventPattern = &pattern
	}
	must(p.CreateArchive(t.Context(), in))(t)
	p.rule(t, bus, "all", anyPattern, queueTarget("a"))
}

// replay starts a replay of a range, in minutes from start, and waits for its end.
func (p *place) replay(t testing.TB, name, bus, archive string, from, to float64, rules ...string) *awsevents.DescribeReplayOutput {
	t.Helper()
	minutes := func(n float64) *time.Time { return aws.Time(start.Add(time.Duration(n * float64(time.Minute)))) }
	out := must(p.StartReplay(t.Context(), &awsevents.StartReplayInput{ReplayName: &name, EventSourceArn: str(archivePrefix + archive),
		EventStartTime: minutes(from), EventEndTime: minutes(to), Destination: &types.ReplayDestination{Arn: str(busPrefix + bus), FilterArns: rules}}))(t)
	if out.State != types.ReplayStateStarting || !strings.HasSuffix(*out.ReplayArn, ":replay/"+name) || out.ReplayStartTime == nil {
		t.Errorf("started: %+v", out)
	}
	return p.ended(t, name)
}

// ended waits until a replay has ended.
func (p *place) ended(t testing.TB, name string) *awsevents.DescribeReplayOutput {
	t.Helper()
	for {
		d := must(p.DescribeReplay(t.Context(), &awsevents.DescribeReplayInput{ReplayName: &name}))(t)
		switch d.State {
		case types.ReplayStateCompleted, types.ReplayStateCancelled, types.ReplayStateFailed:
			return d
		}
		select {
		case <-t.Context().Done():
			t.Fatal("the replay does not end")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestArchives(t *testing.T) {
	p, ctx := newPlace(t, eventbridge.Options{}, "a"), t.Context()
	must(p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: str("bus")}))(t)
	t.Run("CreateArchive and DescribeArchive", func(t *testing.T) {
		out := must(p.CreateArchive(ctx, &awsevents.CreateArchiveInput{ArchiveName: str("some"), EventSourceArn: str(busPrefix + "bus"), Description: str("why"),
			EventPattern: str(`{"detail":{"keep":[true]}}`), RetentionDays: aws.Int32(3), KmsKeyIdentifier: str("key")}))(t)
		if *out.ArchiveArn != archivePrefix+"some" || out.State != types.ArchiveStateEnabled || out.CreationTime == nil {
			t.Errorf("got %+v", out)
		}
		p.put(t, "bus", `{"keep":true}`)
		p.put(t, "bus", `{"keep":false}`)
		d := must(p.DescribeArchive(ctx, &awsevents.DescribeArchiveInput{ArchiveName: str("some")}))(t)
		if d.EventCount != 1 || d.SizeBytes < 100 || *d.RetentionDays != 3 || *d.Description != "why" || *d.EventPattern != `{"detail":{"keep":[true]}}` || *d.EventSourceArn != busPrefix+"bus" || *d.KmsKeyIdentifier != "key" {
			t.Errorf("got %+v", d)
		}
	})
	t.Run("UpdateArchive leaves alone what is not given", func(t *testing.T) {
		must(p.UpdateArchive(ctx, &awsevents.UpdateArchiveInput{ArchiveName: str("some"), EventPattern: str(`{"detail":{"keep":[false]}}`)}))(t)
		p.put(t, "bus", `{"keep":false}`)
		p.put(t, "bus", `{"keep":true}`)
		d := must(p.DescribeArchive(ctx, &awsevents.DescribeArchiveInput{ArchiveName: str("some")}))(t)
		if d.EventCount != 2 || *d.RetentionDays != 3 || *d.Description != "why" {
			t.Errorf("got %+v", d)
		}
	})
	t.Run("ListArchives by one filter", func(t *testing.T) {
		must(p.CreateArchive(ctx, &awsevents.CreateArchiveInput{ArchiveName: str("other"), EventSourceArn: str(busPrefix + "default")}))(t)
		list := func(in awsevents.ListArchivesInput) (names []string) {
			for _, a := range must(p.ListArchives(ctx, &in))(t).Archives {
				names = append(names, *a.ArchiveName)
			}
			return names
		}
		for want, got := range map[string][]string{
			"[other some]": list(awsevents.ListArchivesInput{}), "[some]": list(awsevents.ListArchivesInput{NamePrefix: str("so")}),
			"[other]": list(awsevents.ListArchivesInput{EventSourceArn: str(busPrefix + "default")}), "[]": list(awsevents.ListArchivesInput{State: types.ArchiveStateDisabled}),
		} {
			if fmt.Sprint(got) != want {
				t.Errorf("got %v, want %s", got, want)
			}
		}
		_, err := p.ListArchives(ctx, &awsevents.ListArchivesInput{NamePrefix: str("so"), State: types.ArchiveStateEnabled})
		refusedWith(t, err, "ValidationException", "At most one filter is allowed")
		_, err = p.ListArchives(ctx, &awsevents.ListArchivesInput{EventSourceArn: str(busPrefix + "none")})
		refusedWith(t, err, "ResourceNotFoundException", "Event bus none does not exist.")
	})
	t.Run("refused", func(t *testing.T) {
		create := func(f func(*awsevents.CreateArchiveInput)) error {
			in := &awsevents.CreateArchiveInput{ArchiveName: str("x"), EventSourceArn: str(busPrefix + "bus")}
			f(in)
			_, err := p.CreateArchive(ctx, in)
			return err
		}
		refusedWith(t, create(func(in *awsevents.CreateArchiveInput) { in.ArchiveName = str("some") }), "ResourceAlreadyExistsException", "Archive some already exists.")
		refusedWith(t, create(func(in *awsevents.CreateArchiveInput) { in.ArchiveName = str(strings.Repeat("a", 49)) }), "ValidationException", "at 'archiveName' failed to satisfy constraint: Member must have length less than or equal to 48")
		refusedWith(t, create(func(in *awsevents.CreateArchiveInput) { in.EventSourceArn = str(busPrefix + "none") }), "ResourceNotFoundException", "Event bus none does not exist.")
		refusedWith(t, create(func(in *awsevents.CreateArchiveInput) { in.EventSourceArn = str(queuePrefix + "a") }), "ValidationException", "at 'eventSourceArn'")
		refusedWith(t, create(func(in *awsevents.CreateArchiveInput) { in.EventPattern = str(`{"a":"b"}`) }), "InvalidEventPatternException", "Event pattern is not valid.")
		refusedWith(t, create(func(in *awsevents.CreateArchiveInput) { in.RetentionDays = aws.Int32(-1) }), "ValidationException", "at 'retentionDays'")
		_, err := p.DescribeArchive(ctx, &awsevents.DescribeArchiveInput{ArchiveName: str("none")})
		refusedWith(t, err, "ResourceNotFoundException", "Archive none does not exist.")
		_, err = p.UpdateArchive(ctx, &awsevents.UpdateArchiveInput{ArchiveName: str("none")})
		refusedWith(t, err, "ResourceNotFoundException", "Archive none does not exist.")
		_, err = p.DeleteArchive(ctx, &awsevents.DeleteArchiveInput{ArchiveName: str("none")})
		refusedWith(t, err, "ResourceNotFoundException", "Archive none does not exist.")
	})
	t.Run("DeleteArchive", func(t *testing.T) {
		must(p.DeleteArchive(ctx, &awsevents.DeleteArchiveInput{ArchiveName: str("some")}))(t)
		_, err := p.DescribeArchive(ctx, &awsevents.DescribeArchiveInput{ArchiveName: str("some")})
		refusedWith(t, err, "ResourceNotFoundException", "Archive some does not exist.")
		must(p.CreateArchive(ctx, &awsevents.CreateArchiveInput{ArchiveName: str("some"), EventSourceArn: str(busPrefix + "bus")}))(t)
		if d := must(p.DescribeArchive(ctx, &awsevents.DescribeArchiveInput{ArchiveName: str("some")}))(t); d.EventCount != 0 {
			t.Errorf("the new archive has %d events", d.EventCount)
		}
	})
}

func TestReplays(t *testing.T) {
	p, ctx := newPlace(t, eventbridge.Options{}, "a", "b"), t.Context()
	p.archiveOf(t, "bus", "kept", "")
	p.rule(t, "bus", "second", anyPattern, queueTarget("b"))
	// Not in the order of their times.
	for n, minute := range []float64{5, 1, 3, 1, 0, 9} {
		p.putAt(t, "bus", start.Add(time.Duration(minute*float64(time.Minute))), n)
	}
	p.bodies(t, "a")
	p.bodies(t, "b")

	t.Run("a time range, ordered by time, for one rule", func(t *testing.T) {
		d := p.replay(t, "again", "bus", "kept", 1, 5, rulePrefix+"bus/all")
		if d.State != types.ReplayStateCompleted || d.ReplayEndTime == nil || !d.EventLastReplayedTime.Equal(start.Add(3*time.Minute)) || !d.EventStartTime.Equal(start.Add(time.Minute)) ||
			*d.Destination.Arn != busPrefix+"bus" || !slices.Equal(d.Destination.FilterArns, []string{rulePrefix + "bus/all"}) || *d.EventSourceArn != archivePrefix+"kept" {
			t.Errorf("got %+v", d)
		}
		var numbers []string
		for _, body := range p.bodies(t, "a") {
			// As EventBridge writes it: before the resources.
			if !strings.Contains(body, `"region":"us-east-1","replay-name":"again","resources":[]`) {
				t.Errorf("body %s", body)
			}
			_, n, _ := strings.Cut(body, `{"n":`)
			numbers = append(numbers, strings.TrimSuffix(n, "}}"))
		}
		if !slices.Equal(numbers, []string{"1", "3", "2"}) { // from the start on, before the end
			t.Errorf("replayed %v", numbers)
		}
		if got := p.bodies(t, "b"); len(got) != 0 {
			t.Errorf("a rule that was not named got %q", got)
		}
	})
	t.Run("without a filter all rules get them", func(t *testing.T) {
		p.replay(t, "all", "bus", "kept", 0, 10)
		if a, b := len(p.bodies(t, "a")), len(p.bodies(t, "b")); a != 6 || b != 6 {
			t.Errorf("%d and %d events", a, b)
		}
	})
	t.Run("replayed events are not archived again", func(t *testing.T) {
		if d := must(p.DescribeArchive(ctx, &awsevents.DescribeArchiveInput{ArchiveName: str("kept")}))(t); d.EventCount != 6 {
			t.Errorf("%d events", d.EventCount)
		}
	})
	t.Run("nothing in the range", func(t *testing.T) {
		if d := p.replay(t, "empty", "bus", "kept", 6, 9); d.State != types.ReplayStateCompleted || d.EventLastReplayedTime != nil {
			t.Errorf("got %+v", d)
		}
	})
	t.Run("ListReplays by one filter", func(t *testing.T) {
		list := func(in awsevents.ListReplaysInput) (names []string) {
			for _, r := range must(p.ListReplays(ctx, &in))(t).Replays {
				names = append(names, *r.ReplayName)
			}
			return names
		}
		for want, got := range map[string][]string{
			"[again all]": list(awsevents.ListReplaysInput{NamePrefix: str("a")}), "[again all empty]": list(awsevents.ListReplaysInput{EventSourceArn: str(archivePrefix + "kept")}),
			"[]": list(awsevents.ListReplaysInput{State: types.ReplayStateRunning}), "[again]": list(awsevents.ListReplaysInput{Limit: aws.Int32(1)}),
		} {
			if fmt.Sprint(got) != want {
				t.Errorf("got %v, want %s", got, want)
			}
		}
	})
	must(p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: str("other")}))(t)
	for name, tt := range map[string]struct {
		change        func(*awsevents.StartReplayInput)
		code, message string
	}{
		"to another bus":        {func(in *awsevents.StartReplayInput) { in.Destination.Arn = str(busPrefix + "other") }, "ValidationException", "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted."},
		"to no bus":             {func(in *awsevents.StartReplayInput) { in.Destination.Arn = str(busPrefix + "none") }, "ResourceNotFoundException", "Event bus none does not exist."},
		"to a queue":            {func(in *awsevents.StartReplayInput) { in.Destination.Arn = str(queuePrefix + "a") }, "ValidationException", "Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN."},
		"of no archive":         {func(in *awsevents.StartReplayInput) { in.EventSourceArn = str(archivePrefix + "none") }, "ValidationException", "Parameter EventSourceArn is not valid. Reason: Archive none does not exist."},
		"of a bus":              {func(in *awsevents.StartReplayInput) { in.EventSourceArn = str(busPrefix + "bus") }, "ValidationException", "Parameter EventSourceArn is not valid. Reason: Must contain an archive ARN."},
		"an end at the start":   {func(in *awsevents.StartReplayInput) { in.EventEndTime = in.EventStartTime }, "ValidationException", "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime."},
		"a name that is taken":  {func(in *awsevents.StartReplayInput) { in.ReplayName = str("again") }, "ResourceAlreadyExistsException", "Replay again already exists."},
		"a long name":           {func(in *awsevents.StartReplayInput) { in.ReplayName = str(strings.Repeat("r", 65)) }, "ValidationException", "at 'replayName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		"a rule of another bus": {func(in *awsevents.StartReplayInput) { in.Destination.FilterArns = []string{rulePrefix + "all"} }, "ValidationException", "Parameter Destination.FilterArns is not valid."},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			in := &awsevents.StartReplayInput{ReplayName: str("x"), EventSourceArn: str(archivePrefix + "kept"), EventStartTime: &start, EventEndTime: aws.Time(start.Add(time.Hour)),
				Destination: &types.ReplayDestination{Arn: str(busPrefix + "bus")}}
			tt.change(in)
			_, err := p.StartReplay(ctx, in)
			refusedWith(t, err, tt.code, tt.message)
		})
	}
	t.Run("what has ended cannot be cancelled", func(t *testing.T) {
		_, err := p.CancelReplay(ctx, &awsevents.CancelReplayInput{ReplayName: str("again")})
		refusedWith(t, err, "IllegalStatusException", "Replay again is not in a valid state for this operation.")
		_, err = p.CancelReplay(ctx, &awsevents.CancelReplayInput{ReplayName: str("none")})
		refusedWith(t, err, "ResourceNotFoundException", "Replay none does not exist.")
		_, err = p.DescribeReplay(ctx, &awsevents.DescribeReplayInput{ReplayName: str("none")})
		refusedWith(t, err, "ResourceNotFoundException", "Replay none does not exist.")
	})
}

// gate lets queues wait.
type gate struct {
	*sqs.Service
	mu     sync.Mutex
	closed chan struct{} // nil when it is open
	waits  chan struct{}
}

func (g *gate) SendAll(ctx context.Context, parcels []sqs.Parcel) []error {
	g.mu.Lock()
	c := g.closed
	g.mu.Unlock()
	if c != nil {
		select {
		case g.waits <- struct{}{}:
		default:
		}
		<-c
	}
	return g.Service.SendAll(ctx, parcels)
}

func TestCancelReplay(t *testing.T) {
	g := &gate{Service: openQueues(t, freeQueues(t, "a")...), waits: make(chan struct{}, 1)}
	p, ctx := newPlace(t, eventbridge.Options{Queues: g}, "a"), t.Context()
	p.queues = g.Service
	p.archiveOf(t, "bus", "kept", "")
	for n := range 100 {
		p.putAt(t, "bus", start, n)
	}
	p.bodies(t, "a")
	g.mu.Lock()
	g.closed = make(chan struct{})
	g.mu.Unlock()
	begin := func(name string) error {
		_, err := p.StartReplay(ctx, &awsevents.StartReplayInput{ReplayName: &name, EventSourceArn: str(archivePrefix + "kept"), EventStartTime: &start, EventEndTime: aws.Time(start.Add(time.Hour)),
			Destination: &types.ReplayDestination{Arn: str(busPrefix + "bus")}})
		return err
	}
	if err := begin("r0"); err != nil {
		t.Fatal(err)
	}
	<-g.waits // it delivers its first events
	if d := must(p.DescribeReplay(ctx, &awsevents.DescribeReplayInput{ReplayName: str("r0")}))(t); d.State != types.ReplayStateRunning || d.ReplayEndTime != nil {
		t.Errorf("got %+v", d)
	}
	for i := 1; i < 10; i++ {
		if err := begin(fmt.Sprint("r", i)); err != nil {
			t.Fatal(err)
		}
	}
	refusedWith(t, begin("r10"), "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	for i := range 10 {
		if out := must(p.CancelReplay(ctx, &awsevents.CancelReplayInput{ReplayName: str(fmt.Sprint("r", i))}))(t); out.State != types.ReplayStateCancelling {
			t.Errorf("got %+v", out)
		}
	}
	g.mu.Lock()
	close(g.closed)
	g.closed = nil
	g.mu.Unlock()
	for i := range 10 {
		if d := p.ended(t, fmt.Sprint("r", i)); d.State != types.ReplayStateCancelled || d.ReplayEndTime == nil {
			t.Errorf("got %+v", d)
		}
	}
	if got := len(p.bodies(t, "a")); got == 0 || got > 10*25 {
		t.Errorf("%d events were replayed, of 10 cancelled replays of 100", got)
	}
}

// Events are kept for so many days, and replays are known for 90.
func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := openQueues(t, freeQueues(t, "a")...)
		s := open(t, eventbridge.Options{Queues: q}, eventbridge.Config{
			Archives: []eventbridge.ArchiveConfig{{Name: "short", EventSourceARN: busPrefix + "default", RetentionDays: 2}, {Name: "long", EventSourceARN: busPrefix + "default"}}})
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		e := eventbridge.Entry{Source: "app", DetailType: "t", Detail: "{}"}
		put(t, s, e)
		time.Sleep(30 * time.Hour)
		put(t, s, e)
		for _, step := range []struct {
			wait        time.Duration
			short, long int64
		}{{0, 2, 2}, {19 * time.Hour, 1, 2}, {30 * time.Hour, 0, 2}} {
			time.Sleep(step.wait)
			synctest.Wait()
			if short, long := s.Archived("short"), s.Archived("long"); short != step.short || long != step.long {
				t.Errorf("the archives have %d and %d events, want %d and %d", short, long, step.short, step.long)
			}
		}
	})
}
