package eventbridge

import (
	"errors"
	"fmt"

	"github.com/vinci-go/vinci/event/pattern"
	"github.com/vinci-go/vinci/local/gateway"
)

// EventBridge's errors, with its codes and texts.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html

func fail(code, format string, args ...any) error {
	return &gateway.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return fail("ResourceNotFoundException", format, args...)
}

func exists(format string, args ...any) error {
	return fail("ResourceAlreadyExistsException", format, args...)
}

func limitExceeded() error {
	return fail("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
}

func noBus(name string) error { return notFound("Event bus %s does not exist.", name) }

func noRule(name, bus string) error {
	return notFound("Rule %s does not exist on EventBus %s.", name, bus)
}

// constraint is what AWS's services say of a parameter that the API model refuses.
func constraint(value, at, rule string) error {
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, at, rule)
}

// required refuses a parameter that is missing.
func required(at string) error {
	return invalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", at)
}

const (
	namePattern  = `Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+`
	lengthAtMost = "Member must have length less than or equal to %d"
)

// invalidPattern is the answer to an event pattern that does not compile.
func invalidPattern(err error) error {
	var p *pattern.Error
	if errors.As(err, &p) {
		reason := p.Reason
		if p.Path != "" {
			reason = "at " + p.Path + ": " + p.Reason
		}
		return fail("InvalidEventPatternException", "Event pattern is not valid. Reason: %s", reason)
	}
	return fail("InvalidEventPatternException", "Event pattern is not valid. Reason: %v", err)
}
