package orm

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// dynamoOptions are the options of a dynamo tag, those of
// github.com/guregu/dynamo.
var dynamoOptions = []string{"hash", "range", "set", "omitempty", "omitemptyelem", "allowempty", "allowemptyelem", "null", "unixtime"}

// options are the options of one dynamo tag.
type options map[string]bool

// maxEmbedding is how deep structs may be embedded in one another. The codec
// mixes up the fields of deeper ones.
const maxEmbedding = 3

// fields reads the fields of a struct and of the structs embedded in it.
func (d *definer) fields(rt reflect.Type, index []int, offset uintptr, prefix string) {
	for i := range rt.NumField() {
		sf := rt.Field(i)
		goName := prefix + sf.Name
		tags, err := parseTag(sf.Tag)
		if err != nil {
			d.problem(goName, err.Error())
			continue
		}
		name, opts := d.dynamoTag(goName, sf, tags)
		if name == "-" {
			continue
		}
		for _, what := range tagKeys(tags) {
			d.problem(goName, what)
		}
		path := append(slices.Clone(index), i)
		if sf.Anonymous && embeds(sf.Type) {
			d.embedded(sf, goName, path, offset+sf.Offset)
			for _, t := range tags {
				if slices.Contains(ownTags[2:], t.key) {
					d.problem(goName, fmt.Sprintf("the tag %s has no effect at an embedded struct: put it at the fields inside", t.key))
				}
			}
			continue
		}
		if !sf.IsExported() {
			if _, tagged := lookup(tags, "dynamo"); tagged {
				d.problem(goName, "an unexported field cannot be an attribute: export it, or take its dynamo tag away")
			}
			continue
		}
		f := field{name: name, goName: goName, index: path, offset: offset + sf.Offset, typ: sf.Type, goType: sf.Type.String(), tag: dynamoTagText(tags), optional: opts["omitempty"]}
		c := typeChecker{problem: func(where, what string) { d.problem(goName+where, what) }}
		f.kind = c.kind(sf.Type, opts, atField, "")
		f.floats = c.floats
		f.timeText = indirect(sf.Type) == timeType && !opts["unixtime"]
		if why := wrongName(name); why != "" {
			d.problem(goName, why)
		}
		d.attribute(&f, tags, opts)
	}
}

// wrongName says why an attribute cannot have the name.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
func wrongName(name string) string {
	switch n := len(name); {
	case n > 255:
		return fmt.Sprintf("the attribute name is %d bytes long, allowed are 255", n)
	case !utf8.ValidString(name):
		return fmt.Sprintf("the attribute name %q is no valid UTF-8, which DynamoDB's names are", name)
	}
	return ""
}

// embedded reads a struct that is embedded in the item type.
func (d *definer) embedded(sf reflect.StructField, goName string, path []int, offset uintptr) {
	switch {
	case sf.Type.Kind() == reflect.Pointer:
		d.problem(goName, fmt.Sprintf("an embedded pointer cannot be part of an item: embed %s by value", sf.Type.Elem()))
	case marshals(sf.Type):
		d.problem(goName, fmt.Sprintf("the embedded %s would be taken apart into its fields: give the field a name", sf.Type))
	case len(path) >= maxEmbedding:
		d.problem(goName, fmt.Sprintf("structs are embedded more than %d deep: take a level away", maxEmbedding-1))
	default:
		d.fields(sf.Type, path, offset, goName+".")
	}
}

// attribute records a field with what its other tags say.
func (d *definer) attribute(f *field, tags []tag, opts options) {
	if opts["hash"] {
		d.hashes = append(d.hashes, f.name)
	}
	if opts["range"] {
		d.sorts = append(d.sorts, f.name)
	}
	if opts["hash"] && opts["range"] {
		d.problem(f.goName, "one attribute cannot be both keys: say `,hash` or `,range`")
	}
	f.unique, _ = lookup(tags, "unique")
	f.rule, _ = lookup(tags, "validate")
	a := AttributeSchema{Name: f.name, Field: f.goName, Type: f.kind, Go: f.goType, Unique: f.unique, Validate: f.rule}
	a.Description, _ = lookup(tags, "description")
	a.Template, _ = lookup(tags, "template")
	if text, ok := lookup(tags, "default"); ok {
		d.defaultValue(f, text, opts)
		a.Default = f.defaultText(text)
	}
	if text, ok := lookup(tags, "enum"); ok {
		d.enum(f, text)
		a.Enum = f.enum
	}
	if stamp, ok := d.word(f, tags, "stamp", stampCreated, stampUpdated); ok {
		f.stamp, a.Stamp = stamp, stamp
	}
	_, f.version = d.word(f, tags, "version", "true")
	_, f.hidden = d.word(f, tags, "output", "hidden")
	_, f.masked = d.word(f, tags, "log", "masked")
	a.Hidden, a.Masked = f.hidden, f.masked
	d.schema.Attributes = append(d.schema.Attributes, a)
	for _, t := range tags {
		if t.key == "index" || t.key == "localIndex" {
			for entry := range strings.SplitSeq(t.value, ";") {
				d.indexTag(f, tag{t.key, strings.TrimSpace(entry)})
			}
		}
	}
	d.plan.fields = append(d.plan.fields, *f)
}

// word reads a tag that takes one of a few words; ok is false when the tag is
// not there or has another.
func (d *definer) word(f *field, tags []tag, key string, allowed ...string) (value string, ok bool) {
	if value, ok = lookup(tags, key); !ok {
		return "", false
	}
	if !slices.Contains(allowed, value) {
		d.problem(f.goName, fmt.Sprintf("%s:%q is unknown: allowed is %s:\"%s\"", key, value, key, strings.Join(allowed, `" or "`)))
		return "", false
	}
	return value, true
}

// dynamoTag reads the attribute's name and options.
func (d *definer) dynamoTag(goName string, sf reflect.StructField, tags []tag) (string, options) {
	opts := options{}
	text, _ := lookup(tags, "dynamo")
	name, rest, _ := strings.Cut(text, ",")
	if name == "" {
		name = sf.Name
	}
	if rest != "" {
		for o := range strings.SplitSeq(rest, ",") {
			if !slices.Contains(dynamoOptions, o) {
				d.problem(goName, fmt.Sprintf("unknown option %q in its dynamo tag: allowed are %s", o, list(dynamoOptions)))
			}
			opts[o] = true
		}
	}
	return name, opts
}

// dynamoTagText is the dynamo tag as the codec reads it, to make one-field
// structs from.
func dynamoTagText(tags []tag) reflect.StructTag {
	text, ok := lookup(tags, "dynamo")
	if !ok {
		return ""
	}
	return reflect.StructTag("dynamo:" + strconv.Quote(text))
}

var indexName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

// indexTag reads one entry of index:"name,hash;other,range" or
// localIndex:"name,range;other,range".
func (d *definer) indexTag(f *field, t tag) {
	name, role, _ := strings.Cut(t.value, ",")
	local := t.key == "localIndex"
	if !indexName.MatchString(name) {
		d.problem(f.goName, fmt.Sprintf("index name %q: allowed are 3 to 255 letters, digits, underscores, hyphens and dots", name))
	}
	if role != "hash" && role != "range" || local && role == "hash" {
		allowed := "`" + t.key + `:"` + name + ",range\"`"
		if !local {
			allowed = "`index:\"" + name + ",hash\"` or " + allowed
		}
		d.problem(f.goName, fmt.Sprintf("%s:%q does not say what the attribute is in the index: write %s", t.key, t.value, allowed))
		return
	}
	i := slices.IndexFunc(d.schema.Indexes, func(x IndexSchema) bool { return x.Name == name })
	if i < 0 {
		d.schema.Indexes = append(d.schema.Indexes, IndexSchema{Name: name, Local: local, Projection: ProjectAll})
		i = len(d.schema.Indexes) - 1
	}
	x := &d.schema.Indexes[i]
	if x.Local != local {
		d.problem(f.goName, fmt.Sprintf("index %q is said to be local here and global elsewhere: use index or localIndex for all of its fields", name))
		return
	}
	at := &x.Sort
	if role == "hash" {
		at = &x.Hash
	}
	if *at != "" {
		d.problem(f.goName, fmt.Sprintf("index %q has its %s attribute already, %q: a key part is one attribute", name, role, *at))
		return
	}
	*at = f.name
}

// tag is one key:"value" of a struct tag.
type tag struct{ key, value string }

func lookup(tags []tag, key string) (string, bool) {
	for _, t := range tags {
		if t.key == key {
			return t.value, true
		}
	}
	return "", false
}

var tagPair = regexp.MustCompile(`^\s*([^\s:"\x00-\x1f\x7f]+):("(?:[^"\\]|\\.)*")`)

// parseTag reads a whole struct tag. The reflect package stops at the first
// mistake without a word; here it is an error.
func parseTag(st reflect.StructTag) ([]tag, error) {
	var tags []tag
	for rest := string(st); strings.TrimSpace(rest) != ""; {
		m := tagPair.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("the struct tag cannot be read from `%s` on: it is key:\"value\" pairs separated by blanks", strings.TrimSpace(rest))
		}
		value, err := strconv.Unquote(m[2])
		if err != nil {
			return nil, fmt.Errorf("the struct tag's value %s cannot be read: %v", m[2], err)
		}
		tags = append(tags, tag{m[1], value})
		rest = rest[len(m[0]):]
	}
	return tags, nil
}
