package orm

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// maskText stands where a value is not shown.
const maskText = "***"

// secret reports whether the attribute's values stay out of errors and logs.
func (f *field) secret() bool { return f.hidden || f.masked }

var errSecret = errors.New("its value does not fit there; it is kept out of errors, as the definition says")

// quiet is err, or for a secret attribute an error without its value.
func (f *field) quiet(err error) error {
	if err != nil && f.secret() {
		return errSecret
	}
	return err
}

// JSON writes an item for people and other programs: an object of its stored
// attributes in the order of the definition, those that the definition does not
// have behind them. Attributes with `output:"hidden"` are left out; those with
// `log:"masked"` are there, as this is no log.
//
// Numbers are written digit by digit as they are stored, also where a float64
// would round them; bytes are base64; a set is an array, sorted; times are as
// they are stored; an attribute that is left out in the table is left out here.
func (t *Table[T, K]) JSON(item T) ([]byte, error) {
	if t.err != nil {
		return nil, t.err
	}
	av, err := t.plan.encode("show", &item)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range t.plan.shown(av) {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeMember(&b, name, av[name]); err != nil {
			return nil, &Error{Kind: KindValidation, Op: "show", Table: t.schema.Name, Key: t.schema.KeyText(av), Attribute: name, Err: err}
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// LogValue is the item for a log record: a group of its stored attributes, as
// [Table.JSON] writes them, with *** for those with `log:"masked"`. A struct that
// is given to a logger by itself would show them.
//
//	slog.Info("signed up", "user", Users.LogValue(user))
func (t *Table[T, K]) LogValue(item T) slog.Value {
	err := t.err
	var av Item
	if err == nil {
		av, err = t.plan.encode("log", &item)
	}
	if err != nil {
		return slog.GroupValue(slog.String("error", err.Error()))
	}
	var attrs []slog.Attr
	for _, name := range t.plan.shown(av) {
		value := logged(av[name])
		if f := t.plan.byName[name]; f != nil && f.masked {
			value = slog.StringValue(maskText)
		}
		attrs = append(attrs, slog.Attr{Key: name, Value: value})
	}
	return slog.GroupValue(attrs...)
}

// shown are the names of an item's attributes that are not hidden, in order.
func (p *plan) shown(item Item) []string {
	names := make([]string, 0, len(item))
	for i := range p.fields {
		if f := &p.fields[i]; item[f.name] != nil && !f.hidden {
			names = append(names, f.name)
		}
	}
	known := len(names)
	for name := range item {
		if p.byName[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names[known:])
	return names
}

// logged is a stored value for a log record.
func logged(av types.AttributeValue) slog.Value {
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		return slog.StringValue(v.Value)
	case *types.AttributeValueMemberBOOL:
		return slog.BoolValue(v.Value)
	case *types.AttributeValueMemberN:
		if n, err := strconv.ParseInt(v.Value, 10, 64); err == nil {
			return slog.Int64Value(n)
		}
	}
	return slog.AnyValue(plainJSON{av})
}

// plainJSON is a stored value that writes itself as JSON, into logs of either
// format.
type plainJSON struct{ av types.AttributeValue }

// MarshalJSON implements [json.Marshaler].
func (p plainJSON) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	err := writeValue(&b, p.av)
	return b.Bytes(), err
}

// MarshalText is for slog's text format.
func (p plainJSON) MarshalText() ([]byte, error) { return p.MarshalJSON() }

func writeMember(b *bytes.Buffer, name string, av types.AttributeValue) error {
	if err := writeJSON(b, name); err != nil {
		return err
	}
	b.WriteByte(':')
	return writeValue(b, av)
}

// writeValue writes a stored value as plain JSON.
func writeValue(b *bytes.Buffer, av types.AttributeValue) error {
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		return writeJSON(b, v.Value)
	case *types.AttributeValueMemberN:
		return writeNumber(b, v.Value)
	case *types.AttributeValueMemberB:
		return writeBytes(b, v.Value)
	case *types.AttributeValueMemberBOOL:
		return writeJSON(b, v.Value)
	case *types.AttributeValueMemberNULL:
		b.WriteString("null")
		return nil
	case *types.AttributeValueMemberM:
		b.WriteByte('{')
		for i, name := range slices.Sorted(maps.Keys(v.Value)) {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeMember(b, name, v.Value[name]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	case *types.AttributeValueMemberL:
		return writeArray(b, v.Value, writeValue)
	case *types.AttributeValueMemberSS:
		return writeArray(b, slices.Sorted(slices.Values(v.Value)), writeJSON)
	case *types.AttributeValueMemberNS:
		return writeArray(b, sortedNumbers(v.Value), writeNumber)
	case *types.AttributeValueMemberBS:
		return writeArray(b, slices.SortedFunc(slices.Values(v.Value), bytes.Compare), writeBytes)
	}
	return fmt.Errorf("a value of type %T cannot be written as JSON", av)
}

func writeArray[E any](b *bytes.Buffer, list []E, write func(*bytes.Buffer, E) error) error {
	b.WriteByte('[')
	for i, e := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := write(b, e); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}

// writeJSON writes what encoding/json does, with <, > and & as they are.
func writeJSON[V string | bool](b *bytes.Buffer, v V) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	b.Truncate(b.Len() - 1) // the line feed that Encode adds
	return err
}

func writeBytes(b *bytes.Buffer, v []byte) error {
	return writeJSON(b, base64.StdEncoding.EncodeToString(v))
}

// writeNumber writes the digits of a number as they are stored.
func writeNumber(b *bytes.Buffer, n string) error {
	if !json.Valid([]byte(n)) || n == "" || n[0] != '-' && (n[0] < '0' || n[0] > '9') {
		return fmt.Errorf("%q is no number", n)
	}
	b.WriteString(n)
	return nil
}

// sortedNumbers sorts a set's numbers by value; it is for people, so float64 is
// exact enough, and texts decide where that is not.
func sortedNumbers(set []string) []string {
	return slices.SortedFunc(slices.Values(set), func(a, b string) int {
		x, errX := strconv.ParseFloat(a, 64)
		y, errY := strconv.ParseFloat(b, 64)
		if errX == nil && errY == nil && x != y {
			if x < y {
				return -1
			}
			return 1
		}
		return bytes.Compare([]byte(a), []byte(b))
	})
}
