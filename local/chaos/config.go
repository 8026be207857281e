package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is a way in which a distributed system is harsh. Its doc comments name the
// AWS pages that permit it.
type Kind string

// The kinds, each with a rate from 0 (never) to 1 (always).
const (
	// Split hands over fewer records or messages at once than there are: a batch
	// ends early, the rest is a batch of its own, and ReceiveMessage returns fewer
	// than were asked for. Its rate is asked for each record and message of a
	// mapping, and for each ReceiveMessage call.
	//
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
	// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
	Split Kind = "split"

	// Shuffle changes the order where AWS promises none. Messages of a standard
	// queue change places; the rate is asked for each batch. The records of a
	// stream are spread over shards, each read by itself, and the rate is the part
	// of the items that are not in the first: records of one item keep their order,
	// records of two items need not. FIFO queues are left alone.
	//
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
	Shuffle Kind = "shuffle"

	// Duplicate delivers again: a message of a standard queue twice at once, or once
	// more after it was deleted (with its own id and a receive count one higher);
	// the newest batch of a stream's shard. FIFO queues are left alone.
	//
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
	// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
	Duplicate Kind = "duplicate"

	// Throttle refuses calls in the words of each service, single entries of
	// batches (UnprocessedItems and UnprocessedKeys of DynamoDB, failed entries of
	// SQS and PutEvents), and invocations by HTTP APIs (503). At a quarter of the rate
	// it cancels transactions with ThrottlingError, which SDKs do not try again.
	//
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
	// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
	// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
	Throttle Kind = "throttle"

	// Conflict answers as if another transaction held an item: a cancelled
	// transaction with TransactionConflict, TransactionConflictException for a single
	// write, and TransactionInProgressException when a transaction whose answer was
	// lost is asked for again with its token.
	//
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
	Conflict Kind = "conflict"

	// Delay waits before a call, an invocation or a delivery, up to Config.Pause.
	//
	// https://docs.aws.amazon.com/wellarchitected/latest/reliability-pillar/design-interactions-in-a-distributed-system-to-prevent-failures.html
	Delay Kind = "delay"

	// Kill ends a process of the function that makes a call, before the call has its
	// effect or after it.
	//
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
	Kill Kind = "kill"

	// Lose does a call and cuts the connection instead of answering.
	//
	// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
	Lose Kind = "lose"
)

// Kinds are all kinds, in the order in which Config's text has them.
func Kinds() []Kind { return []Kind{Split, Shuffle, Duplicate, Throttle, Conflict, Delay, Kill, Lose} }

// Config says how harsh the runtime is. It is a value: two equal ones make the
// same decisions.
type Config struct {
	// Seed decides, with the calls, what happens to whom.
	Seed uint64
	// The rates, from 0 to 1.
	Split, Shuffle, Duplicate, Throttle, Conflict, Delay, Kill, Lose float64
	// Pause is the longest delay, more than 0.
	Pause time.Duration
}

// ErrConfig is the kind of errors about a configuration.
var ErrConfig = errors.New("invalid chaos configuration")

// maxPause keeps a delayed call well within the time that SDKs wait for an answer
// and queues hide a message.
const maxPause = 5 * time.Second

// Default are the rates that a seed alone stands for: each run of a small
// application meets every kind, and still comes to its end quickly.
func Default(seed uint64) Config {
	return Config{
		Seed: seed, Split: 0.2, Shuffle: 0.3, Duplicate: 0.1, Throttle: 0.05, Conflict: 0.05, Delay: 0.1, Kill: 0.01, Lose: 0.02,
		Pause: 100 * time.Millisecond,
	}
}

// rate is where a kind's rate is kept, nil for an unknown kind.
func (c *Config) rate(k Kind) *float64 {
	switch k {
	case Split:
		return &c.Split
	case Shuffle:
		return &c.Shuffle
	case Duplicate:
		return &c.Duplicate
	case Throttle:
		return &c.Throttle
	case Conflict:
		return &c.Conflict
	case Delay:
		return &c.Delay
	case Kill:
		return &c.Kill
	case Lose:
		return &c.Lose
	}
	return nil
}

// Names beside those of the kinds.
const (
	nameAll   = "all"
	namePause = "pause"
)

// Parse reads SEED[,NAME=VALUE]…, as "42" or "42,throttle=0.05,duplicate=0.1". What is
// not named has the rate of [Default]. The names are those of the kinds, each with a
// rate from 0 to 1; "all", which must come first and sets every rate; and "pause", the
// longest delay as a duration up to 5s. Errors are of kind [ErrConfig] and say what is
// allowed.
func Parse(text string) (Config, error) {
	seed, rest, more := strings.Cut(text, ",")
	n, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		return Config{}, fmt.Errorf("%w: the seed is %q and must be a whole number from 0 to %d, as in 42 or 42,throttle=0.1", ErrConfig, seed, uint64(1<<64-1))
	}
	c := Default(n)
	if !more {
		return c, nil
	}
	seen := map[string]bool{}
	for i, part := range strings.Split(rest, ",") {
		name, value, ok := strings.Cut(part, "=")
		switch {
		case !ok:
			return Config{}, fmt.Errorf("%w: %q must be NAME=VALUE, where NAME is %s", ErrConfig, part, allowedNames())
		case seen[name]:
			return Config{}, fmt.Errorf("%w: %s is named twice", ErrConfig, name)
		case name == nameAll && i > 0:
			return Config{}, fmt.Errorf("%w: all sets every rate, so it must come first, right after the seed", ErrConfig)
		}
		seen[name] = true
		if err := c.set(name, value); err != nil {
			return Config{}, err
		}
	}
	return c, nil
}

func (c *Config) set(name, value string) error {
	if name == namePause {
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 || d > maxPause {
			return fmt.Errorf("%w: pause is %q and must be a duration above 0 and up to %s, as 100ms", ErrConfig, value, maxPause)
		}
		c.Pause = d
		return nil
	}
	kinds := []Kind{Kind(name)}
	if name == nameAll {
		kinds = Kinds()
	} else if c.rate(Kind(name)) == nil {
		return fmt.Errorf("%w: there is no %q: NAME is %s", ErrConfig, name, allowedNames())
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || !isRate(f) {
		return fmt.Errorf("%w: %s is %q and must be a number from 0 (never) to 1 (always)", ErrConfig, name, value)
	}
	for _, k := range kinds {
		*c.rate(k) = f + 0 // no negative zero, which would be written "-0"
	}
	return nil
}

// isRate is false for NaN as well.
func isRate(f float64) bool { return f >= 0 && f <= 1 }

func allowedNames() string {
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(append(names, namePause), ", ") + ", or all in front of them"
}

// String is what [Parse] reads: the seed, every rate and the longest delay.
func (c Config) String() string {
	parts := []string{strconv.FormatUint(c.Seed, 10)}
	for _, k := range Kinds() {
		parts = append(parts, string(k)+"="+strconv.FormatFloat(*c.rate(k), 'g', -1, 64))
	}
	return strings.Join(append(parts, namePause+"="+c.Pause.String()), ",")
}

// check tells what is wrong with a configuration that was not parsed.
func (c Config) check() error {
	i := slices.IndexFunc(Kinds(), func(k Kind) bool { return !isRate(*c.rate(k)) })
	switch {
	case i >= 0:
		return fmt.Errorf("%w: %s is %v and must be from 0 to 1", ErrConfig, Kinds()[i], *c.rate(Kinds()[i]))
	case c.Pause <= 0 || c.Pause > maxPause:
		return fmt.Errorf("%w: Pause is %s and must be above 0 and at most %s", ErrConfig, c.Pause, maxPause)
	}
	return nil
}
