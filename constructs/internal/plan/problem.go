package plan

import (
	"fmt"
	"strings"
)

// Problem is one mistake: what was wrong, where, what is allowed and how to mend
// it. Only What is always there.
type Problem struct {
	What    string // what was wrong, with the value that was got
	Where   string // file:line, or the definition
	Allowed string
	Mend    string
	Detail  string // several lines, such as a compiler's message
}

// Problems is every mistake of one synthesis. It is an error when it is not
// empty.
type Problems []Problem

// Error is the numbered list that a person reads.
func (p Problems) Error() string {
	var b strings.Builder
	for i, problem := range p {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%3d. %s\n", i+1, indent(problem.What, "     "))
		line := func(label, text string) {
			if text != "" {
				fmt.Fprintf(&b, "     %-8s %s\n", label, indent(text, "              "))
			}
		}
		line("where", problem.Where)
		line("allowed", problem.Allowed)
		line("mend", problem.Mend)
		if problem.Detail != "" {
			fmt.Fprintf(&b, "     %s\n", indent(strings.TrimRight(problem.Detail, "\n"), "     "))
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// indent puts prefix before every line but the first.
func indent(text, prefix string) string {
	return strings.ReplaceAll(text, "\n", "\n"+prefix)
}

// leaves takes an error made by errors.Join apart, so that each mistake gets a
// number of its own.
func leaves(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, leaves(e)...)
	}
	return all
}
