package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
)

var update = flag.Bool("update", false, "write the golden files")

func full() event.Envelope {
	return event.Envelope{
		Metadata: event.Metadata{
			ID:            "user/7f3c@1",
			Source:        "user-system",
			Type:          "user.created",
			Subject:       "user/7f3c",
			Time:          time.Date(2026, 11, 21, 5, 47, 19, 123456789, time.UTC),
			SchemaVersion: 2,
			CorrelationID: "K4ZQ",
			CausationID:   "order/9@4",
			TenantID:      "acme \"north\" <GmbH> & Söhne",
			Actor:         "bob",
			TraceParent:   "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		},
		Data: json.RawMessage(`{"user_id":"7f3c","email":"alice@example.com"}`),
	}
}

func least() event.Envelope {
	return event.Envelope{
		Metadata: event.Metadata{
			ID: "x", Source: "s", Type: "a.b", SchemaVersion: 1,
			Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)),
		},
		Data: json.RawMessage(`{}`),
	}
}

func TestEnvelopeGolden(t *testing.T) {
	for name, e := range map[string]event.Envelope{"full": full(), "least": least()} {
		t.Run(name, func(t *testing.T) {
			got, err := e.AppendJSON(nil)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", "envelope_"+name+".json")
			if *update {
				if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if want = bytes.TrimSuffix(want, []byte("\n")); !bytes.Equal(got, want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			back, err := event.DecodeEnvelope(want)
			if err != nil {
				t.Fatal(err)
			}
			e.Time = e.Time.UTC()
			if !reflect.DeepEqual(back, e) {
				t.Errorf("got  %+v\nwant %+v", back, e)
			}
		})
	}
}

// What other senders may write, and what was written by hand to be sure.
func TestEnvelopeForeign(t *testing.T) {
	const in = ` { "data" : { "a" : [ 1 , "}" , { "b" : null } ] } , "future" : {"id":"inner"} , "datacontenttype":"application/json",
		"time":"2026-11-21T06:47:19.5+01:00", "\u0069d":"x\u002f\"1@1","source":"s", "subject":null,
		"type":"a.b","schemaversion":7,"specversion":"1.0","actor":"S\u00f6ren", "n": -1.5e3, "t": true } `
	var e event.Envelope
	if err := json.Unmarshal([]byte(in), &e); err != nil {
		t.Fatal(err)
	}
	want := event.Envelope{
		Metadata: event.Metadata{ID: `x/"1@1`, Source: "s", Type: "a.b", SchemaVersion: 7, Actor: "Sören",
			Time: time.Date(2026, 11, 21, 5, 47, 19, 500000000, time.UTC)},
		Data: json.RawMessage(`{ "a" : [ 1 , "}" , { "b" : null } ] }`),
	}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("got  %+v\nwant %+v", e, want)
	}
}

func TestEnvelopeKeepsNothingOfItsInput(t *testing.T) {
	in, err := json.Marshal(full())
	if err != nil {
		t.Fatal(err)
	}
	e, err := event.DecodeEnvelope(in)
	if err != nil {
		t.Fatal(err)
	}
	for i := range in {
		in[i] = 'x'
	}
	if want := full(); !reflect.DeepEqual(e, want) {
		t.Errorf("got %+v", e)
	}
}

func TestEnvelopeUndecodable(t *testing.T) {
	valid, err := json.Marshal(full())
	if err != nil {
		t.Fatal(err)
	}
	set := func(member string, value any) string {
		var m map[string]any
		if err := json.Unmarshal(valid, &m); err != nil {
			t.Fatal(err)
		}
		if value == nil {
			delete(m, member)
		} else {
			m[member] = value
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, tt := range []struct{ name, in, member, want string }{
		{"no JSON", `{"id":`, "", "it is no JSON"},
		{"empty", ``, "", "it is no JSON"},
		{"two values", string(valid) + string(valid), "", "it is no JSON"},
		{"list", `[]`, "", "no JSON object"},
		{"null", `null`, "", "no JSON object"},
		{"no specversion", set("specversion", nil), "specversion", "missing"},
		{"no id", set("id", nil), "id", "missing"},
		{"no source", set("source", nil), "source", "missing"},
		{"no type", set("type", nil), "type", "missing"},
		{"no time", set("time", nil), "time", "missing"},
		{"no schemaversion", set("schemaversion", nil), "schemaversion", "missing"},
		{"no data", set("data", nil), "data", "missing"},
		{"null data", set("data", json.RawMessage("null")), "data", "missing"},
		{"empty id", set("id", ""), "id", "missing"},
		{"other specversion", set("specversion", "2.0"), "specversion", `got "2.0"`},
		{"id number", set("id", 7), "id", "allowed is a string"},
		{"actor object", set("actor", map[string]any{}), "actor", "allowed is a string"},
		{"time text", set("time", "yesterday"), "time", `got "yesterday", allowed is a time`},
		{"time number", set("time", 1700000000), "time", "allowed is a string"},
		{"schemaversion text", set("schemaversion", "1"), "schemaversion", "whole numbers from 1"},
		{"schemaversion 0", set("schemaversion", 0), "schemaversion", "whole numbers from 1"},
		{"schemaversion 1.5", set("schemaversion", 1.5), "schemaversion", "whole numbers from 1"},
		{"id twice", strings.Replace(string(valid), "{", `{"id":"a",`, 1), "id", "given twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := event.DecodeEnvelope([]byte(tt.in))
			if !errors.Is(err, event.KindUndecodable) {
				t.Fatalf("got %v, want kind %q", err, event.KindUndecodable)
			}
			var typed *event.Error
			if errors.As(err, &typed); typed.Member != tt.member {
				t.Errorf("member %q, want %q", typed.Member, tt.member)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q does not say %q", err, tt.want)
			}
			if !reflect.DeepEqual(e, event.Envelope{}) {
				t.Errorf("a failed decode returns %+v", e)
			}
		})
	}
}

func TestEnvelopeInvalid(t *testing.T) {
	for _, tt := range []struct {
		member string
		change func(*event.Envelope)
	}{
		{"id", func(e *event.Envelope) { e.ID = "" }},
		{"source", func(e *event.Envelope) { e.Source = "" }},
		{"type", func(e *event.Envelope) { e.Type = "" }},
		{"time", func(e *event.Envelope) { e.Time = time.Time{} }},
		{"time", func(e *event.Envelope) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }},
		{"schemaversion", func(e *event.Envelope) { e.SchemaVersion = 0 }},
		{"schemaversion", func(e *event.Envelope) { e.SchemaVersion = -1 }},
		{"data", func(e *event.Envelope) { e.Data = nil }},
		{"data", func(e *event.Envelope) { e.Data = []byte("{") }},
		{"actor", func(e *event.Envelope) { e.Actor = "\xff" }},
	} {
		e := full()
		tt.change(&e)
		_, err := json.Marshal(e)
		var typed *event.Error
		if !errors.As(err, &typed) || typed.Kind != event.KindInvalid || typed.Member != tt.member {
			t.Errorf("%s: got %v", tt.member, err)
		}
	}
}

// genText draws text as it may come in a header or an id: mostly plain, with
// what JSON must escape in between.
var genText = rapid.OneOf(rapid.StringMatching(`[ -~]{0,40}`), rapid.String())

func genEnvelope(t *rapid.T) event.Envelope {
	data, err := json.Marshal(rapid.MapOf(rapid.String(), rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Int(), func(n int) any { return n }),
		rapid.Map(rapid.SliceOf(rapid.Bool()), func(s []bool) any { return s }),
	)).Draw(t, "data"))
	if err != nil {
		t.Fatal(err)
	}
	full := rapid.StringN(1, 40, -1)
	return event.Envelope{
		Metadata: event.Metadata{
			ID:            full.Draw(t, "id"),
			Source:        full.Draw(t, "source"),
			Type:          full.Draw(t, "type"),
			Subject:       genText.Draw(t, "subject"),
			Time:          time.Unix(rapid.Int64Range(0, 200_000_000_000).Draw(t, "second"), rapid.Int64Range(0, 999_999_999).Draw(t, "nano")).UTC(),
			SchemaVersion: rapid.IntRange(1, 1_000_000).Draw(t, "version"),
			CorrelationID: genText.Draw(t, "correlation"),
			CausationID:   genText.Draw(t, "causation"),
			TenantID:      genText.Draw(t, "tenant"),
			Actor:         genText.Draw(t, "actor"),
			TraceParent:   genText.Draw(t, "trace"),
		},
		Data: data,
	}
}

func TestEnvelopeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genEnvelope(t)
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got event.Envelope
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%v in %s", err, b)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v\nfrom %s", got, want, b)
		}
		// Both ways out, and both ways in, are the same.
		direct, err := want.AppendJSON([]byte("x"))
		if err != nil || string(direct) != "x"+string(b) {
			t.Fatalf("AppendJSON: %s, %v; want %s", direct, err, b)
		}
		if got, err = event.DecodeEnvelope(b); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("DecodeEnvelope: %+v, %v", got, err)
		}
	})
}

func FuzzDecodeEnvelope(f *testing.F) {
	for _, name := range []string{"full", "least"} {
		b, err := os.ReadFile(filepath.Join("testdata", "envelope_"+name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"data":[{}],"id":"\ud800","x":{"a":"\\\""}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		e, err := event.DecodeEnvelope(in)
		if err != nil {
			if !errors.Is(err, event.KindUndecodable) {
				t.Fatalf("%v is not of kind %q", err, event.KindUndecodable)
			}
			return
		}
		// The reference is encoding/json, which looks at every name.
		var m map[string]json.RawMessage
		if err := json.Unmarshal(in, &m); err != nil {
			t.Fatalf("decoded what is no JSON object: %v", err)
		}
		var id string
		if err := json.Unmarshal(m["id"], &id); err != nil || id != e.ID {
			t.Fatalf("id %q, want %q (%v)", e.ID, id, err)
		}
		if !bytes.Equal(m["data"], e.Data) {
			t.Fatalf("data %s, want %s", e.Data, m["data"])
		}
		b, err := e.AppendJSON(nil)
		if err != nil {
			t.Fatalf("decoded but cannot be encoded: %v", err)
		}
		back, err := event.DecodeEnvelope(b)
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Fatalf("got  %+v, %v\nwant %+v", back, err, e)
		}
	})
}

func BenchmarkEnvelopeEncode(b *testing.B) {
	e := full()
	e.TenantID = "acme"
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.AppendJSON(buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEnvelopeDecode(b *testing.B) {
	e := full()
	e.TenantID = "acme"
	in, err := e.AppendJSON(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := event.DecodeEnvelope(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDefinitionDecode(b *testing.B) {
	e := full()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := created.Decode(e); err != nil {
			b.Fatal(err)
		}
	}
}
