package schedule

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Expression is a parsed schedule. The zero Expression is never due.
type Expression struct {
	every time.Duration // of a rate
	cron  *cron
}

var rateExpression = regexp.MustCompile(`^rate\(([1-9][0-9]{0,8}) (minutes?|hours?|days?)\)$`)

// Parse reads rate(value unit) or cron(minutes hours day-of-month month
// day-of-week year) as EventBridge does. The error says what is wrong and what is
// allowed.
func Parse(text string) (Expression, error) {
	if m := rateExpression.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return Expression{}, fmt.Errorf("schedule %q: %w", text, err)
		}
		unit, plural := strings.CutSuffix(m[2], "s")
		if plural == (n == 1) {
			return Expression{}, fmt.Errorf("schedule %q: EventBridge wants the unit in the singular after 1 and else in the plural", text)
		}
		per := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[unit]
		if n > int(maxRate/per) {
			return Expression{}, fmt.Errorf("schedule %q: a rate of more than %d days is not served", text, int(maxRate/(24*time.Hour)))
		}
		return Expression{every: time.Duration(n) * per}, nil
	}
	if fields, ok := strings.CutPrefix(text, "cron("); ok {
		fields, ok = strings.CutSuffix(fields, ")")
		if !ok {
			return Expression{}, fmt.Errorf("schedule %q: the closing parenthesis is missing", text)
		}
		c, err := parseCron(fields)
		if err != nil {
			return Expression{}, fmt.Errorf("schedule %q: %w", text, err)
		}
		return Expression{cron: c}, nil
	}
	return Expression{}, fmt.Errorf("schedule %q: allowed are rate(5 minutes), with minutes, hours or days, and cron(minutes hours day-of-month month day-of-week year)", text)
}

// maxRate keeps a rate far from where a time.Duration ends.
const maxRate = 100 * 366 * 24 * time.Hour

// Next is the first time after a time at which the schedule is due, zero when
// there is none. A rate counts from that time.
func (e Expression) Next(after time.Time) time.Time {
	switch {
	case e.every > 0:
		return after.Add(e.every)
	case e.cron != nil:
		return e.cron.next(after.UTC())
	default:
		return time.Time{}
	}
}
