package orm

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got, as indented JSON, with testdata/name.
func golden(t *testing.T, name string, got any) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run go test ./orm -update", err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s differs; run go test ./orm -update and look at the difference:\n%s", path, b.String())
	}
}

type stamps struct {
	CreatedAt time.Time `dynamo:"created_at"`
	UpdatedAt time.Time `dynamo:"updated_at,unixtime,omitempty" index:"by_status,range"`
}

type address struct {
	Street string            `dynamo:"street"`
	Codes  map[string]string `dynamo:"codes,allowemptyelem"`
}

// order uses what a definition can say.
type order struct {
	Tenant   string        `dynamo:"tenant,hash"`
	Number   int64         `dynamo:"number,range" index:"by_code,range"`
	Code     string        `dynamo:"code" unique:"normalized" validate:"required,max=20" index:"by_code,hash"`
	Status   string        `dynamo:"status" default:"open" validate:"oneof=open paid" index:"by_status,hash"`
	Total    float64       `dynamo:"total"`
	Priority *int          `dynamo:"priority" default:"3" localIndex:"by_priority,range"`
	Wait     time.Duration `dynamo:"wait" default:"1m30s"`
	Labels   []string      `dynamo:"labels,set,omitempty"`
	Lines    []address     `dynamo:"lines"`
	Secret   string        `dynamo:"-"`
	Expires  int64         `dynamo:"expires,omitempty"`
	Count    int           // named like the field
	stamps
}

var (
	orders      = Define[order, Pair[string, int64]]("orders", Stream(), TTL("expires"), Description("What was ordered."), KeysOnly("by_status"), Include("by_code", "total"))
	orderStatus = Attr(orders, func(o *order) *string { return &o.Status })
	orderCount  = Number(orders, func(o *order) *int { return &o.Count })
	orderLabels = Attr(orders, func(o *order) *[]string { return &o.Labels })
	orderMade   = Attr(orders, func(o *order) *time.Time { return &o.CreatedAt })
	orderMoved  = Attr(orders, func(o *order) *time.Time { return &o.UpdatedAt })
	orderTotal  = Attr(orders, func(o *order) *float64 { return &o.Total })
	orderNumber = Number(orders, func(o *order) *int64 { return &o.Number })
	orderWait   = Attr(orders, func(o *order) *time.Duration { return &o.Wait })
	orderLines  = Attr(orders, func(o *order) *[]address { return &o.Lines })
)

func TestSchema(t *testing.T) {
	if err := orders.Err(); err != nil {
		t.Fatal(err)
	}
	golden(t, "schema.json", orders.Schema())
	if !strings.HasPrefix(orders.Schema().DefinedAt, "orm/schema_test.go:") {
		t.Errorf("defined at %s, want orm/schema_test.go:…", orders.Schema().DefinedAt)
	}
}
