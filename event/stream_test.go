package event_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
)

func TestCheckStream(t *testing.T) {
	for _, tt := range []struct {
		stream string
		want   string // "" for right
	}{
		{"order/7f3c", ""},
		{"user/alice@example.com", ""},
		{"ops/send_welcome", ""},
		{"a/b/c", ""},
		{"a/" + strings.Repeat("x", 98), ""},
		{"a/" + strings.Repeat("x", 99), "101 bytes, at most 100"},
		{"", "no slash"},
		{"order", "no slash"},
		{"/7f3c", "before the slash"},
		{"Order/7f3c", "before the slash"},
		{"order/", "nothing stands after"},
		{"order/7 f", "byte 7 is no printable ASCII"},
		{"order/ü", "byte 6 is no printable ASCII"},
		{"order/\x7f", "byte 6 is no printable ASCII"},
		{"order/a\nb", "byte 7 is no printable ASCII"},
	} {
		t.Run(tt.stream, func(t *testing.T) {
			err := event.CheckStream(tt.stream)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, event.KindInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q of kind %q", err, tt.want, event.KindInvalid)
			}
		})
	}
}

func TestParseID(t *testing.T) {
	for _, tt := range []struct {
		id      string
		stream  string // "" for wrong
		version int64
	}{
		{"order/7f3c@3", "order/7f3c", 3},
		{"user/a@b.c@12", "user/a@b.c", 12},
		{"a/b@9223372036854775807", "a/b", 9223372036854775807},
		{"a/b@9223372036854775808", "", 0},
		{"a/b@0", "", 0},
		{"a/b@-1", "", 0},
		{"a/b@+1", "", 0},
		{"a/b@01", "", 0},
		{"a/b@", "", 0},
		{"a/b", "", 0},
		{"b@1", "", 0},
		{"", "", 0},
		{"a/b@1 ", "", 0},
	} {
		t.Run(tt.id, func(t *testing.T) {
			stream, version, err := event.ParseID(tt.id)
			if stream != tt.stream || version != tt.version || (err == nil) != (tt.stream != "") {
				t.Errorf("got %q, %d, %v; want %q, %d", stream, version, err, tt.stream, tt.version)
			}
			if err != nil && !errors.Is(err, event.KindInvalid) {
				t.Errorf("%v is not of kind %q", err, event.KindInvalid)
			}
		})
	}
}

var genStream = rapid.StringMatching(`[a-z][a-z0-9_]{0,9}/[!-~]{1,60}`)

func TestEventIDRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream := genStream.Draw(t, "stream")
		version := rapid.Int64Min(1).Draw(t, "version")
		s, v, err := event.ParseID(event.EventID(stream, version))
		if err != nil || s != stream || v != version {
			t.Fatalf("got %q, %d, %v", s, v, err)
		}
	})
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{"order/7f3c@3", "user/a@b.c@12", "a/b@01", "@1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		stream, version, err := event.ParseID(id)
		if err == nil && event.EventID(stream, version) != id {
			t.Errorf("%q is parsed as %q and %d, which is another id", id, stream, version)
		}
	})
}
