package chaos

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for text, change := range map[string]func(*Config){
		"42":                    func(*Config) {},
		"42,throttle=0.05":      func(c *Config) { c.Throttle = 0.05 },
		"42,kill=1,pause=2s":    func(c *Config) { c.Kill, c.Pause = 1, 2*time.Second },
		"42,all=0,duplicate=.5": func(c *Config) { *c = Config{Seed: 42, Duplicate: 0.5, Pause: c.Pause} },
		"42,lose=-0":            func(c *Config) { c.Lose = 0 },
	} {
		want := Default(42)
		change(&want)
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestParseSaysWhatIsAllowed(t *testing.T) {
	for text, says := range map[string]string{
		"":                     "whole number from 0 to 18446744073709551615",
		"x":                    `the seed is "x"`,
		"-1":                   "whole number",
		"1,":                   "must be NAME=VALUE",
		"1,kill":               "split, shuffle, duplicate, throttle, conflict, delay, kill, lose, pause",
		"1,kil=1":              `there is no "kil"`,
		"1,kill=1.1":           "from 0 (never) to 1 (always)",
		"1,kill=NaN":           "from 0 (never) to 1 (always)",
		"1,kill=1,kill=1":      "named twice",
		"1,kill=1,all=0":       "must come first",
		"1,pause=0s":           "a duration above 0 and up to 5s",
		"1,pause=1":            "as 100ms",
		"1,all=2":              `all is "2"`,
		"1, kill=1":            `there is no " kill"`,
		"99999999999999999999": "whole number",
	} {
		if _, err := Parse(text); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v; want one that says %q", text, err, says)
		}
	}
}

// What a configuration is written as reads back as the same one.
func TestStringRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{Seed: rapid.Uint64().Draw(t, "seed"), Pause: time.Duration(rapid.Int64Range(1, int64(maxPause)).Draw(t, "pause"))}
		for _, k := range Kinds() {
			*c.rate(k) = rapid.Float64Range(0, 1).Draw(t, string(k))
		}
		if got, err := Parse(c.String()); err != nil || got != c {
			t.Fatalf("%s reads as %+v, %v; want %+v", c, got, err, c)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []Config{{}, {Pause: time.Hour}, {Pause: 1, Kill: 2}, {Pause: 1, Lose: -1}} {
		if _, err := New(c, Options{}); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "42", "42,all=0,kill=0.5,pause=1ms", "1,kill=1e-300", "1,=", "1,pause=1h", "18446744073709551615,split=0x1p-2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("%q: %v is of no kind", text, err)
			}
			return
		}
		if err := c.check(); err != nil {
			t.Fatalf("%q was taken: %v", text, err)
		}
		again, err := Parse(c.String())
		if err != nil || again != c {
			t.Fatalf("%q is %+v, written as %s, and reads as %+v, %v", text, c, c, again, err)
		}
	})
}
