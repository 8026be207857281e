// Package direct publishes events without the log: fire and forget.
//
//	p, err := direct.FromEnv(os.Getenv) // in a function that grants bus.Publishes(SearchedFor)
//	…
//	_, err = p.Publish(ctx, SearchedFor.Record(Search{Text: text}))
//
// It costs one PutEvents and no write, and is for facts that may be lost:
// what somebody looked at, a hint to a cache. The events go to the same
// subscriptions, in the same shape, and each subscription handles each of them
// once, by its id.
//
// # What it does not promise
//
//   - Not that the event comes: when the program dies, or gives up after an error,
//     before or in the middle of Publish, nobody sends it later.
//   - Not that it belongs to anything: it is in no transaction. State may change
//     without the event, and the event may come although the change failed.
//   - Not that it comes once: after an error without an answer it may have been
//     published. Publishing it again makes another event, with another id.
//   - No history: it is not in the log. So it cannot be read, replayed, published
//     again, or be in the story of a request (vinci trace), and an aggregate is not
//     made of it.
//   - No order, and no ordered subscription: those read the log, do not find it, and
//     give it up.
//
// What must not be lost is committed: see package eventlog.
package direct
