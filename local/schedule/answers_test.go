package schedule

import "testing"

// What PutRule takes and refuses.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
func TestAnswersOfEventBridge(t *testing.T) {
	for _, text := range []string{
		"rate(1 minute)", "rate(5 minutes)", "rate(1 hour)", "rate(7 days)",
		"cron(0 2 ? * SAT *)", "cron(5,35 14 * * ? *)", "cron(15 10 ? * 6L 2002-2005)", "cron(0 2 ? * SAT#3 *)", "cron(* * ? * SAT#3 *)", "cron(0/5 5 ? JAN 1-5 2022)",
		"cron(0 18 ? * MON-FRI *)", "cron(0 8 1 * ? *)", "cron(0/15 * * * ? *)", "cron(0/30 20-23 ? * MON-FRI *)", "cron(0 0 L * ? *)", "cron(0 0 3W * ? *)", "cron(0 0 ? * 3#2 *)",
	} {
		if _, err := Parse(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{
		"", "rate(10 seconds)", "rate(10 years)", "rate(1 minutes)", "rate(1 days)", "rate(10 minute)", "rate()", "rate(10)", "rate(10 minutess)", "rate(foo minutes)", "rate(0 minutes)",
		"rate(-10 minutes)", "rate(10 MINUTES)", "rate( 10 minutes )", " rate(10 minutes)",
		"cron(0 1 * * * *)", "cron(7 20 * * NOT *)", "cron(INVALID)", "cron(0 dummy ? * MON-FRI *)", "cron(71 8 1 * ? *)", "cron(0 24 * * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 * 13 ? *)", "cron(0 0 ? * 8 *)",
		"cron(0 0 1#2 * ? *)", "cron(0#1 0 * * ? *)", "cron(0 0 * * ?)",
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
