package orm

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/internal/place"
)

// Define makes a table definition from the struct T. It never panics for a wrong
// definition: [Table.Err] then reports everything that is wrong with it, so that
// one synth can show the mistakes of all definitions at once.
//
// See the package documentation for the struct tags.
func Define[T, K any](name string, opts ...Option) *Table[T, K] {
	var zero K
	pair, _ := any(zero).(twoPart)
	d := newDefiner(name, reflect.TypeFor[T](), reflect.TypeFor[K]())
	d.schema.DefinedAt = place.Caller()
	err := d.define(pair, opts)
	return &Table[T, K]{schema: d.schema, plan: d.plan, err: err}
}

func newDefiner(name string, item, key reflect.Type) *definer {
	s := &Schema{Name: name, Type: item.String()}
	return &definer{schema: s, item: item, key: key, plan: &plan{schema: s, byName: map[string]*field{}}}
}

// define reads the struct and the options, and reports all that is wrong. pair is
// a value of the key type when that is a Pair.
func (d *definer) define(pair twoPart, opts []Option) error {
	if d.readStruct() {
		for i, opt := range opts {
			if opt == nil {
				d.problem("", fmt.Sprintf("option %d is nil: take it away", i+1))
				continue
			}
			opt(d)
		}
		d.checkKey(pair)
		d.checkAttributes()
		d.rules()
	}
	d.checkTable()
	d.plan.finish()
	d.storeDefaults()
	return errors.Join(d.problems...)
}

// checkAttributes checks what is said of the attributes, when all are known and
// the keys are found.
func (d *definer) checkAttributes() {
	d.checkIndexes()
	d.checkIndexKeys()
	d.checkTTL()
	d.checkUnique()
	d.checkStamps()
	d.checkVersion()
	d.checkEnums()
	d.checkTemplates()
}

// checkTable checks what is said of the table as a whole.
func (d *definer) checkTable() {
	if err := names.Check(d.schema.Name); err != nil {
		d.problem("", err.Error())
	}
	s := d.schema.Settings
	for _, what := range slices.Concat(s.problems(), s.schemaProblems(d.schema)) {
		d.problem("", what)
	}
}

// definer collects a definition and everything that is wrong with it.
type definer struct {
	schema   *Schema
	plan     *plan
	item     reflect.Type
	key      reflect.Type
	hashes   []string // fields tagged as partition key
	sorts    []string
	problems []error
}

// definitionError is one problem of one definition.
type definitionError struct{ at, table, what string }

func (e *definitionError) Error() string {
	return fmt.Sprintf("%s: table %q: %s", e.at, e.table, e.what)
}

// Is makes it a KindDefinition.
func (e *definitionError) Is(target error) bool { return target == KindDefinition }

// problem records what is wrong with a field, or with the table when field is
// empty.
func (d *definer) problem(field, what string) {
	switch {
	case field != "" && d.plan != nil && d.plan.raw:
		what = fmt.Sprintf("attribute %q: %s", field, what)
	case field != "":
		what = d.item.String() + "." + field + ": " + what
	}
	d.problems = append(d.problems, &definitionError{d.schema.DefinedAt, d.schema.Name, what})
}

// readStruct reads the fields of T; false when T is nothing fields can be read of.
func (d *definer) readStruct() bool {
	if d.item.Kind() != reflect.Struct {
		d.problem("", fmt.Sprintf("the item type %s is no struct: define the table with a struct whose fields are its attributes", d.item))
		return false
	}
	if why := customItem(d.item); why != "" {
		d.problem("", fmt.Sprintf("the item type %s %s, so its attributes cannot be known: take the method away", d.item, why))
		return false
	}
	d.fields(d.item, nil, 0, "")
	if len(d.plan.fields) == 0 && len(d.problems) == 0 {
		d.problem("", fmt.Sprintf("the item type %s has no exported field: its exported fields are the table's attributes", d.item))
	}
	for i := range d.plan.fields {
		f := &d.plan.fields[i]
		if other, ok := d.plan.byName[f.name]; ok {
			d.problem(f.goName, fmt.Sprintf("attribute %q is also the name of field %s: give one of them another name in its dynamo tag", f.name, other.goName))
			continue
		}
		d.plan.byName[f.name] = f
	}
	return true
}

// checkKey finds the table's keys and compares them with K.
func (d *definer) checkKey(pair twoPart) {
	const mend = "tag one field `dynamo:\"name,hash\"`"
	switch len(d.hashes) {
	case 0:
		d.problem("", d.item.String()+" has no partition key: "+mend)
	case 1:
		d.schema.Hash = d.hashes[0]
		d.plan.hash = d.plan.byName[d.schema.Hash]
	default:
		d.problem("", fmt.Sprintf("%s has %d partition keys (%s), a table has one: %s, a second one `,range`", d.item, len(d.hashes), list(d.hashes), mend))
	}
	switch len(d.sorts) {
	case 0:
	case 1:
		d.schema.Sort = d.sorts[0]
		d.plan.sort = d.plan.byName[d.schema.Sort]
	default:
		d.problem("", fmt.Sprintf("%s has %d sort keys (%s), a table has at most one: tag one field `,range`", d.item, len(d.sorts), list(d.sorts)))
	}
	for _, f := range []*field{d.plan.hash, d.plan.sort} {
		if f != nil {
			d.keyKind(f, "a key")
			for _, o := range f.options("null", "allowempty", "omitempty") {
				d.problem(f.goName, fmt.Sprintf("`,%s` is about values that are left out, and a key never is: take the option away", o))
			}
			if f.typ.Kind() == reflect.Pointer {
				d.problem(f.goName, fmt.Sprintf("a key cannot be the pointer %s, every item has one: use %s", f.typ, f.typ.Elem()))
			}
		}
	}
	if len(d.hashes) == 1 && len(d.sorts) < 2 {
		d.checkKeyType(pair)
	}
}

// checkKeyType compares K with the fields that are the key.
func (d *definer) checkKeyType(pair twoPart) {
	hash, sort := d.plan.hash, d.plan.sort
	if hash == nil || (d.schema.Sort != "" && sort == nil) {
		return // a problem of its own
	}
	want := hash.typ.String()
	if sort != nil {
		want = fmt.Sprintf("orm.Pair[%s, %s]", hash.typ, sort.typ)
	}
	ok := false
	switch {
	case sort == nil:
		ok = d.key == hash.typ
	case pair != nil && d.key.Kind() == reflect.Struct && d.key.NumField() == 2: // else it embeds or points at a Pair
		h, s := d.key.Field(0), d.key.Field(1)
		ok = h.Name == "Hash" && s.Name == "Sort" && h.Type == hash.typ && s.Type == sort.typ
	}
	if !ok {
		d.problem("", fmt.Sprintf("the key type is %s, and the key fields of %s make it %s: write orm.Define[%s, %s](%q)", d.key, d.item, want, d.item, want, d.schema.Name))
	}
}

// keyKind checks that a field can be a key of a table or an index.
func (d *definer) keyKind(f *field, what string) {
	switch f.kind {
	case "":
		return // its type is a problem of its own
	case "S", "N", "B":
	default:
		d.problem(f.goName, fmt.Sprintf("%s is stored as %s and cannot be %s: keys are strings, numbers or bytes (S, N, B)", f.goType, f.kind, what))
	}
	if f.timeText {
		d.problem(f.goName, fmt.Sprintf("a time.Time in text cannot be %s: one instant has many texts, and they do not sort by time; add `,unixtime` to its dynamo tag, or use int64 or a string", what))
	}
}

func (d *definer) checkTTL() {
	if d.schema.TTL == "" {
		return
	}
	f, ok := d.plan.byName[d.schema.TTL]
	if !ok {
		d.problem("", fmt.Sprintf("TTL attribute %q is none of the table's: it has %s", d.schema.TTL, list(attributeNames(d.schema))))
		return
	}
	if f.kind != "N" {
		d.problem(f.goName, fmt.Sprintf("the TTL attribute is stored as %s, and expiry is a number of epoch seconds: use int64, or time.Time with `,unixtime`", f.kind))
	} else if !d.plan.raw && !f.expires() {
		d.problem(f.goName, fmt.Sprintf("the TTL attribute is %s, and expiry is a number of whole epoch seconds: use int64, or time.Time with `,unixtime`", f.goType))
	}
}

// checkIndexKeys looks for keys of indexes that no item, or not every item, could
// be written with.
func (d *definer) checkIndexKeys() {
	for _, x := range d.schema.Indexes {
		if x.Hash == x.Sort && x.Hash != "" {
			d.problem("", fmt.Sprintf("index %q has %q as both of its keys: take one away", x.Name, x.Hash))
		}
		for _, name := range []string{x.Hash, x.Sort} {
			f := d.plan.byName[name]
			if f == nil || x.Local && name == x.Hash {
				continue
			}
			if f == d.plan.hash || f == d.plan.sort {
				continue // said of the key
			}
			for _, o := range f.options("null", "allowempty") {
				d.problem(f.goName, fmt.Sprintf("`,%s` would write what the key of index %q cannot be: take the option away, then an item without a value is not in the index", o, x.Name))
			}
		}
	}
}

// expires reports whether a number can be the moment when an item expires.
func (f *field) expires() bool {
	rt := indirect(f.typ)
	return rt == timeType || rt != durationType && rt.Kind() >= reflect.Int && rt.Kind() <= reflect.Uint64
}

// options are those of the given ones that the dynamo tag has.
func (f *field) options(of ...string) (out []string) {
	_, opts, _ := strings.Cut(f.tag.Get("dynamo"), ",")
	for o := range strings.SplitSeq(opts, ",") {
		if slices.Contains(of, o) && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out
}

func attributeNames(s *Schema) []string {
	out := make([]string, len(s.Attributes))
	for i, a := range s.Attributes {
		out[i] = a.Name
	}
	return out
}

func indexNames(s *Schema) []string {
	out := make([]string, len(s.Indexes))
	for i, x := range s.Indexes {
		out[i] = x.Name
	}
	return out
}

// list writes names for a message.
func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
