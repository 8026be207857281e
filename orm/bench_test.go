package orm

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/guregu/dynamo/v2"
)

// row has ten fields and a list of three.
type row struct {
	ID      string    `dynamo:"id,hash"`
	Name    string    `dynamo:"name" validate:"required"`
	Email   string    `dynamo:"email" validate:"required,email"`
	Status  string    `dynamo:"status" default:"pending"`
	Count   int64     `dynamo:"count"`
	Score   float64   `dynamo:"score"`
	Active  bool      `dynamo:"active"`
	Created time.Time `dynamo:"created"`
	Data    []byte    `dynamo:"data"`
	Lines   []rowLine `dynamo:"lines"`
}

type rowLine struct {
	Text  string `dynamo:"text"`
	Price int    `dynamo:"price"`
}

var (
	rows      = Define[row, string]("rows")
	rowStatus = Attr(rows, func(r *row) *string { return &r.Status })
	rowCount  = Number(rows, func(r *row) *int64 { return &r.Count })
	sampleRow = row{ID: "r1", Name: "name", Email: "a@example.com", Count: 7, Score: 1.5, Active: true,
		Created: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), Data: []byte("data"), Lines: []rowLine{{"a", 1}, {"b", 2}, {"c", 3}}}
)

func BenchmarkEncode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rows.Encode(sampleRow); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeGuregu(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dynamo.MarshalItem(&sampleRow); err != nil {
			b.Fatal(err)
		}
	}
}

// byTag lets attributevalue read the same tags of the same struct.
func byTag(o *attributevalue.EncoderOptions) { o.TagKey = "dynamo" }

func BenchmarkEncodeAttributeValue(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := attributevalue.MarshalMapWithOptions(&sampleRow, byTag); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInsert is encoding with defaults, validation and the condition.
func BenchmarkInsert(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rows.Insert(sampleRow).Actions(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	item, err := rows.Encode(sampleRow)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rows.Decode(item); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeGuregu(b *testing.B) {
	item, err := rows.Encode(sampleRow)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var out row
		if err := dynamo.UnmarshalItem(item, &out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeAttributeValue(b *testing.B) {
	item, err := rows.Encode(sampleRow)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var out row
		if err := attributevalue.UnmarshalMapWithOptions(item, &out, func(o *attributevalue.DecoderOptions) { o.TagKey = "dynamo" }); err != nil {
			b.Fatal(err)
		}
	}
}

// TestCodecBenchmarksCompare: all three make the same item, and the same row of
// it.
func TestCodecBenchmarksCompare(t *testing.T) {
	filled := rows.Fill(sampleRow) // attributevalue stores an empty string, the others leave it out
	ours, err := rows.Encode(filled)
	if err != nil {
		t.Fatal(err)
	}
	guregu, err := dynamo.MarshalItem(&filled)
	if err != nil {
		t.Fatal(err)
	}
	sdk, err := attributevalue.MarshalMapWithOptions(&filled, byTag)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(ours, guregu) || !reflect.DeepEqual(ours, Item(sdk)) || len(ours) != 10 {
		t.Errorf("the items differ:\n%v\n%v\n%v", ours, guregu, sdk)
	}
	var a, b row
	if err := errors.Join(dynamo.UnmarshalItem(ours, &a), attributevalue.UnmarshalMapWithOptions(ours, &b, func(o *attributevalue.DecoderOptions) { o.TagKey = "dynamo" })); err != nil {
		t.Fatal(err)
	}
	if got, err := rows.Decode(ours); err != nil || !reflect.DeepEqual(got, filled) || !reflect.DeepEqual(a, filled) || !reflect.DeepEqual(b, filled) {
		t.Errorf("the rows differ: %+v, %+v, %+v (%v)", got, a, b, err)
	}
}

// BenchmarkDefine is what each table costs at a function's start.
func BenchmarkDefine(b *testing.B) {
	for b.Loop() {
		if err := Define[row, string]("rows").Err(); err != nil {
			b.Fatal(err)
		}
	}
}
