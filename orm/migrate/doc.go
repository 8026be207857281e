// Package migrate changes every item of a table: a backfill that is given a Go
// function, keeps to a rate, and goes on where it stopped.
//
// A migration is a program of the application, one folder each below
// migrations/. `vinci migrate NAME` builds it and runs it against the local
// runtime or a deployment:
//
//	// migrations/lower_email/main.go
//	func main() {
//		migrate.Main("lower_email", tables.Users, func(ctx context.Context, u tables.User) ([]orm.Write, error) {
//			if u.Email == strings.ToLower(u.Email) {
//				return nil, nil // nothing to do: skipped
//			}
//			return []orm.Write{tables.Users.Update(u.UserID,
//				UserEmail.Set(strings.ToLower(u.Email))).If(UserEmail.Eq(u.Email))}, nil
//		})
//	}
//
// # What is promised
//
// The function sees every item at least once that is in the table from the
// beginning to the end of the run. The function must be repeatable: called again
// with the item as its writes left it, it must change nothing more. That an item
// comes twice happens after kill -9 (up to a page a segment), after a lost
// answer, and when the item changed meanwhile. Set an attribute to a value
// computed from the others; do not add to one.
//
// Items that are inserted while it runs may be seen or not: deploy the code that
// writes the new form first. The order means nothing, and with several segments
// the function runs in as many goroutines.
//
// The writes of one item are executed by [orm.Exec]: all or none. When another
// writer was quicker (a condition that failed, another version), the item is read
// again, strongly consistent, and the function is called again, up to [MaxTries]
// times. An item that is gone by then is skipped. So write with a condition on
// what the function has read; the condition is what makes the migration safe
// beside a running application.
//
// # Failures
//
// An item that cannot be handled (the function returned an error or panicked, the
// item cannot be decoded, its writes were refused) is put down with its key and
// the reason, and the run goes on, until MaxFailures items have failed. The next
// run of the same migration tries those items again first. What is no item's
// fault ends the run at once and loses nothing: no such table, access denied, and
// throttling or an outage that outlasts [MaxTries] tries.
//
// # The checkpoint
//
// Where the run is, its counts and its failed items are kept in one file, by
// default .vinci/migrations/<deployment>/<name>.json. It is replaced as a whole
// after each page of a segment and when the run ends or is stopped, so it is
// never half written. Two runs cannot use one file at a time, and no run goes on
// in a table that was deleted and made anew meanwhile. A migration that ended
// without failures is not run again unless Restart is asked for. The file is all
// there is: a run on another machine begins at the beginning, and is not held back
// by one that runs here.
package migrate
