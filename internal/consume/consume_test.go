package consume_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/consume"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/sqsbatch"
)

// Who marks and who asks need not be of one package; each keeps its own kind.
func TestPermanent(t *testing.T) {
	cause := errors.New("no such city")
	for _, err := range []error{bus.Permanent(cause), fmt.Errorf("ship: %w", sqsbatch.Permanent(cause))} {
		if !consume.IsPermanent(err) || !errors.Is(err, cause) {
			t.Errorf("%v is not permanent", err)
		}
	}
	if consume.IsPermanent(cause) || consume.IsPermanent(nil) {
		t.Error("an error that nobody marked is permanent")
	}
	if err := bus.Permanent(cause); !errors.Is(err, bus.KindPermanent) || errors.Is(err, sqsbatch.KindPermanent) || err.Error() != cause.Error() {
		t.Errorf("%v", err)
	}
}

var moved = event.Define[struct{}]("parcel.moved")

// A function of a team may be called by handlers of both packages.
func TestPermanentOfTheOther(t *testing.T) {
	k := bustest.New(t, bus.Subscription("track", bus.To(moved)), bus.On(moved, func(context.Context, event.Event[struct{}]) error {
		return sqsbatch.Permanent(errors.New("no such parcel"))
	}))
	e := k.Event(moved.Record(struct{}{}))
	k.Deliver(e)
	if d := k.Delivery(e.ID); d.Status != bus.Dead || d.Attempts != 1 || d.ErrorKind != string(bus.KindPermanent) {
		t.Errorf("bus: %+v", d)
	}

	var got sqsbatch.Result
	f, err := sqsbatch.Handle(func(context.Context, events.SQSMessage) error { return bus.Permanent(errors.New("no such parcel")) },
		sqsbatch.Client(taking{}), sqsbatch.DeadLetterQueue("arn:aws:sqs:eu-west-1:123456789012:dlq"),
		sqsbatch.Observe(func(_ context.Context, r sqsbatch.Result) { got = r }))
	if err != nil {
		t.Fatal(err)
	}
	m := events.SQSMessage{MessageId: "m", Body: "{}", EventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:parcels"}
	if _, err := f(t.Context(), events.SQSEvent{Records: []events.SQSMessage{m}}); err != nil || got.Outcome != sqsbatch.OutcomeDead || got.Attempt != 1 {
		t.Errorf("sqsbatch: %+v, %v", got, err)
	}
}

// taking is a client of SQS that takes everything.
type taking struct{ sqsbatch.SQS }

func (taking) SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	return &sqs.SendMessageOutput{}, nil
}

func TestWrite(t *testing.T) {
	throttled, wrong := &orm.Error{Kind: orm.KindThrottled}, &orm.Error{Kind: orm.KindValidation}
	stop := errors.New("the context ended")
	for name, tt := range map[string]struct {
		errs  []error
		sleep error
		tries int
		want  error
	}{
		"at once":  {[]error{nil}, nil, 1, nil},
		"passes":   {[]error{throttled, throttled, nil}, nil, 3, nil},
		"does not": {[]error{throttled, throttled, throttled, nil}, nil, 3, orm.KindThrottled},
		"is wrong": {[]error{wrong, nil}, nil, 1, orm.KindValidation},
		"no time":  {[]error{throttled, nil}, stop, 1, stop},
	} {
		t.Run(name, func(t *testing.T) {
			var waits []time.Duration
			w := consume.Waits{Jitter: func(d time.Duration) time.Duration { return d / 2 }, Sleep: func(_ context.Context, d time.Duration) error {
				waits = append(waits, d)
				return tt.sleep
			}}
			tries := 0
			err := w.Write(t.Context(), func() error { tries++; return tt.errs[tries-1] })
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) || tries != tt.tries {
				t.Errorf("%v after %d tries", err, tries)
			}
			for i, d := range waits {
				if want := 75 * time.Millisecond << i; d != want {
					t.Errorf("wait %d is %v, want %v", i, d, want)
				}
			}
		})
	}
}

func TestCounting(t *testing.T) {
	for text, want := range map[string]int{"": 1, "0": 1, "-2": 1, "x": 1, "7": 7} {
		if got := consume.Receives(&events.SQSMessage{Attributes: map[string]string{"ApproximateReceiveCount": text}}); got != want {
			t.Errorf("%q receives: %d, want %d", text, got, want)
		}
	}
	for d, want := range map[time.Duration]time.Duration{-time.Hour: time.Second, 0: time.Second, time.Second: time.Second, 1001 * time.Millisecond: 2 * time.Second} {
		if got := consume.Seconds(d); got != want {
			t.Errorf("%v: %v, want %v", d, got, want)
		}
	}
	now := time.Unix(100, 1)
	if got := consume.LeaseUntil(now, 10*time.Second); !got.Equal(time.Unix(111, 0)) {
		t.Errorf("the lease ends at %v", got)
	}
}
