package sqs

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// AWS's limits.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const (
	maxDelay       = 15 * time.Minute
	maxVisibility  = 12 * time.Hour
	maxWait        = 20 * time.Second
	maxMessageSize = 1 << 20
	maxAttributes  = 10
	maxReceive     = 10_000
)

var (
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)
	numberValue   = regexp.MustCompile(`^-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?$`)
)

// check refuses what SQS refuses of a message.
func (m *Outgoing) check(limit int) error {
	if m.Body == "" {
		return errMissing("MessageBody")
	}
	if r, ok := badRune(m.Body); !ok {
		return errContents("Invalid binary character '#x%X' was found in the message body, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF", r)
	}
	if m.Delay != nil && (*m.Delay < 0 || *m.Delay > maxDelay) {
		return errValue("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", int(m.Delay.Seconds()))
	}
	if len(m.Attributes) > maxAttributes {
		return errValue("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(m.Attributes), maxAttributes)
	}
	for name, a := range m.Attributes {
		if err := a.check(name); err != nil {
			return err
		}
	}
	if m.size() > limit {
		return errValue("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", limit)
	}
	return nil
}

// size counts what the limit counts: the body and the attributes with their
// names and types.
func (m *Outgoing) size() int {
	n := len(m.Body)
	for name, a := range m.Attributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}

func (a Attribute) check(name string) error {
	lower := strings.ToLower(name)
	switch {
	case !attributeName.MatchString(name) || name[0] == '.' || name[len(name)-1] == '.' || strings.Contains(name, ".."):
		return errValue("Invalid message attribute name %q: it can have up to 256 letters, digits, hyphens, underscores and periods, and a period neither at an end nor twice in a row.", name)
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon."):
		return errValue("Message attribute name %q is not allowed: names that start with AWS. or Amazon. are reserved.", name)
	case len(a.DataType) > 256:
		return errValue("Message attribute %q has a type of %d characters: at most 256 are allowed.", name, len(a.DataType))
	}
	kind, _, _ := strings.Cut(a.DataType, ".")
	switch kind {
	case "String":
		if a.StringValue == "" {
			return errValue("Message attribute %q with type 'String' must use field 'String' and cannot be empty.", name)
		}
		if _, ok := badRune(a.StringValue); !ok {
			return errContents("Message attribute %q has a character that is not allowed in XML.", name)
		}
	case "Number":
		if !numberValue.MatchString(a.StringValue) {
			return errValue("Can't cast the value of message (user) attribute '%s' to a number.", name)
		}
	case "Binary":
		if len(a.BinaryValue) == 0 {
			return errValue("Message attribute %q with type 'Binary' must use field 'Binary' and cannot be empty.", name)
		}
	default:
		return errValue("The type of message (user) attribute '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", name)
	}
	return nil
}

// badRune finds the first character that XML 1.0 does not allow, which SQS
// refuses to this day.
func badRune(s string) (rune, bool) {
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			return r, false // not UTF-8
		case r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xFFFD || r >= 0x10000:
		default:
			return r, false
		}
	}
	return 0, true
}
