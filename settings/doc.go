// Package settings has values that can be changed while an application runs: limits,
// time-outs, switches. What is changed holds in every function within seconds, with
// no deployment.
//
// A setting is a Go value. It knows its type, what it is when nobody has set it, and
// what it may be:
//
//	var PaymentWindow = settings.Define("payment_window", "How long an order waits for its payment.",
//		24*time.Hour, settings.Between(time.Minute, 30*24*time.Hour))
//
// The application names it with app.AddSettings, and each function that reads it with
// [bus.ReadsSettings]; its role then allows reading this setting, and no other. A
// function makes one [Reader] when it starts, and asks it:
//
//	window, err := orders.PaymentWindow.Get(ctx, values)
//
// # What a reader does
//
// It reads a setting when it is first asked for, strongly consistent, and again when
// what it knows is older than [Options.MaxAge]. Goroutines that ask at once cause one
// read. A change is so seen after that time at the latest.
//
// When the table cannot be read, what was read last goes on to hold, with a line in
// the log, and the reader tries again a little later. A setting that this process has
// never read is an error then: that nobody has set it is not known, and a default in
// place of a switch that was turned off may do harm.
//
// A stored value that cannot be used (another type than the program's, or one that its
// check refuses) is no outage either: what was read last holds, or else the default,
// with a line in the log and a metric, [MetricInvalid].
//
// # Where it is stored
//
// In the table "state", one item a setting, in JSON. Package ops changes it, and the
// vinci tool with it: who, when and why is an event in the log, committed together
// with the value, on the condition that nobody has changed it meanwhile. Values are
// neither encrypted beyond the table's own encryption nor hidden in the log: a
// password is no setting.
//
// [bus.ReadsSettings]: https://pkg.go.dev/github.com/vinci-go/vinci/bus#ReadsSettings
package settings
