package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cron is the six fields of a cron expression. A day must match the days of the
// month or the days of the week, of which one is always "?".
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
type cron struct {
	minutes, hours, months, years values
	days                          func(time.Time) bool
}

// values are the numbers that a field allows.
type values map[int]bool

// field is what may stand in one place of the expression.
type field struct {
	name     string
	min, max int
	words    []string // of min and those after it
}

var (
	minuteField = field{name: "minutes", max: 59}
	hourField   = field{name: "hours", max: 23}
	dayField    = field{name: "day-of-month", min: 1, max: 31}
	monthField  = field{name: "month", min: 1, max: 12, words: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}}
	weekField   = field{name: "day-of-week", min: 1, max: 7, words: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}}
	yearField   = field{name: "year", min: 1970, max: 2199}
)

func parseCron(text string) (*cron, error) {
	f := strings.Fields(text)
	if len(f) != 6 {
		return nil, fmt.Errorf("it has %d fields: cron has minutes, hours, day-of-month, month, day-of-week and year", len(f))
	}
	var c cron
	var errs []error
	set := func(to *values, in field, text string) {
		v, err := in.parse(text)
		if err != nil {
			errs = append(errs, err)
		}
		*to = v
	}
	set(&c.minutes, minuteField, f[0])
	set(&c.hours, hourField, f[1])
	set(&c.months, monthField, f[3])
	set(&c.years, yearField, f[5])
	var err error
	switch {
	case f[2] == "?" && f[4] == "?", f[2] != "?" && f[4] != "?":
		err = errors.New(`one of day-of-month and day-of-week must be "?", and the other not`)
	case f[4] == "?":
		c.days, err = parseDays(f[2])
	default:
		c.days, err = parseWeekdays(f[4])
	}
	return &c, errors.Join(append(errs, err)...)
}

// parse reads a list of values, ranges and steps: 1,5-7,*/10.
func (f field) parse(text string) (values, error) {
	all := values{}
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			var err error
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return nil, f.wrong(part, "a step is a whole number from 1")
			}
		}
		first, last := f.min, f.max
		if span != "*" {
			from, to, isRange := strings.Cut(span, "-")
			var err error
			if first, err = f.number(from); err != nil {
				return nil, f.wrong(part, err.Error())
			}
			switch {
			case isRange:
				if last, err = f.number(to); err != nil {
					return nil, f.wrong(part, err.Error())
				}
				if last < first {
					return nil, f.wrong(part, "the range ends before it begins")
				}
			case !stepped: // 5/10 is from 5 on
				last = first
			}
		}
		for n := first; n <= last; n += step {
			all[n] = true
		}
	}
	return all, nil
}

func (f field) number(text string) (int, error) {
	if i := slices.Index(f.words, strings.ToUpper(text)); i >= 0 {
		return f.min + i, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.min || n > f.max {
		return 0, fmt.Errorf("allowed are %d to %d", f.min, f.max)
	}
	return n, nil
}

func (f field) wrong(part, reason string) error {
	return fmt.Errorf("%s %q: %s", f.name, part, reason)
}

// parseDays reads days of the month: values, L for the last one, and 15W for the
// weekday nearest to the 15th, within the month.
func parseDays(text string) (func(time.Time) bool, error) {
	if text == "L" {
		return func(t time.Time) bool { return t.Day() == lastDay(t) }, nil
	}
	if day, ok := strings.CutSuffix(text, "W"); ok {
		n, err := dayField.number(day)
		if err != nil {
			return nil, dayField.wrong(text, err.Error())
		}
		return func(t time.Time) bool { return t.Day() == nearestWeekday(t, n) }, nil
	}
	v, err := dayField.parse(text)
	return func(t time.Time) bool { return v[t.Day()] }, err
}

// parseWeekdays reads days of the week, 1 is Sunday: values, L for Saturday, 5L
// for the last Thursday and 3#2 for the second Tuesday of a month.
func parseWeekdays(text string) (func(time.Time) bool, error) {
	weekday := func(t time.Time) int { return int(t.Weekday()) + 1 }
	if day, which, ok := strings.Cut(text, "#"); ok {
		n, err := weekField.number(day)
		k, numErr := strconv.Atoi(which)
		if err != nil || numErr != nil || k < 1 || k > 5 {
			return nil, weekField.wrong(text, "allowed are a day, # and 1 to 5")
		}
		return func(t time.Time) bool { return weekday(t) == n && (t.Day()-1)/7+1 == k }, nil
	}
	if day, ok := strings.CutSuffix(text, "L"); ok {
		if day == "" {
			return func(t time.Time) bool { return t.Weekday() == time.Saturday }, nil
		}
		n, err := weekField.number(day)
		if err != nil {
			return nil, weekField.wrong(text, err.Error())
		}
		return func(t time.Time) bool { return weekday(t) == n && t.Day()+7 > lastDay(t) }, nil
	}
	v, err := weekField.parse(text)
	return func(t time.Time) bool { return v[weekday(t)] }, err
}

func lastDay(t time.Time) int {
	return time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// nearestWeekday is the day of t's month that 15W means: Friday before a
// Saturday, Monday after a Sunday, but no day of another month.
func nearestWeekday(t time.Time, day int) int {
	if day > lastDay(t) {
		return 0
	}
	d := time.Date(t.Year(), t.Month(), day, 0, 0, 0, 0, time.UTC)
	switch d.Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == lastDay(t) {
			return day - 2
		}
		return day + 1
	default:
		return day
	}
}

// next is the first whole minute after t that matches, zero when there is none.
func (c *cron) next(t time.Time) time.Time {
	t = t.Truncate(time.Minute).Add(time.Minute)
	for t.Year() <= yearField.max {
		switch day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC); {
		case !c.years[t.Year()]:
			t = time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
		case !c.months[int(t.Month())]:
			t = time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		case !c.days(t):
			t = day.AddDate(0, 0, 1)
		case !c.hours[t.Hour()]:
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !c.minutes[t.Minute()]:
			t = t.Add(time.Minute)
		default:
			return t
		}
	}
	return time.Time{}
}
