// Package ops is for whoever runs an application: it follows an event to all that
// became of it, and mends what went wrong. The vinci tool's commands history,
// trace, deliveries, trouble, dlq and replay are this package with a screen.
//
//	o, err := ops.New(ops.Options{
//		Application: "shop", Deployment: "prod",
//		Store: store, Log: log, Queues: ops.NewSQS(config),
//		Subscriptions: []ops.Subscription{ops.Of(billing.Charge), …},
//	})
//	ctx = event.WithFlow(ctx, event.Flow{Actor: "alice"})
//	done, err := o.Redrive(ctx, "charge", ops.Pick{All: true})
//
// # Looking
//
// [Ops.Deliveries] is what became of one event at each subscription. [Ops.Tree] is
// all that one request caused, each event under the one that caused it. [Ops.Trouble]
// is what needs attention at a subscription. [Ops.DeadLetters] lists a dead-letter
// queue without taking anything out of it. None of them changes anything, but that
// SQS counts a message that was listed as received, and hides it from others for as
// long as the listing lasts.
//
// # Acts
//
// [Ops.Redrive], [Ops.Purge], [Ops.Skip], [Ops.Edit] and [Ops.Replay] change what
// happens. Who does it is the Actor of the context's flow ([event.WithFlow]), without
// which they refuse. Each is an event in the stream [Stream], ops/<subscription>,
// which is committed before the act begins, so that nothing is done that is not on
// record. Skip and Edit change nothing but the log and the delivery records, in the
// same transaction. The others work on queues: when one of them breaks off, the
// record says more than was done, never less, and doing it again is harmless.
//
// [Ops.SetSetting] and [Ops.UnsetSetting] change what package settings reads, on the
// condition that nobody has changed it meanwhile. Such a change and its event in
// [SettingStream] are one transaction, too.
//
// # What is safe to send again
//
// A consumer knows an event by its id and has a record of each one that it has
// handled. What Redrive and Replay send again is therefore handled only where it had
// not succeeded, however often it is sent. [Replay.Again] is the one exception, and
// only for subscriptions that say with [bus.Rebuildable] that it may be.
//
// # Read models
//
// The read model of a rebuildable subscription may have generations, each with delivery
// records of its own: see package readmodel/rebuild. What is asked here of such a
// subscription is asked of its current generation, unless an id names another one
// (order/7f3c@1!g3). An act concerns the generation that is being made as well, where
// it would otherwise not hold there.
package ops
