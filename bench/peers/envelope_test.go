package peers

import (
	"encoding/json"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"github.com/vinci-go/vinci/event"
)

// cloudEvent is the same envelope for the CloudEvents SDK: the same attributes,
// the data already encoded.
func cloudEvent(tb testing.TB) cloudevents.Event {
	tb.Helper()
	e := cloudevents.NewEvent()
	e.SetID("order/7f3c@1")
	e.SetSource("shop")
	e.SetType(orderPlaced.Name())
	e.SetSubject("order/7f3c")
	e.SetTime(at)
	e.SetDataSchema("urn:vinci:schema:shop:order.placed:1")
	for name, value := range map[string]any{"schemaversion": 1, "correlationid": "c1", "causationid": "c0", "tenantid": "acme", "actor": "alice"} {
		e.SetExtension(name, value)
	}
	if err := e.SetData(cloudevents.ApplicationJSON, encoded(tb)); err != nil {
		tb.Fatal(err)
	}
	return e
}

func BenchmarkEncode(b *testing.B) {
	b.Run("vinci", func(b *testing.B) {
		e := envelope(b)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.MarshalJSON(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("cloudevents", func(b *testing.B) {
		e := cloudEvent(b)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.MarshalJSON(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Both read the envelope and leave the data as it is; with "data" both read that,
// too, into the same Go type. vinci's decoding also checks that what must be there
// is, cloudevents' does so in Validate, which is not called.
func BenchmarkDecode(b *testing.B) {
	ours, err := json.Marshal(envelope(b))
	if err != nil {
		b.Fatal(err)
	}
	theirs, err := json.Marshal(cloudEvent(b))
	if err != nil {
		b.Fatal(err)
	}
	for _, data := range []bool{false, true} {
		name := ""
		if data {
			name = "/data"
		}
		b.Run("vinci"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e, err := event.DecodeEnvelope(ours)
				if err != nil {
					b.Fatal(err)
				}
				if !data {
					continue
				}
				if _, err := orderPlaced.Decode(e); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("cloudevents"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var e cloudevents.Event
				if err := e.UnmarshalJSON(theirs); err != nil {
					b.Fatal(err)
				}
				if !data {
					continue
				}
				var p placed
				if err := e.DataAs(&p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The two read each other's envelopes: what is compared is the same thing.
func TestSameEnvelope(t *testing.T) {
	theirs, err := json.Marshal(cloudEvent(t))
	if err != nil {
		t.Fatal(err)
	}
	e, err := event.DecodeEnvelope(theirs)
	if err != nil {
		t.Fatalf("%v: %s", err, theirs)
	}
	want := envelope(t)
	if e.Metadata != want.Metadata || string(e.Data) != string(want.Data) {
		t.Errorf("we read of theirs\n%+v\nwant\n%+v", e, want)
	}
	ours, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var c cloudevents.Event
	if err := json.Unmarshal(ours, &c); err != nil {
		t.Fatalf("%v: %s", err, ours)
	}
	if err := c.Validate(); err != nil || c.ID() != want.ID || c.Extensions()["tenantid"] != "acme" {
		t.Errorf("they read of ours %v: %v", c, err)
	}
}
