package sqsbatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/internal/consume"
	"github.com/vinci-go/vinci/orm"
)

// claim is one run that wants a key.
type claim struct {
	*Records
	key         string
	payloadHash string        // empty: not compared
	lease       time.Duration // how long the run may take
	maxAttempts int           // with as many the key is not taken over from a run that never ended; 0: no limit
	runID       string
}

// hashOf is what a record keeps of a payload; nil is not compared.
func hashOf(payload []byte) string {
	if payload == nil {
		return ""
	}
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

// done is the error of a claim that found the work done before.
type done struct{ rec Record }

func (d *done) Error() string { return "the work under this key was done before" }

// errExhausted is the end of a message whose attempts are used up before this one.
var errExhausted = &Error{Kind: KindUnfinished, Op: "handle", Reason: consume.Exhausted}

// take takes the lease and returns the record as it is then. A *done, an error of
// KindInProgress, KindPayload or KindKey, or errExhausted (with the record as it
// was seen) says why it did not.
//
// A first attempt is one write that creates the record. A later one needs to know
// what it takes over.
func (c *claim) take(ctx context.Context) (Record, error) {
	if err := c.checkKey(); err != nil {
		return Record{}, err
	}
	now := c.now().UTC()
	rec := Record{
		Key: c.key, Status: Processing, Attempts: 1, LeaseUntil: c.leaseUntil(now), RunID: c.runID,
		FirstAt: now, LastAt: now, PayloadHash: c.payloadHash, ExpiresAt: c.expiresAt(now),
	}
	was, err := c.write(ctx, func() error { return orm.Exec(ctx, c.store, c.table.Insert(rec)) })
	for tries := 0; was != nil; tries++ {
		now := c.now().UTC()
		fresh := was.expired(now) && (was.Status != Processing || was.Stuck(now))
		switch {
		case was.RunID == c.runID:
			return *was, nil // our own, and only the answer was lost
		case fresh:
		case was.Status == Succeeded:
			if was.PayloadHash != c.payloadHash && was.PayloadHash != "" && c.payloadHash != "" {
				return *was, &Error{Kind: KindPayload, Op: "handle", Key: shown(c.key), Reason: fmt.Sprintf("the work was done for a payload with SHA-256 %.12s…, this one has %.12s…: two different messages have one key; make the key of more, or say with sqsbatch.Payload what of a message must be the same", was.PayloadHash, c.payloadHash)}
			}
			return *was, &done{*was}
		case was.Status == Processing && !was.Stuck(now):
			return *was, c.inProgress(*was)
		case was.Status == Processing && c.maxAttempts > 0 && was.Attempts >= c.maxAttempts:
			return *was, errExhausted
		}
		if tries == consume.Tries {
			return *was, c.inProgress(*was) // others claim it again and again: let them
		}
		seen := *was
		was, err = c.write(ctx, func() (err error) {
			rec, err = c.table.Apply(ctx, c.store, c.takeOver(seen, fresh, now))
			return err
		})
	}
	if err != nil {
		return rec, &Error{Kind: KindRecord, Op: "claim", Key: c.key, Err: err}
	}
	return rec, nil
}

// maxKey is the longest partition key of DynamoDB, in bytes.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const maxKey = 2048

// checkKey finds a key that cannot be one.
func (c *claim) checkKey() error {
	if len(c.key) > maxKey {
		return &Error{Kind: KindKey, Op: "key", Key: shown(c.key), Reason: fmt.Sprintf("at most %d bytes are allowed: use a hash of it", maxKey)}
	}
	if err := c.table.CheckKey(c.key); err != nil {
		return &Error{Kind: KindKey, Op: "key", Key: shown(c.key), Err: err}
	}
	return nil
}

// takeOver claims a key whose last run failed or never ended, if it is still as
// it was seen. A record that has expired begins anew.
func (c *claim) takeOver(seen Record, fresh bool, now time.Time) *orm.Update[Record] {
	a := &c.attrs
	changes := []orm.Assignment[Record]{
		a.status.Set(Processing), a.runID.Set(c.runID), a.leaseUntil.Set(c.leaseUntil(now)),
		a.lastAt.Set(now), a.expiresAt.Set(c.expiresAt(now)), setText(a.payloadHash, c.payloadHash),
	}
	if fresh {
		changes = append(changes, a.attempts.Set(1), a.firstAt.Set(now),
			a.result.Remove(), a.noResult.Remove(), a.errorKind.Remove(), a.errorMessage.Remove())
	} else {
		changes = append(changes, a.attempts.Add(1))
	}
	return c.table.Update(c.key, changes...).If(c.asSeen(seen))
}

// setText sets an attribute that is left out when it is empty.
func setText(a orm.Attribute[Record, string], s string) orm.Assignment[Record] {
	if s == "" {
		return a.Remove()
	}
	return a.Set(s)
}

// asSeen holds while nobody has written the record since.
func (c *claim) asSeen(seen Record) orm.Condition[Record] {
	return orm.And(c.attrs.runID.Eq(seen.RunID), c.attrs.status.Eq(seen.Status))
}

// conclude records how a run ended that holds the lease. An error says that it is
// not recorded; the lease then keeps others away until it ends.
func (c *claim) conclude(ctx context.Context, rec Record, status Status, changes ...orm.Assignment[Record]) error {
	now := c.now().UTC()
	a := &c.attrs
	changes = append([]orm.Assignment[Record]{
		a.status.Set(status), a.lastAt.Set(now), a.leaseUntil.Remove(),
		a.expiresAt.Set(max(now.Add(c.retention).Unix(), rec.ExpiresAt)),
	}, changes...)
	u := c.table.Update(c.key, changes...).If(a.runID.Eq(c.runID), a.status.Eq(Processing))
	was, err := c.write(ctx, func() error { return orm.Exec(ctx, c.store, u) })
	switch {
	case was == nil && err == nil:
		return nil
	case was == nil:
		return &Error{Kind: KindRecord, Op: "conclude", Key: c.key, Err: err}
	case was.RunID == c.runID && was.Status == status:
		return nil // only the answer was lost
	case was.Status == Succeeded:
		return &done{*was} // by a run that took over a lease that had ended
	default:
		return c.inProgress(*was)
	}
}

// succeed records the end of the work, and what came of it.
func (c *claim) succeed(ctx context.Context, rec Record, result, noResult string) error {
	a := &c.attrs
	return c.conclude(ctx, rec, Succeeded, setText(a.result, result), setText(a.noResult, noResult), a.errorKind.Remove(), a.errorMessage.Remove())
}

// fail gives the lease back, so that the next attempt need not wait for its end.
func (c *claim) fail(ctx context.Context, rec Record, cause error) error {
	a := &c.attrs
	changes := []orm.Assignment[Record]{a.errorKind.Set(string(kindOf(cause))), a.errorMessage.Set(orNone(messageOf(cause)))}
	if !isAttempt(cause) {
		changes = append(changes, a.attempts.Add(-1))
	}
	return c.conclude(ctx, rec, Failed, changes...)
}

// orNone is text for an attribute that cannot be empty.
func orNone(s string) string {
	if s == "" {
		return "the error has no text"
	}
	return s
}

// abandon marks a run that never ended as failed.
func (c *claim) abandon(ctx context.Context, seen Record) error {
	a := &c.attrs
	was, err := c.write(ctx, func() error {
		return orm.Exec(ctx, c.store, c.table.Update(c.key,
			a.status.Set(Failed), a.leaseUntil.Remove(), a.lastAt.Set(c.now().UTC()),
			a.errorKind.Set(string(errExhausted.Kind)), a.errorMessage.Set(messageOf(errExhausted)),
		).If(c.asSeen(seen)))
	})
	if was != nil || err == nil {
		return nil // somebody has taken it on since: theirs counts
	}
	return &Error{Kind: KindRecord, Op: "abandon", Key: c.key, Err: err}
}

// write does a write of the record, again where that may help. When a condition
// fails it returns the record that made it fail.
func (c *claim) write(ctx context.Context, do func() error) (was *Record, err error) {
	err = consume.Waits{Jitter: c.jitter, Sleep: c.sleep}.Write(ctx, do)
	if !errors.Is(err, orm.KindConditionFailed) && !errors.Is(err, orm.KindAlreadyExists) {
		return nil, err
	}
	found, read := consume.Found(ctx, c.table, c.store, c.key, err)
	if read != nil {
		return nil, errors.Join(err, read)
	}
	return &found, err
}

func (c *claim) inProgress(was Record) error {
	until := was.LeaseUntil
	if least := c.now().Add(time.Second); until.Before(least) {
		until = least
	}
	return &Error{Kind: KindInProgress, Op: "handle", Key: c.key, Until: until, Reason: "another run holds the lease until " + until.UTC().Format(time.RFC3339)}
}

func (c *claim) leaseUntil(now time.Time) time.Time { return consume.LeaseUntil(now, c.lease) }

func (r *Records) expiresAt(now time.Time) int64 { return now.Add(r.retention).Unix() }

// shown is a key in an error, which may be of any length.
func shown(key string) string {
	const most = 200
	if len(key) > most {
		return fmt.Sprintf("%.*q… (%d bytes)", most, key, len(key))
	}
	return key
}
