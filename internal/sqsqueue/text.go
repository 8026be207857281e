package sqsqueue

import (
	"strings"
	"unicode/utf8"
)

// MaxText is the longest text that [Text] returns, in bytes: enough to know what
// happened, and no reason for a message to be refused as too large.
const MaxText = 1024

// Text is s as a message attribute can hold it: cut to [MaxText], and only
// characters that XML has.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func Text(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r', r >= ' ' && r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000:
			return r
		default:
			return utf8.RuneError
		}
	}, s) // which also replaces what is no UTF-8
	if len(s) <= MaxText {
		return s
	}
	const more = "…"
	cut := MaxText - len(more)
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + more
}
