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
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
const (
	maxDelay           = 15 * time.Minute
	maxVisibility      = 12 * time.Hour
	maxWait            = 20 * time.Second
	minRetention       = time.Minute
	maxRetention       = 14 * 24 * time.Hour
	minDataKeys        = time.Minute
	maxDataKeys        = 24 * time.Hour
	defaultDataKeys    = 5 * time.Minute
	minMaxMessageSize  = 1 << 10
	maxMessageSize     = 1 << 20
	maxMaxReceiveCount = 1000
	maxAttributes      = 10
	maxAttributeText   = 256 // bytes of a message attribute's name, and of its type
	maxReceive         = 10_000
	maxInFlight        = 120_000
	maxTags            = 50
	maxStatements      = 20
	maxActions         = 7 // of a statement
)

var (
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	numberValue   = regexp.MustCompile(`^-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?$`)
)

// check refuses what SQS refuses of a message for that queue.
func (m *Outgoing) check(c *QueueConfig) error {
	if m.Body == "" {
		return errMissing("MessageBody")
	}
	if r, ok := badRune(m.Body); !ok {
		return errContents(badCharacter, r)
	}
	if err := m.checkIDs(c); err != nil {
		return err
	}
	if len(m.Attributes) > maxAttributes {
		return errValue("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(m.Attributes), maxAttributes)
	}
	for name, a := range m.Attributes {
		if err := a.check(name); err != nil {
			return err
		}
	}
	return nil
}

// checkSize is apart because AWS words it otherwise for a batch's entry.
func (m *Outgoing) checkSize(c *QueueConfig, batch bool) error {
	switch {
	case m.size() <= c.MaxMessageSize:
		return nil
	case batch:
		return errValue("One or more parameters cannot be validated. Reason: Message must be shorter than %d bytes.", c.MaxMessageSize)
	}
	return errValue("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", c.MaxMessageSize)
}

const badCharacter = "Invalid binary character '#x%X' was found in the message body, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"

// checkIDs refuses what is not for that type of queue.
func (m *Outgoing) checkIDs(c *QueueConfig) error {
	if m.Delay != nil && (*m.Delay < 0 || *m.Delay > maxDelay) {
		return errValue("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", int(m.Delay.Seconds()))
	}
	if m.GroupID != "" && !validFIFOID(m.GroupID) {
		return errFIFOID("MessageGroupId", m.GroupID)
	}
	if m.DeduplicationID != "" && !validFIFOID(m.DeduplicationID) {
		return errFIFOID("MessageDeduplicationId", m.DeduplicationID)
	}
	switch {
	case !c.FIFO && m.DeduplicationID != "":
		return errQueueType("MessageDeduplicationId", m.DeduplicationID)
	case !c.FIFO:
	case m.Delay != nil && *m.Delay > 0: // 0 means the queue's own
		return errQueueType("DelaySeconds", int(m.Delay.Seconds()))
	case m.GroupID == "":
		return errMissing("MessageGroupId")
	case m.DeduplicationID == "" && !c.ContentBasedDeduplication:
		return errNoDedup()
	}
	return nil
}

func errNoDedup() error {
	return errValue("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
}

// validFIFOID reports whether a message group id or deduplication id is allowed:
// 1 to 128 letters, digits and punctuation of ASCII.
func validFIFOID(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

func errFIFOID(parameter, value string) error {
	return errValue("Value %s for parameter %s is invalid. Reason: %[2]s can only include alphanumeric and punctuation characters. 1 to 128 in length.", value, parameter)
}

func errQueueType[T string | int](parameter string, value T) error {
	return errValue("Value %v for parameter %s is invalid. Reason: The request include parameter that is not valid for this queue type.", value, parameter)
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
	case name == "":
		return errValue("The request must contain non-empty message (user) attribute names.")
	case len(name) > maxAttributeText:
		return errValue("Message (user) attribute names must be shorter than %d Bytes", maxAttributeText)
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") || name[0] == '.' || name[len(name)-1] == '.':
		return errValue("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'.")
	case !attributeName.MatchString(name) || strings.Contains(name, ".."):
		return errValue("Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens and underscores. Periods cannot follow each other: %q", name)
	case a.DataType == "":
		return errValue("The message (user) attribute '%s' must contain a non-empty message attribute value.", name)
	case len(a.DataType) > maxAttributeText:
		return errValue("Message (user) attribute types must be shorter than %d Bytes", maxAttributeText)
	}
	kind, _, _ := strings.Cut(a.DataType, ".")
	switch kind {
	case "String":
		if a.StringValue == "" {
			return errValue("Message (user) attribute '%s' must contain a non-empty value of type 'String'.", name)
		}
		if r, ok := badRune(a.StringValue); !ok {
			return errValue(badCharacter, r)
		}
	case "Number":
		if !numberValue.MatchString(a.StringValue) {
			return errValue("Can't cast the value of message (user) attribute '%s' to a number.", name)
		}
	case "Binary":
		if len(a.BinaryValue) == 0 {
			return errValue("Message (user) attribute '%s' must contain a non-empty value of type 'Binary'.", name)
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
		case r >= 0x20 && r < utf8.RuneSelf:
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			return r, false // not UTF-8
		case r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xFFFD || r >= 0x10000:
		default:
			return r, false
		}
	}
	return 0, true
}
