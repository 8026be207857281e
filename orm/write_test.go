package orm

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func encoded(t *testing.T, w Write) Item {
	t.Helper()
	actions, err := w.Actions(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return actions[0].Item
}

func TestDefaults(t *testing.T) {
	w := orders.Insert(order{Tenant: "acme", Number: 1, Code: "c"})
	got, err := orders.Decode(encoded(t, w))
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != "open" || got.Priority == nil || *got.Priority != 3 || got.Wait != 90*time.Second {
		t.Errorf("defaults are %q, %v, %v; want open, 3, 1m30s", got.Status, got.Priority, got.Wait)
	}
	five := 5
	got, err = orders.Decode(encoded(t, orders.Insert(order{Tenant: "acme", Number: 1, Code: "c", Status: "paid", Priority: &five})))
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != "paid" || *got.Priority != 5 {
		t.Errorf("values are %q, %d; a default replaced them", got.Status, *got.Priority)
	}
	// The item that was passed in stays as it was.
	given := order{Tenant: "acme", Number: 1, Code: "c"}
	orders.Insert(given)
	if given.Status != "" || given.Priority != nil {
		t.Errorf("insert changed the caller's item: %+v", given)
	}
}

func TestValidation(t *testing.T) {
	_, err := orders.Insert(order{Tenant: "acme", Number: 1, Status: "lost"}).Actions(t.Context(), nil)
	if !errors.Is(err, KindValidation) {
		t.Fatalf("error is %v, want kind %q", err, KindValidation)
	}
	var got []string
	for _, e := range Errors(err) {
		got = append(got, e.Attribute)
	}
	if want := []string{"code", "status"}; !reflect.DeepEqual(got, want) {
		t.Errorf("wrong attributes are %v, want %v", got, want)
	}
	if want := `insert orders "acme", 1: validation (attribute status): must satisfy "oneof=open paid"`; !strings.Contains(err.Error(), want) {
		t.Errorf("error is %q, want it to say %q", err, want)
	}
}

// TestRefusedWrites is about writes that fail before any store sees them.
func TestRefusedWrites(t *testing.T) {
	key := Key("acme", int64(1))
	broken := time.Date(1900, 1, 1, 0, 0, 0, 0, time.FixedZone("Amsterdam", 19*60+32))
	type keyed struct {
		ID    []byte             `dynamo:"id,hash"`
		Float float64            `dynamo:"float"`
		Many  map[string]float32 `dynamo:"many"`
		Set   []float64          `dynamo:"set,set"`
		Times []*time.Time       `dynamo:"times"`
	}
	blobs := Define[keyed, []byte]("keyed")
	if err := blobs.Err(); err != nil {
		t.Fatal(err)
	}
	blobFloat := Attr(blobs, func(k *keyed) *float64 { return &k.Float })
	for name, c := range map[string]struct {
		w         Write
		kind      Kind
		attribute string
		says      string
	}{
		"empty key":             {orders.Insert(order{Number: 1, Code: "c"}), KindValidation, "tenant", "cannot be empty"},
		"empty key of update":   {orders.Update(Key("", int64(1)), orderCount.Add(1)), KindValidation, "tenant", "cannot be empty"},
		"empty key of bytes":    {blobs.Delete(nil), KindValidation, "id", "cannot be empty"},
		"long key":              {orders.Update(Key(strings.Repeat("x", 2049), int64(1)), orderCount.Add(1)), KindValidation, "tenant", "2049 bytes long, allowed are 2048"},
		"reserved key":          {orders.Insert(order{Tenant: "unique#x", Number: 1, Code: "c"}), KindValidation, "tenant", `begin with "unique#"`},
		"reserved key, update":  {orders.Update(Key("unique#x", int64(1)), orderCount.Add(1)), KindValidation, "tenant", `begin with "unique#"`},
		"reserved key, delete":  {plainTable.Delete("unique#"), KindValidation, "id", `begin with "unique#"`},
		"put with unique":       {orders.Put(order{Tenant: "acme", Number: 1, Code: "c"}), KindValidation, "", "unique values must be read, and Actions is called without a Reader"},
		"blank unique":          {orders.Insert(order{Tenant: "acme", Number: 1, Code: " \u00a0"}), KindValidation, "code", "cannot be blank"},
		"update of key":         {orders.Update(key, orderNumber.Set(2)), KindValidation, "number", "a key cannot be changed"},
		"no change":             {orders.Update(key), KindValidation, "", "no change is given"},
		"empty change":          {orders.Update(key, Assignment[order]{}), KindValidation, "", "change 0 is empty"},
		"twice":                 {orders.Update(key, orderCount.Add(1), orderCount.Set(1)), KindValidation, "Count", "changed twice"},
		"empty if not exists":   {orders.Update(key, orderLabels.SetIfNotExists(nil)), KindValidation, "labels", "nothing to set"},
		"NaN":                   {orders.Update(key, orderTotal.Set(math.NaN())), KindValidation, "total", "NaN is no number"},
		"infinite":              {orders.Insert(order{Tenant: "a", Number: 1, Code: "c", Total: math.Inf(1)}), KindValidation, "total", "+Inf is no number"},
		"too large":             {blobs.Put(keyed{ID: []byte("k"), Float: 1e126}), KindValidation, "float", "1e126"},
		"too small":             {blobs.Put(keyed{ID: []byte("k"), Float: 1e-131}), KindValidation, "float", "1e-131"},
		"NaN in a map":          {blobs.Put(keyed{ID: []byte("k"), Many: map[string]float32{"x": float32(math.NaN())}}), KindValidation, "many", "NaN"},
		"NaN in a set":          {blobs.Put(keyed{ID: []byte("k"), Set: []float64{math.NaN()}}), KindValidation, "set", "NaN"},
		"NaN in a condition":    {blobs.Delete([]byte("k")).If(blobFloat.Eq(math.NaN())), KindValidation, "float", "NaN"},
		"broken zone":           {orders.Update(key, orderMade.Set(broken)), KindValidation, "created_at", "whole minutes"},
		"broken zone inside":    {blobs.Put(keyed{ID: []byte("k"), Times: []*time.Time{nil, &broken}}), KindValidation, "times", "whole minutes"},
		"order of times":        {orders.Update(key, orderCount.Add(1)).If(orderMade.Lt(time.Now())), KindDefinition, "created_at", "do not sort by time"},
		"order of lists":        {orders.Update(key, orderCount.Add(1)).If(orderLines.Ge(nil)), KindDefinition, "lines", "have no order"},
		"order of nothing":      {orders.Update(key, orderCount.Add(1)).If(orderStatus.Gt("")), KindValidation, "status", "has no order"},
		"in of none":            {orders.Update(key, orderCount.Add(1)).If(orderStatus.In()), KindValidation, "status", "In of 0 values"},
		"or of none":            {orders.Update(key, orderCount.Add(1)).If(Or[order]()), KindValidation, "", "orm.Or of no conditions"},
		"not of nothing":        {orders.Update(key, orderCount.Add(1)).If(Not(And[order]())), KindValidation, "", "orm.Not of the empty condition"},
		"check without":         {orders.Check(key, And[order]()), KindValidation, "", "the condition is empty"},
		"zero attribute":        {orders.Update(key, Attribute[order, int]{}.Set(1)), KindDefinition, "", "must be made by orm.Attr"},
		"zero attribute remove": {orders.Update(key, Attribute[order, int]{}.Remove()), KindDefinition, "", "must be made by orm.Attr"},
		"zero condition":        {orders.Check(key, Attribute[order, int]{}.Exists()), KindDefinition, "", "must be made by orm.Attr"},
		"zero update":           {&Update[order]{}, KindDefinition, "", "must be made by Table.Update"},
		"zero delete":           {&Delete[order]{}, KindDefinition, "", "must be made by Table.Delete"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.w.Actions(t.Context(), nil)
			if !errors.Is(err, c.kind) {
				t.Fatalf("error is %v, want kind %q", err, c.kind)
			}
			if e := Errors(err)[0]; e.Attribute != c.attribute {
				t.Errorf("error names attribute %q, want %q", e.Attribute, c.attribute)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %q, want it to say %q", err, c.says)
			}
			if err2 := Exec(context.Background(), nil, c.w); err2 == nil {
				t.Error("Exec takes it")
			}
		})
	}
}

func TestAllowedNumbers(t *testing.T) {
	for _, n := range []float64{0, math.Copysign(0, -1), 1, -1.5, 9.99e125, -9.99e125, 1e-130, 0.1, math.MaxInt64, math.MaxFloat32, 1 << 53} {
		if _, err := orders.Update(Key("a", int64(1)), orderTotal.Set(n)).Actions(t.Context(), nil); err != nil {
			t.Errorf("%g is refused: %v", n, err)
		}
	}
	for _, s := range []string{"12345678901234567890123456789012345678", "-0.12345678901234567890123456789012345678", "1000000000000000000000000000000000000000000"} {
		if err := checkNumber(s); err != nil {
			t.Errorf("%s is refused: %v", s, err)
		}
	}
	if err := checkNumber("123456789012345678901234567890123456789"); err == nil {
		t.Error("39 digits are taken")
	}
}

func TestUpdateIsAValue(t *testing.T) {
	base := orders.Update(Key("acme", int64(1)), orderCount.Add(1))
	narrow := base.If(orderStatus.Eq("open"))
	a, err := base.Actions(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if a[0].If != nil {
		t.Error("If changed the update it was called on")
	}
	if b, err := narrow.Actions(t.Context(), nil); err != nil || b[0].If == nil {
		t.Errorf("the narrowed update has condition %v, error %v", b[0].If, err)
	}
}

func TestNormalizeUnique(t *testing.T) {
	for in, want := range map[string]string{
		"Alice@Example.com": "alice@example.com",
		" \tx \u00a0":       "x",
		"Straße":            "strasse",
		"STRASSE":           "strasse",
		"ﬁne":               "fine",    // a ligature
		"Ａｌｉｃｅ":             "alice",   // full width
		"e\u0301":           "é",       // a combining accent
		"ΣΊΣΥΦΟΣ":           "σίσυφοσ", // final sigma
		"K":                 "k",       // the Kelvin sign
		"ǰ":                 "ǰ",       // folds to two characters, and composes again
		"\u3000wide blank":  "wide blank",
		"\u00a8":            "\u0308", // a blank comes out of it
		"":                  "",
	} {
		got := NormalizeUnique(in)
		if got != want {
			t.Errorf("%q is normalized to %q, want %q", in, got, want)
		}
		if again := NormalizeUnique(got); again != got {
			t.Errorf("%q is not stable: %q becomes %q", in, got, again)
		}
	}
}

func FuzzNormalizeUnique(f *testing.F) {
	for _, s := range []string{"Alice@Example.com", "ﬃ ", "\u00a8", "İ", "\u1e9e", "\u0345\u0308", "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := NormalizeUnique(s)
		if twice := NormalizeUnique(once); twice != once {
			t.Errorf("%q becomes %q, and that %q", s, once, twice)
		}
	})
}

func TestUniqueActions(t *testing.T) {
	actions, err := orders.Insert(order{Tenant: "acme", Number: 1, Code: " AB\u00a0"}).Actions(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(actions) != 2 {
		t.Fatalf("%d actions, want the item and one unique value", len(actions))
	}
	u := actions[1]
	if s := u.Item["tenant"].(*types.AttributeValueMemberS).Value; s != "unique#code#ab" || u.Unique != "code" {
		t.Errorf("unique item is %q of %q, want unique#code#ab of code", s, u.Unique)
	}
	_, err = Define[struct {
		ID string `dynamo:"id,hash"`
		A  string `dynamo:"a" unique:"exact"`
	}, string]("long").Insert(struct {
		ID string `dynamo:"id,hash"`
		A  string `dynamo:"a" unique:"exact"`
	}{"x", strings.Repeat("y", 2040)}).Actions(t.Context(), nil)
	if !errors.Is(err, KindValidation) || !strings.Contains(err.Error(), "the value is 2040 bytes long, a unique one may have 2039") {
		t.Errorf("error is %v, want one with both sizes", err)
	}
}
