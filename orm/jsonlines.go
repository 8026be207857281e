package orm

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// maxLine is the longest line that Import takes. The largest item, of the
// characters that JSON writes longest, is below 3 MB.
const maxLine = 16 << 20

// Export writes every item of a table as one line of JSON, in the format of
// Amazon's own exports to S3, and returns how many it wrote:
//
//	{"Item":{"user_id":{"S":"u1"},"visits":{"N":"3"}}}
//
// Nothing is lost: numbers are text, bytes are base64, sets stay sets, and the
// items of unique values are among the lines, as are attributes that a
// definition hides. Attributes and members of sets are in order, so that equal
// items are equal lines; the lines are in the order of a [Scan], which means
// nothing. Each item is read strongly consistent, the table as a whole is not of
// one moment. One page is held in memory; a throttled one is asked for again as
// [Scan] does.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
func Export(ctx context.Context, r Reader, def Definition, w io.Writer) (int64, error) {
	const op = "export"
	if err := def.Err(); err != nil {
		return 0, err
	}
	s := def.Schema()
	out := bufio.NewWriterSize(w, 64<<10)
	failed := func(err error) error { return &Error{Kind: KindUnavailable, Op: op, Table: s.Name, Err: err} }
	var n int64
	var line []byte
	scan := patiently(r, op, s, func(ctx context.Context, _ int32, start Item) (*Page, error) {
		return r.Scan(ctx, &ScanRequest{Table: s, Start: start})
	})
	for page, err := range walk(ctx, scan, pageSize{}, nil) {
		if err != nil {
			return n, errors.Join(err, out.Flush())
		}
		for _, item := range page.Items {
			line, err = appendItem(append(line[:0], `{"Item":`...), item)
			if err != nil {
				return n, errors.Join(&Error{Kind: KindValidation, Op: op, Table: s.Name, Key: s.KeyText(item), Err: err}, out.Flush())
			}
			if _, err := out.Write(append(line, "}\n"...)); err != nil {
				return n, failed(err)
			}
			n++
		}
	}
	if err := out.Flush(); err != nil {
		return n, failed(err)
	}
	return n, nil
}

// Import puts the items that rd has, in the format of [Export] and of Amazon's
// own full exports, unpacked: one line an item, empty lines are skipped. It
// returns how many it wrote. Items that exist are replaced, others stay. When a
// key is there twice, the later line counts.
//
// The items are taken as they are: no defaults, no validation, no stamps, and
// unique values only as items of their own, as Export writes them. What is
// checked is that each can be an item of this table: types and lengths of its
// keys and of its indexes' keys, numbers, sets, and its size.
//
// An error names the line; all lines before it are written when it is the line
// that is wrong. Importing the mended file again does no harm. Lines longer than
// 16 MB are refused. 25 items are held in memory, and written with one request;
// what DynamoDB leaves over is sent again as [Table.PutBatch] does.
func Import(ctx context.Context, s Store, def Definition, rd io.Reader) (int64, error) {
	if err := def.Err(); err != nil {
		return 0, err
	}
	in := &importer{schema: def.Schema()}
	in.clear()
	lines := bufio.NewReaderSize(rd, 64<<10)
	var buf []byte
	for line := 1; ; line++ {
		var end, err error
		buf, end = readLine(lines, buf[:0])
		switch {
		case end != nil && end != io.EOF:
			err = &Error{Kind: KindUnavailable, Op: "import", Table: in.schema.Name, Err: fmt.Errorf("line %d: %w", line, end)}
			if errors.Is(end, errLongLine) {
				err.(*Error).Kind = KindTooLarge
			}
		case len(bytes.TrimSpace(buf)) > 0:
			err = in.line(ctx, s, line, buf)
		}
		if err != nil || end != nil {
			return in.written, errors.Join(in.flush(ctx, s), err)
		}
	}
}

var errLongLine = fmt.Errorf("it is longer than %d bytes, and no item is: is this a file of lines?", maxLine)

// readLine reads up to the next line feed, which it leaves out. io.EOF comes with
// the last line.
func readLine(r *bufio.Reader, buf []byte) ([]byte, error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(buf)+len(part) > maxLine {
			return buf, errLongLine
		}
		buf = append(buf, part...)
		if err == nil {
			return buf[:len(buf)-1], nil
		}
		if err != bufio.ErrBufferFull {
			return buf, err
		}
	}
}

// importer collects lines until they make a batch.
type importer struct {
	schema      *Schema
	batch       *batch
	first, last int // lines in the batch
	written     int64
}

func (in *importer) clear() { in.batch = newBatch("import", in.schema, MaxBatchWrite) }

// line takes one line, and writes the batch when it is full. After an error the
// batch is empty.
func (in *importer) line(ctx context.Context, s Store, line int, text []byte) error {
	item, err := parseItemLine(text)
	if err != nil {
		return &Error{Kind: KindValidation, Op: "import", Table: in.schema.Name, Err: fmt.Errorf("line %d: %w", line, err)}
	}
	if attribute, err := in.schema.checkStored(item); err != nil {
		return &Error{Kind: KindValidation, Op: "import", Table: in.schema.Name, Key: in.schema.KeyText(item), Attribute: attribute, Err: fmt.Errorf("line %d: %w", line, err)}
	}
	if n := ItemSize(item); n > MaxItemSize {
		return &Error{Kind: KindTooLarge, Op: "import", Table: in.schema.Name, Key: in.schema.KeyText(item), Err: fmt.Errorf("line %d: the item is %d bytes, allowed are %d", line, n, MaxItemSize)}
	}
	key := in.schema.KeyOf(item)
	if in.batch.has(key) {
		if err := in.flush(ctx, s); err != nil { // so that the later line counts
			return err
		}
	}
	if len(in.batch.entries) == 0 {
		in.first = line
	}
	in.last = line
	if err := in.batch.add(line, item, key); err != nil {
		return err
	}
	if len(in.batch.entries) == MaxBatchWrite {
		return in.flush(ctx, s)
	}
	return nil
}

// flush writes the batch and empties it.
func (in *importer) flush(ctx context.Context, s Store) error {
	b := in.batch
	in.clear()
	err := b.write(ctx, s)
	if err == nil {
		in.written += int64(len(b.entries))
		return nil
	}
	var failed *BatchError
	if errors.As(err, &failed) {
		in.written += int64(failed.Written)
	}
	return fmt.Errorf("lines %d to %d: %w", in.first, in.last, err)
}

// checkStored reports what keeps an item from being in the table, and in which
// attribute.
func (s *Schema) checkStored(item Item) (attribute string, err error) {
	check := func(name string, limit int, required bool) error {
		av, ok := item[name]
		if !ok && !required {
			return nil
		}
		if !ok {
			return errors.New("the key attribute is missing")
		}
		a, _ := s.Attribute(name)
		if got := typeOf(av); got != a.Type {
			return fmt.Errorf("the key attribute is of type %s, the table's is %s", got, a.Type)
		}
		return checkKeyValue(av, limit)
	}
	for _, k := range s.keyAttributes() {
		if err := check(k.name, k.limit, k.required); err != nil {
			return k.name, err
		}
	}
	return "", nil
}

type keyAttribute struct {
	name     string
	limit    int
	required bool
}

// keyAttributes are those of the table, then those of its indexes, which an item
// may lack.
func (s *Schema) keyAttributes() []keyAttribute {
	out := []keyAttribute{{s.Hash, maxHashBytes, true}}
	if s.Sort != "" {
		out = append(out, keyAttribute{s.Sort, maxSortBytes, true})
	}
	for _, x := range s.Indexes {
		out = append(out, keyAttribute{x.Hash, maxHashBytes, false})
		if x.Sort != "" {
			out = append(out, keyAttribute{x.Sort, maxSortBytes, false})
		}
	}
	return out
}
