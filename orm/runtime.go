package orm

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/vinci-go/vinci/internal/place"
)

// DefineSchema makes a definition of a schema at run time: for tools, which have
// it from its JSON form and not the Go type. Items and keys are stored ones, and
// go through as they are; a key has the key attributes and no other.
//
// Names, types, keys, indexes, templates and limits are checked as by [Define],
// with every mistake in [Table.Err]. Composite keys, stamps, versions, unique
// attributes, enums and defaults work on such a table. What is known only to the
// Go type does not: rules of validate tags are not run, and [DefaultFunc] makes
// no value.
//
// The schema is copied.
func DefineSchema(s *Schema) *Table[Item, Item] {
	d := &definer{item: reflect.TypeFor[Item](), plan: &plan{raw: true, byName: map[string]*field{}}}
	d.schema = copySchema(s)
	if d.schema.DefinedAt == "" {
		d.schema.DefinedAt = place.Caller()
	}
	d.plan.schema = d.schema
	if s == nil {
		d.problem("", "the schema is nil: give one, such as that of its JSON form")
	} else if d.readSchema() {
		d.checkAttributes()
	}
	d.checkTable()
	d.plan.finish()
	return &Table[Item, Item]{schema: d.schema, plan: d.plan, err: errors.Join(d.problems...)}
}

func copySchema(s *Schema) *Schema {
	if s == nil {
		return &Schema{}
	}
	out := *s
	out.Settings = s.Settings.clone()
	out.Attributes = slices.Clone(s.Attributes)
	for i := range out.Attributes {
		out.Attributes[i].Enum = slices.Clone(s.Attributes[i].Enum)
	}
	out.Indexes = slices.Clone(s.Indexes)
	for i := range out.Indexes {
		out.Indexes[i].Include = slices.Clone(s.Indexes[i].Include)
	}
	return &out
}

// storedKinds are the types of attributes.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
var storedKinds = [...]string{"S", "N", "B", "BOOL", "L", "M", "SS", "NS", "BS"}

// readSchema reads the attributes, keys and indexes; false when there is nothing
// to check further.
func (d *definer) readSchema() bool {
	d.plan.fields = make([]field, len(d.schema.Attributes))
	for i, a := range d.schema.Attributes {
		if a.Name == "" {
			d.problem("", fmt.Sprintf("attribute %d has no name: allowed are 1 to 255 bytes", i))
		}
		d.plan.fields[i] = d.schemaField(a)
	}
	for i := range d.plan.fields {
		f := &d.plan.fields[i]
		if d.plan.byName[f.name] != nil {
			d.problem(f.name, "it is there twice: take one away")
			continue
		}
		d.plan.byName[f.name] = f
	}
	d.plan.hash = d.schemaKey(d.schema.Hash, "hash")
	if d.schema.Hash == "" {
		d.problem("", `there is no partition key: name an attribute in "hash"`)
	}
	if d.schema.Sort != "" {
		d.plan.sort = d.schemaKey(d.schema.Sort, "sort")
		if d.schema.Sort == d.schema.Hash {
			d.problem(d.schema.Sort, "one attribute cannot be both keys")
		}
	}
	if v := d.schema.Version; v != "" {
		if f := d.plan.byName[v]; f == nil {
			d.problem("", fmt.Sprintf("version %q is none of the attributes: there are %s", v, list(attributeNames(d.schema))))
		} else if f.version = true; f.kind != "N" {
			d.problem(v, fmt.Sprintf("the version is stored as %s, and counts the item's changes: use N", f.kind))
		}
	}
	for i := range d.schema.Indexes {
		d.schemaIndex(&d.schema.Indexes[i], d.schema.Indexes[:i])
	}
	return d.plan.hash != nil
}

// schemaField reads one attribute.
func (d *definer) schemaField(a AttributeSchema) field {
	f := field{name: a.Name, goName: a.Name, kind: a.Type, goType: a.Go, rule: a.Validate, unique: a.Unique, stamp: a.Stamp, hidden: a.Hidden, masked: a.Masked}
	if f.goType == "" {
		f.goType = a.Type
	}
	goType := strings.TrimPrefix(a.Go, "*")
	f.timeText = a.Type == "S" && goType == timeType.String()
	f.floats = a.Type == "N" && strings.HasPrefix(goType, "float")
	if why := wrongName(a.Name); why != "" {
		d.problem(a.Name, why)
	}
	if !slices.Contains(storedKinds[:], a.Type) {
		d.problem(a.Name, fmt.Sprintf("type %q is unknown: allowed are %s", a.Type, list(storedKinds[:])))
		f.kind = ""
	}
	if f.stamp != "" && f.stamp != stampCreated && f.stamp != stampUpdated {
		d.problem(a.Name, fmt.Sprintf("stamp %q is unknown: allowed are %q and %q", f.stamp, stampCreated, stampUpdated))
		f.stamp = ""
	}
	if a.Default != "" {
		if av, err := storedDefault(a); err != nil {
			d.problem(a.Name, fmt.Sprintf("default %q is no %s: %v", a.Default, f.goType, err))
		} else {
			f.def = reflect.ValueOf(av)
		}
	}
	d.schemaEnum(&f, a.Enum)
	return f
}

func (d *definer) schemaEnum(f *field, values []string) {
	if len(values) > 0 && f.kind != "S" && f.kind != "N" && f.kind != "" {
		d.problem(f.name, fmt.Sprintf("enum is for strings and numbers, this is stored as %s", f.kind))
		return
	}
	for _, v := range values {
		number, err := ParseDecimal(v)
		switch {
		case v == "":
			d.problem(f.name, "enum has an empty value: take it away")
		case !utf8.ValidString(v):
			d.problem(f.name, fmt.Sprintf("enum value %q: %v", v, errUTF8))
		case f.kind == "N" && (err != nil || number.String() != v):
			d.problem(f.name, fmt.Sprintf("enum value %q is no number in plain notation", v))
		case slices.Contains(f.enum, v):
			d.problem(f.name, fmt.Sprintf("enum has %q twice: take one away", v))
		default:
			f.enum = append(f.enum, v)
		}
	}
}

func (d *definer) schemaKey(name, what string) *field {
	if name == "" {
		return nil
	}
	f := d.plan.byName[name]
	if f == nil {
		d.problem("", fmt.Sprintf("%s %q is none of the attributes: there are %s", what, name, list(attributeNames(d.schema))))
		return nil
	}
	d.keyKind(f, "a key")
	return f
}

// schemaIndex checks of an index what the tags of a struct cannot say wrong.
func (d *definer) schemaIndex(x *IndexSchema, before []IndexSchema) {
	bad := func(format string, args ...any) { d.problem("", fmt.Sprintf(format, args...)) }
	if !indexName.MatchString(x.Name) {
		bad("index name %q: allowed are 3 to 255 letters, digits, underscores, hyphens and dots", x.Name)
	}
	if slices.ContainsFunc(before, func(o IndexSchema) bool { return o.Name == x.Name }) {
		bad("index %q is there twice: take one away", x.Name)
	}
	for _, name := range slices.Concat([]string{x.Hash, x.Sort}, x.Include) {
		if _, ok := d.schema.Attribute(name); name != "" && !ok {
			bad("index %q names %q, which is none of the attributes: there are %s", x.Name, name, list(attributeNames(d.schema)))
		}
	}
	if x.Local && x.Sort == "" {
		bad("local index %q has no sort key, and its partition key is the table's: name an attribute in \"sort\"", x.Name)
	}
	if x.Local && x.Hash != "" && x.Hash != d.schema.Hash {
		bad("local index %q has the partition key %q, and it shares the table's, %q: name that or none", x.Name, x.Hash, d.schema.Hash)
	}
	switch x.Projection {
	case ProjectAll, ProjectKeysOnly:
		if len(x.Include) > 0 {
			bad("index %q includes attributes, and its projection is %s: say %s, or include none", x.Name, x.Projection, ProjectInclude)
		}
	case ProjectInclude:
		if len(x.Include) == 0 {
			bad("index %q includes no attribute: name some, or say %s", x.Name, ProjectKeysOnly)
		}
	default:
		bad("index %q has the projection %q: allowed are %s, %s and %s", x.Name, x.Projection, ProjectAll, ProjectKeysOnly, ProjectInclude)
	}
}

// storedDefault is the stored form of a default's text.
func storedDefault(a AttributeSchema) (types.AttributeValue, error) {
	switch a.Type {
	case "S":
		if !utf8.ValidString(a.Default) {
			return nil, errUTF8
		}
		return &types.AttributeValueMemberS{Value: a.Default}, nil
	case "BOOL":
		b, err := strconv.ParseBool(a.Default)
		if err != nil {
			return nil, errors.New("allowed are true and false")
		}
		return &types.AttributeValueMemberBOOL{Value: b}, nil
	case "N":
		n, err := storedNumber(a)
		return &types.AttributeValueMemberN{Value: n}, err
	}
	return nil, fmt.Errorf("a default is for strings, numbers and booleans, this is stored as %s", a.Type)
}

func storedNumber(a AttributeSchema) (string, error) {
	switch strings.TrimPrefix(a.Go, "*") {
	case durationType.String():
		n, err := time.ParseDuration(a.Default)
		return strconv.FormatInt(int64(n), 10), err
	case timeType.String():
		t, err := time.Parse(time.RFC3339Nano, a.Default)
		return strconv.FormatInt(t.Unix(), 10), err
	}
	n, err := ParseDecimal(a.Default)
	return n.String(), err
}

// fillItem gives absent attributes their default.
func fillItem(item *Item, defaults []*field) {
	out := maps.Clone(*item)
	for _, f := range defaults {
		if out[f.name] == nil {
			if out == nil {
				out = Item{}
			}
			out[f.name] = f.def.Interface().(types.AttributeValue)
		}
	}
	*item = out
}
