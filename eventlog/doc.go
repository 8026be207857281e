// Package eventlog commits state and facts together and reads the facts back.
//
//	log, store, err := eventlog.FromEnv(os.Getenv)
//	…
//	_, err = log.Commit(ctx, eventlog.Changes{
//		Writes: []orm.Write{Users.Insert(user)},
//		Events: []event.Record{Created.At("user/"+id, event.New).Record(UserCreated{…})},
//	})
//	for e, err := range eventlog.Decoded(Created, log.Stream(ctx, "user/"+id, 1)) { … }
//
// # The table
//
// [Events] is outbox, event store, history and replay source in one. Its key is a
// stream, the history of one aggregate (order/7f3c), and a version from 1 without
// gaps. An event with no aggregate, a fact, is in a stream of its commit's own,
// fact/<commit id>. An item is written once, by a transaction, and never changed
// or removed; nearly all that follows rests on that.
//
// Committing is publishing: the table's change stream carries every new event to
// the bus (package relay). There is no second write that could fail.
//
// Two indexes make history readable. IndexByType has the events of one type and
// day in eight shards (see [Bucket]), IndexByCorrelation those of one request.
// Both are sorted by the attribute time, text of a fixed width. The events of one
// commit are a nanosecond apart, so that they keep their order there. Clocks of
// different functions differ: only the versions of a stream are an order to
// decide by.
//
// # What a commit expects
//
// Each event says what it expects of its stream's head: [event.New], that the
// stream does not exist; [event.Expect], a version that must be the last one;
// [event.Append], nothing. New and Expect fail with a [ConflictError] when
// somebody else was faster, because the caller's decision was made from what is
// no longer true: load again, decide again. Append is for what is true whatever
// the stream holds: the log finds a place for it, again and again if need be.
// Several events of one stream get consecutive versions; the first one's
// expectation decides.
//
// No place can be taken twice, since each item is put under the condition that
// nothing is there. No gap can be left, since the head is read first, with
// consistency, and an event that was there once is there for good.
//
// # Why nothing is committed twice
//
// Every attempt has an id of its own. It is in each of its items, and is the
// transaction's ClientRequestToken.
//
//   - No answer, throttled, or a conflict between transactions: the same attempt
//     is sent again, with the same id and to the last byte the same actions.
//     DynamoDB knows the token for ten minutes and answers that it is done if it
//     is. If the token is forgotten the conditions fail, and the items that they
//     find bear the attempt's own id: it is done. After nine minutes (a process that
//     was stopped in between) nothing is sent again, since not every commit has such
//     a condition.
//   - Somebody else took the place of an append: the attempt gets new places, and
//     because a token may not come with other actions
//     (IdempotentParameterMismatch), a new id. The old attempt may still be under
//     way, its answer lost. That does no harm: a condition of it failed on an item
//     that is never removed, so it can never succeed any more.
//   - Somebody else changed an item whose unique values a write was made from: the
//     write is made anew, under a new id, from what is stored then. Only an attempt
//     all of whose answers came is made anew; after a lost one the outcome is
//     unknown.
//   - Tries are exhausted after an answer was lost: the log is read to see whether
//     the attempt is there. Only when it is not, or cannot be read, the outcome is
//     unknown and the error says so: [UnknownOutcomeError].
//
// What a failed condition of the caller's own answers is final, also after a lost
// answer: the lost try could come true only if it arrived after the one that was
// refused, and the item had changed back in between.
//
// A caller that runs its whole command again after an unknown outcome makes a new
// commit; expected versions and conditions on its own items then find the first.
// With a [Command] it need not look.
//
// # Commands
//
// Changes.Command gives what is asked for a name, as a client's Idempotency-Key
// does. Its record is put in the same transaction, under the condition that there
// is none: so of all that ask under one id, one commits, however many ask at once
// and whatever is lost on the way. The others get its result, with
// Commit.Replayed set. That holds for the caller whose answer was lost as well:
// it asks again, and hears what it would have heard.
//
// The record is read only when a commit is refused: until then a command costs
// one more item of the transaction (two write units for up to 1 KB) and no read.
// What the command itself has changed is no reason to refuse it the second time:
// a stream that it has moved, an item that it has inserted. A command that was
// refused leaves no record, and may be asked for again.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
//
// # Reading
//
//   - [Log.Stream] reads one stream, consistently: what decisions are made from.
//   - [Load] folds it into a state, with a [Fold] that has a case for each type,
//     and with [Snapshots] where streams are long.
//   - [Log.History] reads types over a range of time, [Log.Correlation] the story
//     of one request: for people, tools and replay. They read indexes, which are a
//     moment behind, and give a [Cursor] to go on with.
//   - [Log.Get] reads one event by its id.
//
// All of them give envelopes as they were committed. [Decoded] makes typed events
// of them in the newest shape, [Newest] envelopes in the newest shape, and Load
// does so by itself: an older event is brought up step by step by the definition
// (event.Upcast), wherever it is read. The rules of the data (its validate tags)
// are not run on what is in the log already: a rule that was made stricter must
// not make an aggregate unloadable.
//
// # Timers
//
// An event that becomes due later is a [Timer] of the same commit: an item of
// [State] that the function of package eventlog/timers turns into the event when
// its time has come. A commit cancels it by its id:
//
//	log.Commit(ctx, eventlog.Changes{
//		Events: []event.Record{Placed.At(stream, event.New).Record(…)},
//		Timers: []eventlog.Timer{{ID: stream + "/unpaid", Due: now.Add(24 * time.Hour), Event: Reminded.At(stream, event.Append).Record(…)}},
//	})
//	log.Commit(ctx, eventlog.Changes{Events: …, Cancel: []string{stream + "/unpaid"}})
//
// [Log.PublishAt] is a commit of one timer alone: delayed publishing.
//
// # What goes along
//
// Correlation, cause, tenant, actor and trace come from the context
// ([event.WithFlow]). A commit without a correlation id begins a correlation: its
// commit id is the id.
//
// # Tests
//
// On the memory store of package orm/ormtest the log needs nothing running; clock,
// ids, waits and luck are injected with [Options]. Package eventlogtest has such a
// log ready made, and the suite that holds every store to what is said here.
package eventlog
