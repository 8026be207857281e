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

// What an earlier version stored is still read.
func TestRecordOfVersion1(t *testing.T) {
	b := []byte{1, 0, 0, 0, 0, 0, 0, 0, 7}
	for _, s := range []string{"id", "body", "md5", "sender", "trace", "group", "source"} {
		b = appendText(b, s)
	}
	b = append(b, 0)
	want := record{sent: 7, id: "id", body: "body", bodyMD5: "md5", sender: "sender", trace: "trace", group: "group", source: "source"}
	if got, err := decodeRecord(b); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if sent, _, err := headOf(b); err != nil || sent != 7 {
		t.Errorf("got %d, %v", sent, err)
	}
}

func TestFIFORecordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := dedupEntry{until: rapid.Int64().Draw(t, "until"), seq: rapid.Uint64().Draw(t, "seq"), id: genText().Draw(t, "id")}
		if got, err := decodeDedup(e.encode()); err != nil || got != e {
			t.Fatalf("got %+v, %v; want %+v", got, err, e)
		}
		a := &attempt{until: e.until}
		for range rapid.IntRange(0, 10).Draw(t, "messages") {
			a.messages = append(a.messages, attemptMessage{rapid.Uint64().Draw(t, "seq"), rapid.Int().Draw(t, "count"), rapid.Int64().Draw(t, "visible")})
		}
		if got, err := decodeAttempt(a.encode()); err != nil || !reflect.DeepEqual(got, a) {
			t.Fatalf("got %+v, %v; want %+v", got, err, a)
		}
	})
	for _, b := range [][]byte{nil, {9}, make([]byte, 18)} {
		if _, err := decodeDedup(b); !errors.Is(err, errCorrupt) {
			t.Errorf("%v: error %v", b, err)
		}
		if _, err := decodeAttempt(b); !errors.Is(err, errCorrupt) {
			t.Errorf("%v: error %v", b, err)
		}
	}
}
