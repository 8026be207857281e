package consume

import "errors"

// Permanent is embedded by the errors with which packages mark others as permanent.
// All of them understand each other's: a function that says so in a handler of one
// says so in a handler of another.
type Permanent struct{ Err error }

// Error is the marked error's text: the mark is for programs.
func (p Permanent) Error() string { return p.Err.Error() }

// Unwrap returns the marked error.
func (p Permanent) Unwrap() error { return p.Err }

func (Permanent) permanent() {}

// IsPermanent reports whether an error, or one that it wraps, is marked.
func IsPermanent(err error) bool {
	var marked interface{ permanent() }
	return errors.As(err, &marked)
}
