package pattern

import "errors"

// ErrInvalid is the kind of every error of [Compile]: what EventBridge answers
// as InvalidEventPatternException.
var ErrInvalid = errors.New("invalid event pattern")

// ErrEvent is the kind of every error of a match: the event is no JSON object
// in UTF-8.
var ErrEvent = errors.New("event is not a JSON object")

// Error says what is wrong with a pattern and where.
type Error struct {
	Path   string // the field's path, dotted; empty for the pattern as a whole
	Reason string // what was found, what is allowed
}

func (e *Error) Error() string {
	if e.Path == "" {
		return "invalid event pattern: " + e.Reason
	}
	return "invalid event pattern: at " + e.Path + ": " + e.Reason
}

// Is makes every Error an [ErrInvalid].
func (e *Error) Is(target error) bool { return target == ErrInvalid }
