package stacklock

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

func TestFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), File)
	if _, err := Read(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there gave %v", err)
	}
	l := (&Lock{}).With(map[string]string{"send_welcome": "subscriptions_users_2", "count_total": "subscriptions_users"})
	if err := Write(file, l); err != nil {
		t.Fatal(err)
	}
	got, err := Read(file)
	if err != nil || !got.Equal(l) {
		t.Errorf("read %v (%v), want %v", got, err, l)
	}
	const want = "count_total subscriptions_users\nsend_welcome subscriptions_users_2\n"
	if text := string(l.Encode()); !strings.HasSuffix(text, "\n"+want) || !strings.HasPrefix(text, "# ") {
		t.Errorf("the file is\n%s", text)
	}
	if rest := l.Without([]string{"count_total", "absent"}); len(rest.Subscriptions()) != 1 || len(l.Subscriptions()) != 2 {
		t.Errorf("without one it is %v, and the lock itself %v", rest, l)
	}
}

func TestDecode(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		"# a comment\n\na s\nb s_2":          "",
		"b s\r\na s\r\n":                     "",
		"a s\na s\n":                         "",
		"a s\n<<<<<<< HEAD\nb s\n":           "line 2 is a mark of a merge",
		"a s\n||||||| base\nb s\n":           "line 2 is a mark of a merge",
		"a s\na s_2\n":                       `subscription "a" is in stack "s" and in "s_2"`,
		"a\n":                                "line 1 is not a subscription and its stack",
		"a s t\n":                            "line 1 is not a subscription and its stack",
		"A s\nb S\n":                         "line 2 is not a subscription and its stack",
		"{\"version\": 1, \"tables\": []}\n": "line 1 is not a subscription and its stack",
		"a s\n=======\nb s\n>>>>>>> their side\n": "line 2 is a mark of a merge",
	} {
		_, err := Decode([]byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q gave %v, want %q", text, err, want)
		}
	}
}
