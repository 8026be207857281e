package sqs

import (
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func genText() *rapid.Generator[string] { return rapid.StringN(0, 40, -1) }

func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := record{
			sent: rapid.Int64().Draw(t, "sent"), id: genText().Draw(t, "id"), body: genText().Draw(t, "body"), bodyMD5: genText().Draw(t, "md5"),
			sender: genText().Draw(t, "sender"), trace: genText().Draw(t, "trace"), group: genText().Draw(t, "group"), dedup: genText().Draw(t, "dedup"), source: genText().Draw(t, "source"),
		}
		for range rapid.IntRange(0, maxAttributes).Draw(t, "attributes") {
			if want.attributes == nil {
				want.attributes = map[string]Attribute{}
			}
			a := Attribute{DataType: genText().Draw(t, "type"), StringValue: genText().Draw(t, "value")}
			if b := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"); len(b) > 0 {
				a.BinaryValue = b
			}
			want.attributes[genText().Draw(t, "name")] = a
		}
		got, err := decodeRecord(want.encode())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v; want %+v", got, err, want)
		}
		p := progress{visible: rapid.Int64().Draw(t, "visible"), received: rapid.Int64().Draw(t, "received"), first: rapid.Int64().Draw(t, "first"), count: rapid.Int().Draw(t, "count")}
		if again, err := decodeProgress(p.encode()); err != nil || again != p {
			t.Fatalf("got %+v, %v; want %+v", again, err, p)
		}
	})
}

func TestHandleRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := handle{queue: rapid.Uint64().Draw(t, "queue"), seq: rapid.Uint64().Draw(t, "seq"), count: rapid.Uint32().Draw(t, "count")}
		s := want.encode()
		if got, ok := decodeHandle(s); !ok || got != want {
			t.Fatalf("got %+v, %v; want %+v", got, ok, want)
		}
		b := []byte(s)
		i := rapid.IntRange(0, len(b)-1).Draw(t, "place")
		b[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if got, ok := decodeHandle(string(b)); ok {
			t.Fatalf("a handle with one bit changed is taken for %+v", got)
		}
	})
}

// FuzzDecodeRecord: damaged data is an error, never a crash, and what is read is
// what would be written.
func FuzzDecodeRecord(f *testing.F) {
	f.Add((&record{sent: 1, id: "i", body: "b", attributes: map[string]Attribute{"k": {DataType: "String", StringValue: "v"}}}).encode())
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(b)
		if err != nil {
			if !errors.Is(err, errCorrupt) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if again, err := decodeRecord(r.encode()); err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("read %+v, then %+v, %v", r, again, err)
		}
	})
}
