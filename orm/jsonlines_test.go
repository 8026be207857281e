package orm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type lineRow struct {
	ID   string `dynamo:"id,hash"`
	N    int    `dynamo:"n,range"`
	Kind string `dynamo:"kind" index:"by_kind,hash"`
}

// everyType is an item with a value of each type; everyTypeLine is its line.
var everyType = Item{
	"id":    &types.AttributeValueMemberS{Value: "a\"\\\n\u0001\u2028é😀</script>"},
	"n":     &types.AttributeValueMemberN{Value: "12345678901234567890123456789012345678"},
	"small": &types.AttributeValueMemberN{Value: "-1.5E-130"},
	"bytes": &types.AttributeValueMemberB{Value: []byte{0, 255, 10}},
	"none":  &types.AttributeValueMemberB{Value: []byte{}},
	"empty": &types.AttributeValueMemberS{Value: ""},
	"yes":   &types.AttributeValueMemberBOOL{Value: true},
	"null":  &types.AttributeValueMemberNULL{Value: true},
	"list":  &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberS{Value: "None"}, &types.AttributeValueMemberL{Value: []types.AttributeValue{}}}},
	"map":   &types.AttributeValueMemberM{Value: Item{"": &types.AttributeValueMemberN{Value: "0"}, "b": &types.AttributeValueMemberM{Value: Item{}}}},
	"ss":    &types.AttributeValueMemberSS{Value: []string{"b", "a"}},
	"ns":    &types.AttributeValueMemberNS{Value: []string{"2", "10", "1"}},
	"bs":    &types.AttributeValueMemberBS{Value: [][]byte{{2}, {1, 0}}},
}

const everyTypeLine = `{"Item":{"bs":{"BS":["AQA=","Ag=="]},"bytes":{"B":"AP8K"},"empty":{"S":""},"id":{"S":"a\"\\\n\u0001` + "\u2028" + `é😀</script>"},` +
	`"list":{"L":[{"S":"None"},{"L":[]}]},"map":{"M":{"":{"N":"0"},"b":{"M":{}}}},"n":{"N":"12345678901234567890123456789012345678"},"none":{"B":""},` +
	`"ns":{"NS":["1","10","2"]},"null":{"NULL":true},"small":{"N":"-1.5E-130"},"ss":{"SS":["a","b"]},"yes":{"BOOL":true}}}`

func TestExportLine(t *testing.T) {
	table := Define[lineRow, Pair[string, int]]("lines")
	pages := []*Page{{Items: []Item{everyType}, Next: Item{}}, {}, {Items: []Item{{"id": &types.AttributeValueMemberS{Value: "unique#mail#x"}}}}}
	pages[1].Next = Item{}
	st := &scripted{scan: func(_ context.Context, r *ScanRequest) (*Page, error) {
		if r.Eventual || r.Filter != nil || r.Select != nil || r.Limit != 0 {
			t.Errorf("the request is %+v", r)
		}
		p := pages[0]
		pages = pages[1:]
		return p, nil
	}}
	var out bytes.Buffer
	n, err := Export(t.Context(), st, table, &out)
	if err != nil || n != 2 {
		t.Fatalf("%d items (%v)", n, err)
	}
	if want := everyTypeLine + "\n" + `{"Item":{"id":{"S":"unique#mail#x"}}}` + "\n"; out.String() != want {
		t.Errorf("wrote\n%s\nwant\n%s", out.String(), want)
	}
	item, err := parseItemLine([]byte(everyTypeLine))
	if err != nil {
		t.Fatal(err)
	}
	again, err := appendItem(nil, item)
	if err != nil || `{"Item":`+string(again)+"}" != everyTypeLine || len(item) != len(everyType) {
		t.Errorf("read and written again: %s (%v)", again, err)
	}
	if !reflect.DeepEqual(item["list"], everyType["list"]) || !reflect.DeepEqual(item["map"], everyType["map"]) || !reflect.DeepEqual(item["id"], everyType["id"]) {
		t.Errorf("read %v", item)
	}
}

func TestExportFails(t *testing.T) {
	table := Define[lineRow, Pair[string, int]]("lines")
	boom := errors.New("boom")
	bad := &Page{Items: []Item{roomItem(1), {"id": &types.AttributeValueMemberS{Value: "\xff"}}}}
	scan := func(p *Page, err error) *scripted {
		return &scripted{scan: func(context.Context, *ScanRequest) (*Page, error) { return p, err }}
	}
	if n, err := Export(t.Context(), scan(nil, boom), table, io.Discard); n != 0 || !errors.Is(err, boom) {
		t.Errorf("%d, %v", n, err)
	}
	var out bytes.Buffer
	if n, err := Export(t.Context(), scan(bad, nil), table, &out); n != 1 || !errors.Is(err, KindValidation) || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("%d, %v, %q", n, err, out.String())
	}
	if _, err := Export(t.Context(), scan(&Page{Items: []Item{roomItem(1)}}, nil), table, full{}); !errors.Is(err, errFull) {
		t.Errorf("error of a full disk is %v", err)
	}
	if _, err := Export(t.Context(), nil, Define[struct{ A int }, string]("wrong"), io.Discard); !errors.Is(err, KindDefinition) {
		t.Errorf("error of a wrong definition is %v", err)
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// line is one of lineRow.
func line(id string, n int) string {
	return fmt.Sprintf(`{"Item":{"id":{"S":%q},"n":{"N":"%d"}}}`, id, n)
}

// collect is a store that keeps what is put, and how large the requests were.
func collect(puts *[]string, sizes *[]int) *scripted {
	return &scripted{write: func(r *BatchWriteRequest) (*BatchWriteResult, error) {
		*sizes = append(*sizes, len(r.Puts))
		for _, item := range r.Puts {
			*puts = append(*puts, valueText(item["id"])+valueText(item["n"]))
		}
		return &BatchWriteResult{}, nil
	}}
}

func TestImport(t *testing.T) {
	table := Define[lineRow, Pair[string, int]]("lines")
	var puts []string
	var sizes []int
	var text strings.Builder
	for i := range 60 {
		text.WriteString(line("a", i) + "\n")
		if i%10 == 0 {
			text.WriteString("\r\n  \n")
		}
	}
	text.WriteString(line("last", 1)) // without a line feed
	n, err := Import(t.Context(), collect(&puts, &sizes), table, iotest.OneByteReader(strings.NewReader(text.String())))
	if err != nil || n != 61 || len(puts) != 61 || puts[60] != `"last"1` {
		t.Errorf("%d items (%v): %v", n, err, puts)
	}
	if fmt.Sprint(sizes) != "[25 25 11]" {
		t.Errorf("requests of %v", sizes)
	}

	// A key that is there twice cannot be in one request, and the later line counts.
	puts, sizes = nil, nil
	n, err = Import(t.Context(), collect(&puts, &sizes), table, strings.NewReader(line("a", 1)+"\n"+line("b", 1)+"\n"+strings.Replace(line("a", 1), `"1"`, `"1.0"`, 1)+"\n"))
	if err != nil || n != 3 || fmt.Sprint(sizes) != "[2 1]" {
		t.Errorf("%d items in requests of %v (%v)", n, sizes, err)
	}
	if n, err := Import(t.Context(), nil, table, strings.NewReader("\n")); n != 0 || err != nil {
		t.Errorf("an empty file gives %d, %v", n, err)
	}
}

func TestImportRefuses(t *testing.T) {
	table := Define[lineRow, Pair[string, int]]("lines")
	at := func(attribute, value string) string {
		return fmt.Sprintf(`{"Item":{"id":{"S":"a"},"n":{"N":"1"},%q:%s}}`, attribute, value)
	}
	deep := func(n int) string {
		return at("x", strings.Repeat(`{"L":[`, n)+`{"BOOL":true}`+strings.Repeat("]}", n))
	}
	for name, c := range map[string]struct{ line, want string }{
		"no JSON":             {"id,n", "line 3: "},
		"no object":           {`["Item"]`, "[ stands where an object should"},
		"no item":             {`{}`, `no "Item"`},
		"incremental export":  {`{"Metadata":{"WriteTimestampMicros":"1"},"Keys":{}}`, `it has "Metadata"`},
		"two items":           {line("a", 1) + line("b", 1), "something follows"},
		"cut off":             {`{"Item":{"id":{"S":"a"`, "cut off"},
		"plain JSON":          {`{"Item":{"id":"a"}}`, "id: a stands where an object should"},
		"missing hash":        {`{"Item":{"n":{"N":"1"}}}`, "(attribute id): line 3: the key attribute is missing"},
		"missing sort":        {`{"Item":{"id":{"S":"a"}}}`, "(attribute n): line 3: the key attribute is missing"},
		"wrong type":          {`{"Item":{"id":{"S":"a"},"n":{"S":"1"}}}`, "of type S, the table's is N"},
		"empty key":           {`{"Item":{"id":{"S":""},"n":{"N":"1"}}}`, "cannot be empty"},
		"long key":            {line(strings.Repeat("x", 2049), 1), "allowed are 2048"},
		"index key":           {at("kind", `{"N":"1"}`), "(attribute kind): line 3"},
		"empty index key":     {at("kind", `{"S":""}`), "cannot be empty"},
		"attribute twice":     {at("id", `{"S":"b"}`), `"id" is there twice`},
		"two types":           {at("x", `{"S":"b","N":"1"}`), "a second one"},
		"no type":             {at("x", `{}`), "without a type"},
		"unknown type":        {at("x", `{"X":"b"}`), "none of DynamoDB's types"},
		"bare number":         {at("x", `{"N":1}`), "1 stands where a text should"},
		"no number":           {at("x", `{"N":"0x1"}`), `"0x1" is no number`},
		"long number":         {at("x", `{"N":"`+strings.Repeat("1", 39)+`"}`), "DynamoDB keeps 38"},
		"large number":        {at("x", `{"N":"1E126"}`), "about 1e126"},
		"no base64":           {at("x", `{"B":"*"}`), "base64"},
		"loose base64":        {at("x", `{"B":"AB=="}`), "base64"},
		"text for BOOL":       {at("x", `{"BOOL":"true"}`), "where true or false should"},
		"NULL false":          {at("x", `{"NULL":false}`), "always true"},
		"empty set":           {at("x", `{"SS":[]}`), "cannot be empty"},
		"twice in a set":      {at("x", `{"NS":["1","2","1.0"]}`), "twice"},
		"null in a set":       {at("x", `{"SS":[null]}`), "element 0"},
		"empty name":          {at("", `{"S":"a"}`), "empty name"},
		"too deep":            {deep(33), "nested more than 32 deep"},
		"far too deep":        {deep(100_000), "nested more than 32 deep"},
		"invalid UTF-8":       {line("a", 1) + "\xff", "not valid UTF-8"},
		"half a surrogate":    {at("x", `{"S":"\ud83d!"}`), "half of a surrogate"},
		"the other half":      {at("x", `{"S":"\uDE00"}`), "half of a surrogate"},
		"half, then a letter": {at("x", `{"S":"\ud83d\u0041"}`), "half of a surrogate"},
		"too large an item":   {at("x", `{"S":"`+strings.Repeat("x", MaxItemSize)+`"}`), "allowed are 409600"},
	} {
		t.Run(name, func(t *testing.T) {
			var puts []string
			var sizes []int
			n, err := Import(t.Context(), collect(&puts, &sizes), table, strings.NewReader(line("a", 1)+"\n"+line("a", 2)+"\n"+c.line+"\n"+line("a", 4)))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "line 3") {
				t.Errorf("error is %v, want one of line 3 that says %q", err, c.want)
			}
			if n != 2 || len(puts) != 2 {
				t.Errorf("%d lines are written, said to be %d, want those before", len(puts), n)
			}
		})
	}
	for name, ok := range map[string]string{
		"pair of surrogates":   at("x", `{"S":"\ud83d\uDE00"}`),
		"an escaped backslash": at("x", `{"S":"\\ud83d"}`),
		"deep":                 deep(32),
		"exponents":            at("x", `{"N":"-1E+125"}`),
		"blanks":               " {\t\"Item\" : {\"id\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}} } ",
	} {
		var puts []string
		var sizes []int
		if n, err := Import(t.Context(), collect(&puts, &sizes), table, strings.NewReader(ok)); err != nil || n != 1 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

// endless is a line that never ends.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	e.read += len(b)
	return len(b), nil
}

func TestImportStops(t *testing.T) {
	table := Define[lineRow, Pair[string, int]]("lines")
	rd := &endless{}
	_, err := Import(t.Context(), nil, table, rd)
	if !errors.Is(err, KindTooLarge) || !strings.Contains(err.Error(), "line 1") || rd.read > maxLine+1<<20 {
		t.Errorf("after %d bytes: %v", rd.read, err)
	}

	boom := errors.New("boom")
	_, err = Import(t.Context(), nil, table, iotest.ErrReader(boom))
	if !errors.Is(err, boom) {
		t.Errorf("error of a reader that fails is %v", err)
	}

	var text strings.Builder
	for i := range 80 {
		text.WriteString(line("a", i) + "\n")
	}
	requests := 0
	st := &scripted{write: func(r *BatchWriteRequest) (*BatchWriteResult, error) {
		if requests++; requests == 2 {
			return nil, boom
		}
		return &BatchWriteResult{}, nil
	}}
	n, err := Import(t.Context(), st, table, strings.NewReader(text.String()))
	var failed *BatchError
	if n != 25 || !errors.Is(err, boom) || !errors.As(err, &failed) || !strings.Contains(err.Error(), "lines 26 to 50") || requests != 2 {
		t.Errorf("%d items after %d requests: %v", n, requests, err)
	}
}

// FuzzItemLine reads any line: what is read is written so that it is read as the
// same, and writing it again changes nothing.
func FuzzItemLine(f *testing.F) {
	f.Add([]byte(everyTypeLine))
	f.Add([]byte(`{"Item":{"a":{"NS":["1","1e1"]},"b":{"S":"\ud83d\ude00\/"}}}`))
	f.Add([]byte(`{"Item":{"a":{"L":[{"M":{"":{"NULL":true}}}]}}}`))
	f.Add([]byte(`{"Item":{"a":{"S":"\ud83d"}}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		item, err := parseItemLine(line)
		if err != nil {
			return
		}
		out, err := appendItem([]byte(`{"Item":`), item)
		if err != nil {
			t.Fatalf("%s reads as %v, which cannot be written: %v", line, item, err)
		}
		out = append(out, '}')
		again, err := parseItemLine(out)
		if err != nil {
			t.Fatalf("%s is written as %s, which cannot be read: %v", line, out, err)
		}
		twice, err := appendItem([]byte(`{"Item":`), again)
		if err != nil || !bytes.Equal(append(twice, '}'), out) {
			t.Fatalf("%s is written as %s, then as %s (%v)", line, out, twice, err)
		}
		if ItemSize(item) != ItemSize(again) {
			t.Fatalf("%s is %d bytes, written and read %d", line, ItemSize(item), ItemSize(again))
		}
	})
}
