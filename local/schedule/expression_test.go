package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		panic(err)
	}
	return t
}

// The examples of AWS's page, and what is said there of L, W and #.
func TestNext(t *testing.T) {
	for _, tt := range []struct {
		expression, after string
		want              []string
	}{
		{"rate(1 minute)", "2026-11-21 05:47:19", []string{"2026-11-21 05:48:19", "2026-11-21 05:49:19"}},
		{"rate(5 minutes)", "2026-11-21 05:47:19", []string{"2026-11-21 05:52:19"}},
		{"rate(1 hour)", "2026-11-21 05:47:19", []string{"2026-11-21 06:47:19"}},
		{"rate(7 days)", "2026-11-21 05:47:19", []string{"2026-11-28 05:47:19"}},
		{"cron(0 10 * * ? *)", "2026-11-21 10:00:00", []string{"2026-11-22 10:00:00", "2026-11-23 10:00:00"}},
		{"cron(15 12 * * ? *)", "2026-11-21 05:47:19", []string{"2026-11-21 12:15:00"}},
		{"cron(0 18 ? * MON-FRI *)", "2026-11-20 18:00:00", []string{"2026-11-23 18:00:00", "2026-11-24 18:00:00"}},
		{"cron(0 8 1 * ? *)", "2026-11-21 05:47:19", []string{"2026-12-01 08:00:00", "2027-01-01 08:00:00"}},
		{"cron(0/15 * * * ? *)", "2026-11-21 05:47:19", []string{"2026-11-21 06:00:00", "2026-11-21 06:15:00"}},
		{"cron(0/10 * ? * MON-FRI *)", "2026-11-20 23:50:00", []string{"2026-11-23 00:00:00"}},
		{"cron(0/5 8-17 ? * MON-FRI *)", "2026-11-20 17:55:00", []string{"2026-11-23 08:00:00", "2026-11-23 08:05:00"}},
		{"cron(0 9 ? * 2#1 *)", "2026-11-21 05:47:19", []string{"2026-12-07 09:00:00", "2027-01-04 09:00:00"}},
		{"cron(0 0 L * ? *)", "2027-02-01 00:00:00", []string{"2027-02-28 00:00:00", "2027-03-31 00:00:00"}},
		{"cron(0 0 ? * 6L *)", "2026-11-01 00:00:00", []string{"2026-11-27 00:00:00", "2026-12-25 00:00:00"}},
		{"cron(0 0 ? * L *)", "2026-11-21 00:00:00", []string{"2026-11-28 00:00:00"}},
		{"cron(0 0 15W * ? *)", "2026-11-01 00:00:00", []string{"2026-11-16 00:00:00", "2026-12-15 00:00:00"}},
		{"cron(0 0 1W * ? *)", "2026-07-15 00:00:00", []string{"2026-08-03 00:00:00"}}, // the 1st is a Saturday
		{"cron(0 0 31W * ? *)", "2027-01-05 00:00:00", []string{"2027-01-29 00:00:00", "2027-03-31 00:00:00"}},
		{"cron(30 6 29 2 ? *)", "2026-11-21 00:00:00", []string{"2028-02-29 06:30:00", "2032-02-29 06:30:00"}},
		{"cron(59 23 31 DEC ? 2027-2029/2)", "2026-11-21 00:00:00", []string{"2027-12-31 23:59:00", "2029-12-31 23:59:00", ""}},
		{"cron(0 0 1 1 ? 1999)", "2026-11-21 00:00:00", []string{""}},
		{"cron(0 0 31 feb ? *)", "2026-11-21 00:00:00", []string{""}},
		{"cron(5,10,50-52 3,4 * * ? *)", "2026-11-21 03:10:30", []string{"2026-11-21 03:50:00", "2026-11-21 03:51:00", "2026-11-21 03:52:00", "2026-11-21 04:05:00"}},
	} {
		e, err := Parse(tt.expression)
		if err != nil {
			t.Error(err)
			continue
		}
		after := at(tt.after)
		for _, want := range tt.want {
			got := e.Next(after)
			if want == "" {
				if !got.IsZero() {
					t.Errorf("%s after %s: %s, want never", tt.expression, after, got)
				}
				break
			}
			if !got.Equal(at(want)) {
				t.Errorf("%s after %s: %s, want %s", tt.expression, after, got, want)
				break
			}
			after = got
		}
	}
}

func TestParseErrors(t *testing.T) {
	for expression, want := range map[string]string{
		"":                           "allowed are rate(5 minutes)",
		"every minute":               "allowed are rate(5 minutes)",
		"rate(0 minutes)":            "allowed are rate(5 minutes)",
		"rate(1 second)":             "allowed are rate(5 minutes)",
		"rate(5  minutes)":           "allowed are rate(5 minutes)",
		"rate(1 minutes)":            "the singular after 1",
		"rate(2 hour)":               "the singular after 1",
		"rate(999999999 days)":       "a rate of more than 36600 days",
		"cron(0 10 * * ? *":          "closing parenthesis",
		"cron(0 10 * * ?)":           "it has 5 fields",
		"cron(0 10 * * * *)":         `must be "?"`,
		"cron(0 10 ? * ? *)":         `must be "?"`,
		"cron(60 10 * * ? *)":        `minutes "60": allowed are 0 to 59`,
		"cron(x 10 * * ? *)":         `minutes "x": allowed are 0 to 59`,
		"cron(0 5-3 * * ? *)":        `hours "5-3": the range ends before it begins`,
		"cron(0 */0 * * ? *)":        `hours "*/0": a step is a whole number from 1`,
		"cron(0 1 32W * ? *)":        `day-of-month "32W": allowed are 1 to 31`,
		"cron(0 1 0 * ? *)":          `day-of-month "0": allowed are 1 to 31`,
		"cron(0 1 * FOO ? *)":        `month "FOO": allowed are 1 to 12`,
		"cron(0 1 ? * 0 *)":          `day-of-week "0": allowed are 1 to 7`,
		"cron(0 1 ? * 2#6 *)":        `day-of-week "2#6": allowed are a day, # and 1 to 5`,
		"cron(0 1 ? * 9L *)":         `day-of-week "9L": allowed are 1 to 7`,
		"cron(0 1 * * ? 1969)":       `year "1969": allowed are 1970 to 2199`,
		"cron(60 24 * 13 ? 2200)":    `hours "24"`, // all that is wrong, not the first of it
		"cron(0 1 ,1 * ? *)":         `day-of-month ""`,
		"at(2026-11-21T00:00:00)":    "allowed are rate(5 minutes)",
		"rate(99999999999 minutes) ": "allowed are rate(5 minutes)",
	} {
		if _, err := Parse(expression); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", expression)) {
			t.Errorf("%q: got %v, want one that says %q", expression, err, want)
		}
	}
	if got := (Expression{}).Next(time.Now()); !got.IsZero() {
		t.Errorf("the zero expression is due at %s", got)
	}
}

// The jumps over years, months and days leave nothing out: the next time is the
// first minute that matches.
func TestNextIsFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minutes := rapid.SampledFrom([]string{"*", "0", "0/15", "7-9", "59"}).Draw(t, "minutes")
		hours := rapid.SampledFrom([]string{"*", "0", "8-17/3", "23"}).Draw(t, "hours")
		days, week := rapid.SampledFrom([]string{"*", "1", "L", "15W", "28,30"}).Draw(t, "days"), "?"
		if rapid.Bool().Draw(t, "by week") {
			days, week = "?", rapid.SampledFrom([]string{"*", "MON-FRI", "3#2", "6L", "L"}).Draw(t, "week")
		}
		months := rapid.SampledFrom([]string{"*", "*", "1-2", "DEC"}).Draw(t, "months")
		e, err := Parse(fmt.Sprintf("cron(%s %s %s %s %s *)", minutes, hours, days, months, week))
		if err != nil {
			t.Fatal(err)
		}
		start := at("2026-11-28 22:50:30").Add(time.Duration(rapid.IntRange(0, 120*24*60).Draw(t, "minute")) * time.Minute)
		got := e.Next(start)
		c := e.cron
		for m := start.Truncate(time.Minute).Add(time.Minute); ; m = m.Add(time.Minute) {
			if c.months[int(m.Month())] && c.days(m) && c.hours[m.Hour()] && c.minutes[m.Minute()] {
				if !got.Equal(m) {
					t.Fatalf("next is %s, but %s matches", got, m)
				}
				return
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"rate(1 minute)", "cron(0/15 * * * ? *)", "cron(0 0 15W * ? *)", "cron(0 9 ? * 2#1 *)", "cron(0 0 ? * 6L 2026-2030/2)"} {
		f.Add(seed)
	}
	now := at("2026-11-21 05:47:19")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			return
		}
		if next := e.Next(now); !next.IsZero() && !next.After(now) {
			t.Errorf("%q: next after %s is %s", text, now, next)
		}
	})
}
