package emf

import "strings"

// IsLine reports whether a line of a log is one that [Write] wrote.
func IsLine(line string) bool {
	return strings.HasPrefix(line, "{") && strings.Contains(line, `"_aws":{"Timestamp":`) && strings.Contains(line, `"CloudWatchMetrics":`)
}
