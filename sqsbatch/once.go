package sqsbatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/internal/bounded"
)

// What Once keeps of a result at most: a record is one item of DynamoDB, which may
// have 400 KB.
const maxResult = 350 << 10

// Once does work under a key once, and returns what came of it to everyone who
// asks again: a step of a handler whose repetition would cost something, such as
// charging a card before a receipt is written.
//
//	receipt, err := sqsbatch.Once(ctx, records, "charge/"+order.ID, nil, func(ctx context.Context) (Receipt, error) {
//		return bank.Charge(ctx, order)
//	})
//
// R is kept as JSON, up to 350 KB. When it cannot be, the caller that did the work
// still gets it; those that come later get an error of KindResult, and the work is
// not done again.
//
// payload is what must be the same each time; nil is not compared. Another one is
// an error of KindPayload once the work has succeeded.
//
// While another run does the work, the error is of KindInProgress, and a handler
// returns it: [Handle] lets the message come again when that run's lease ends, and
// counts no attempt. An error of f is returned as it is, and the next call does the
// work again.
//
// When the process is stopped between the work and its record, the work is done
// again once the lease has ended: at the deadline of the function, or that of ctx
// outside of [Handle], and 5 seconds more. f should return when its context ends.
// What has been done twice then is known only to the other side: pass the key on
// where it takes one.
func Once[R any](ctx context.Context, records *Records, key string, payload []byte, f func(context.Context) (R, error)) (R, error) {
	var result, none R
	if err := records.Err(); err != nil {
		return none, err
	}
	w, ok := windowOf(ctx)
	if !ok {
		w = bounded.WindowOf(ctx, records.timeout)
	}
	c := &claim{Records: records, key: key, payloadHash: hashOf(payload), lease: w.Lease(), runID: records.newID()}
	rec, err := c.take(ctx)
	var before *done
	if errors.As(err, &before) {
		return kept[R](before.rec)
	}
	if err != nil {
		return none, err
	}
	other, err := c.work(ctx, rec, func() (text, noText string, err error) {
		if result, err = f(ctx); err == nil {
			text, noText = encode(result)
		}
		return text, noText, err
	})
	switch {
	case err != nil:
		return none, err
	case other != nil:
		return kept[R](*other) // it was faster after our lease had ended
	}
	return result, nil
}

// work runs f, which holds the lease, and records its end, whichever that is: a
// panic and runtime.Goexit give the lease back and go on. Another run's record is
// returned where that has succeeded meanwhile.
func (c *claim) work(ctx context.Context, rec Record, f func() (result, noResult string, err error)) (*Record, error) {
	ended := false
	defer func() {
		if !ended {
			ctx, cancel := recording(ctx)
			defer cancel()
			// The panic goes on and says more than this error would: the lease ends by
			// itself.
			_ = c.fail(ctx, rec, &Error{Kind: KindPanic, Op: "handle", Reason: "the work panicked, or ended its goroutine"})
		}
	}()
	result, noResult, err := f()
	ended = true
	ctx, cancel := recording(ctx)
	defer cancel()
	var before *done
	if err != nil {
		if unrecorded := c.fail(ctx, rec, err); unrecorded != nil && !errors.As(unrecorded, &before) {
			return nil, errors.Join(err, unrecorded)
		}
		return nil, err
	}
	if err := c.succeed(ctx, rec, result, noResult); errors.As(err, &before) {
		return &before.rec, nil
	} else if err != nil {
		return nil, err
	}
	return nil, nil
}

// recordTime is how long recording may take once the context of the work has
// ended.
const recordTime = 2 * time.Second

// recording is a context for recording an outcome although that of the work has
// ended: a time-out is an outcome, too.
func recording(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), recordTime)
}

// encode is what a record keeps of a result, or why it cannot.
func encode[R any](r R) (text, noText string) {
	b, err := json.Marshal(r)
	switch {
	case err != nil:
		return "", messageOf(fmt.Errorf("it has no JSON: %w", err))
	case len(b) > maxResult:
		return "", fmt.Sprintf("its JSON has %d bytes, and at most %d are kept", len(b), maxResult)
	}
	return string(b), ""
}

// kept is the result of work that was done before.
func kept[R any](rec Record) (R, error) {
	var r R
	wrong := &Error{Kind: KindResult, Op: "once", Key: shown(rec.Key)}
	switch {
	case rec.NoResult != "":
		wrong.Reason = rec.NoResult
	case rec.Result == "":
		wrong.Reason = "the record has none: it was made by sqsbatch.Idempotent, which needs keys of its own"
	default:
		if wrong.Err = json.Unmarshal([]byte(rec.Result), &r); wrong.Err == nil {
			return r, nil
		}
		wrong.Reason = fmt.Sprintf("what is kept is no %T", r)
		var none R
		r = none
	}
	return r, wrong
}
