package orm

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Cursor says where a page ended, as text that may stand in a URL. It is made
// from the keys of the last item that was returned, and may be kept as long as
// the definition stays as it is: after a restart, in another process, and when
// that item is gone by then. It is bound to what is read: table, index, direction,
// key condition and filter. Elsewhere, or changed on its way, it is an error of
// [KindValidation].
//
// It holds the keys of that item, and hides them from nobody: do not give it to
// whom the keys must not be known. It is not signed either; who makes one up can
// begin elsewhere within what the query returns anyway, and reads nothing else.
type Cursor string

// A cursor's bytes: the version, a digest of what is read and of the keys, and
// the keys in the order of keyNames, each with its length before it.
const (
	cursorVersion = 1
	cursorDigest  = 16
	// Enough for the longest keys of a table and of an index.
	maxCursor = 2 * (2*maxHashBytes + 2*maxSortBytes)
)

var cursorText = base64.RawURLEncoding.Strict()

// cursorAt makes the cursor behind an item.
func (q *reading) cursorAt(item Item) (Cursor, error) {
	var keys []byte
	for _, name := range q.keyNames() {
		v, err := keyBytes(item[name])
		if err != nil {
			return "", &Error{Kind: KindValidation, Op: q.op(), Table: q.plan.schema.Name, Key: q.plan.schema.KeyText(item), Attribute: name,
				Err: fmt.Errorf("no cursor can be made from the item: %w", err)}
		}
		keys = binary.AppendUvarint(keys, uint64(len(v)))
		keys = append(keys, v...)
	}
	out := append([]byte{cursorVersion}, q.digest(keys)...)
	return Cursor(cursorText.EncodeToString(append(out, keys...))), nil
}

// open takes a cursor apart into the keys to start behind.
func (q *reading) open(c Cursor) (Item, error) {
	if len(c) > maxCursor {
		return nil, fmt.Errorf("the cursor is %d characters long, none has more than %d", len(c), maxCursor)
	}
	raw, err := cursorText.DecodeString(string(c))
	if err != nil || len(raw) < 1+cursorDigest {
		return nil, errors.New("this is no cursor: give the text of Page's Next as it was, or none to begin at the beginning")
	}
	if raw[0] != cursorVersion {
		return nil, fmt.Errorf("the cursor is of version %d, this program knows %d: begin at the beginning", raw[0], cursorVersion)
	}
	keys := raw[1+cursorDigest:]
	if !bytes.Equal(raw[1:1+cursorDigest], q.digest(keys)) {
		return nil, errors.New("the cursor is of another query, or was changed: use it on the query it came from (table, index, direction, key condition and filter), or begin at the beginning")
	}
	start := Item{}
	for _, name := range q.keyNames() {
		n, size := binary.Uvarint(keys)
		if size <= 0 || n > uint64(len(keys)-size) {
			return nil, errors.New("the cursor is cut off")
		}
		v, err := keyFromBytes(q.plan.byName[name].kind, keys[size:size+int(n)])
		if err != nil {
			return nil, fmt.Errorf("the cursor's key %s: %w", name, err)
		}
		start[name] = v
		keys = keys[size+int(n):]
	}
	if len(keys) > 0 {
		return nil, errors.New("the cursor has more keys than the query")
	}
	return start, q.checkStart(start)
}

// checkStart refuses a start outside of what is read: nothing but this query can
// be read with a cursor, whoever made it.
func (q *reading) checkStart(start Item) error {
	outside := errors.New("the cursor is of an item that the query does not read")
	if q.scan {
		return nil
	}
	if compareKeys(start[q.hash.name], q.partition) != 0 {
		return outside
	}
	if q.sort == nil {
		return nil
	}
	at := start[q.sort.name]
	if q.lower != nil {
		if c := compareKeys(at, q.lower); c < 0 || c == 0 && q.lowerOut {
			return outside
		}
	}
	if q.upper != nil {
		if c := compareKeys(at, q.upper); c > 0 || c == 0 && q.upperOut {
			return outside
		}
	}
	if q.prefix != nil && !strings.HasPrefix(valueID(at), valueID(q.prefix)) {
		return outside
	}
	return nil
}

// keyBytes is a key's value for a cursor.
func keyBytes(av types.AttributeValue) ([]byte, error) {
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		return []byte(v.Value), nil
	case *types.AttributeValueMemberN:
		return []byte(v.Value), nil
	case *types.AttributeValueMemberB:
		return v.Value, nil
	}
	return nil, errors.New("the key attribute is missing, or is no key")
}

func keyFromBytes(kind string, b []byte) (types.AttributeValue, error) {
	switch kind {
	case "N":
		n, err := parseNumeral(string(b))
		if err == nil {
			err = n.check()
		}
		return &types.AttributeValueMemberN{Value: string(b)}, err
	case "B":
		v := &types.AttributeValueMemberB{Value: bytes.Clone(b)}
		return v, checkKeyValue(v, maxHashBytes)
	}
	v := &types.AttributeValueMemberS{Value: string(b)}
	if !utf8.Valid(b) {
		return nil, errors.New("it is no text")
	}
	return v, checkKeyValue(v, maxHashBytes)
}

// digest is of what is read, and of the keys.
func (q *reading) digest(keys []byte) []byte {
	h := sha256.New()
	d := digester{h}
	d.text("vinci cursor", q.op(), q.plan.schema.Name)
	if q.index != nil {
		d.text(q.index.Name)
	}
	d.number(len(q.keyNames()))
	d.text(q.keyNames()...)
	d.flags(q.descending, q.lowerOut, q.upperOut)
	for _, av := range []types.AttributeValue{q.partition, q.lower, q.upper, q.prefix} {
		d.value(av)
	}
	d.cond(q.filter)
	h.Write(keys)
	return h.Sum(nil)[:cursorDigest]
}

// digester writes values to a hash so that different values differ.
type digester struct{ h hash.Hash }

func (d digester) number(n int) {
	d.h.Write(binary.AppendVarint(nil, int64(n)))
}

func (d digester) text(texts ...string) {
	for _, s := range texts {
		d.number(len(s))
		d.h.Write([]byte(s))
	}
}

func (d digester) flags(flags ...bool) {
	for _, f := range flags {
		if f {
			d.number(1)
		} else {
			d.number(0)
		}
	}
}

func (d digester) value(av types.AttributeValue) {
	if av == nil {
		d.number(-1)
		return
	}
	text, err := appendValue(nil, av)
	if err != nil { // a value that no store takes: the request fails by itself
		text = fmt.Appendf(text, "%T", av)
	}
	d.text(string(text))
}

func (d digester) cond(c *Cond) {
	if c == nil {
		d.number(-1)
		return
	}
	d.number(int(c.Op))
	d.text(c.Path)
	d.flags(c.Size)
	d.number(len(c.Into))
	for _, s := range c.Into {
		d.text(s.Name)
		d.number(s.Index)
	}
	d.number(len(c.Values))
	for _, v := range c.Values {
		d.value(v)
	}
	d.number(len(c.Of))
	for _, one := range c.Of {
		d.cond(one)
	}
}
