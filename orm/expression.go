package orm

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// expression writes the expressions of one request, which share their names and
// values. Every name becomes an alias, so that none of DynamoDB's 573 reserved
// words is ever in the way, and no dot, dash or blank in a name. A name has one
// alias however often it is used; an alias that nothing uses is never made,
// because DynamoDB refuses a request that has one.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeNames.html
type expression struct {
	text   []byte // of all expressions so far, one after the other
	from   int    // where the one being written begins
	ends   []int  // where each finished one ends
	names  []string
	values []types.AttributeValue
	empty  int // alias of the empty list, from 1; 0: none yet
	zero   int // alias of the number 0, from 1; 0: none yet
	err    error

	// Most requests fit into these, which come with the expression itself, and
	// what the request points to stays there too: one piece of memory for all.
	written     [maxExpressions]string
	table       string
	firstText   [192]byte
	firstEnds   [maxExpressions]int
	firstNames  [8]string
	firstValues [8]types.AttributeValue
}

// maxExpressions is how many a request may have: the key condition, the filter
// and the projection of a query.
const maxExpressions = 3

func newExpression(table string) *expression {
	e := &expression{table: table}
	e.text, e.ends, e.names, e.values = e.firstText[:0], e.firstEnds[:0], e.firstNames[:0], e.firstValues[:0]
	return e
}

// fail keeps the first mistake; what is written after it is not used.
func (e *expression) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
}

func (e *expression) put(s string) { e.text = append(e.text, s...) }

// name writes the alias of a name.
func (e *expression) name(name string) {
	i := 0
	for ; i < len(e.names); i++ {
		if e.names[i] == name {
			break
		}
	}
	if i == len(e.names) {
		e.names = append(e.names, name)
	}
	e.text = strconv.AppendInt(append(e.text, '#'), int64(i), 10)
}

// value writes the alias of a value.
func (e *expression) value(v types.AttributeValue) {
	e.values = append(e.values, v)
	e.valueAlias(len(e.values) - 1)
}

func (e *expression) valueAlias(i int) {
	e.text = strconv.AppendInt(append(e.text, ':'), int64(i), 10)
}

// path writes a document path: #0.#1[2].
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.Attributes.html
func (e *expression) path(attribute string, into []Step) {
	if attribute == "" {
		e.fail("an attribute without a name")
	}
	e.name(attribute)
	for _, s := range into {
		switch {
		case s.Name != "":
			e.text = append(e.text, '.')
			e.name(s.Name)
		case s.Index < 0:
			e.fail("element %d of a list in %q: elements count from 0", s.Index, attribute)
		default:
			e.text = append(strconv.AppendInt(append(e.text, '['), int64(s.Index), 10), ']')
		}
	}
}

// finish ends an expression; nil when nothing was written. The string is there
// once the request is complete, see [expression.aliases].
func (e *expression) finish() *string {
	n := len(e.text) - e.from
	if n == 0 {
		return nil
	}
	if n > MaxExpressionSize && e.err == nil {
		e.err = &Error{Kind: KindTooLarge, Err: fmt.Errorf("an expression of the request is %d bytes long, allowed are %d: name fewer attributes and values at once", n, MaxExpressionSize)}
	}
	e.from = len(e.text)
	e.ends = append(e.ends, e.from)
	return &e.written[len(e.ends)-1]
}

// aliases completes the request: it fills in its expressions and returns their
// names and values, nil for none.
func (e *expression) aliases() (map[string]string, map[string]types.AttributeValue) {
	all, from := string(e.text), 0
	for i, end := range e.ends {
		e.written[i], from = all[from:end], end
	}
	var names map[string]string
	var values map[string]types.AttributeValue
	if len(e.names) > 0 {
		names = make(map[string]string, len(e.names))
		for i, n := range e.names {
			names[alias('#', i)] = n
		}
	}
	if len(e.values) > 0 {
		values = make(map[string]types.AttributeValue, len(e.values))
		for i, v := range e.values {
			values[alias(':', i)] = v
		}
	}
	return names, values
}

// alias is the text of an alias. The first ten cost nothing.
func alias(kind byte, i int) string {
	const names, values = "#0#1#2#3#4#5#6#7#8#9", ":0:1:2:3:4:5:6:7:8:9"
	switch {
	case i >= 10:
		return string(kind) + strconv.Itoa(i)
	case kind == '#':
		return names[2*i : 2*i+2]
	}
	return values[2*i : 2*i+2]
}

// projection writes the attributes to read, each once: DynamoDB refuses paths
// that overlap.
func (e *expression) projection(attributes []string) *string {
	for i, a := range attributes {
		if before := indexOf(attributes[:i], a); before >= 0 {
			continue
		}
		if i > 0 {
			e.put(", ")
		}
		e.path(a, nil)
	}
	return e.finish()
}

func indexOf(in []string, s string) int {
	for i, one := range in {
		if one == s {
			return i
		}
	}
	return -1
}

// condition writes a condition; nil for none.
func (e *expression) condition(c *Cond) *string {
	if c == nil {
		return nil
	}
	e.cond(c)
	return e.finish()
}

var comparators = [...]string{CondEq: " = ", CondNe: " <> ", CondLt: " < ", CondLe: " <= ", CondGt: " > ", CondGe: " >= "}

func (e *expression) cond(c *Cond) {
	want := 1
	switch c.Op {
	case CondEq, CondNe, CondLt, CondLe, CondGt, CondGe:
		e.operand(c)
		e.put(comparators[c.Op])
	case CondBetween:
		want = 2
		e.operand(c)
		e.put(" BETWEEN ")
	case CondIn:
		want = max(1, len(c.Values))
		e.operand(c)
		e.put(" IN (")
	case CondExists, CondNotExists:
		want = 0
		if c.Op == CondNotExists {
			e.function("attribute_not_exists(", c)
		} else {
			e.function("attribute_exists(", c)
		}
	case CondBeginsWith:
		e.function("begins_with(", c)
	case CondContains:
		e.function("contains(", c)
	case CondAnd:
		e.joined(" AND ", c)
		return
	case CondOr:
		e.joined(" OR ", c)
		return
	case CondNot:
		e.put("NOT ")
		e.joined("", c)
		return
	default:
		e.fail("unknown operator %d in a condition", c.Op)
		return
	}
	if len(c.Values) != want {
		e.fail("condition on %q: operator %d has %d values, needs %d", c.Path, c.Op, len(c.Values), want)
		return
	}
	for i, v := range c.Values {
		if v == nil {
			e.fail("condition on %q: value %d of operator %d is missing", c.Path, i, c.Op)
			return
		}
		switch {
		case c.Op == CondBetween && i > 0:
			e.put(" AND ")
		case i > 0 || c.Op >= CondBeginsWith:
			e.put(", ")
		}
		e.value(v)
	}
	if c.Op >= CondIn {
		e.put(")")
	}
}

// operand writes the left side of a comparison.
func (e *expression) operand(c *Cond) {
	if c.Size {
		e.put("size(")
	}
	e.path(c.Path, c.Into)
	if c.Size {
		e.put(")")
	}
}

// function writes a function up to its first argument.
func (e *expression) function(open string, c *Cond) {
	if c.Size {
		e.fail("condition on %q: a size is a number, which operator %d does not take", c.Path, c.Op)
	}
	e.put(open)
	e.path(c.Path, c.Into)
}

// joined puts each condition in parentheses, so that precedence is never asked.
// One alone gets none: DynamoDB refuses two pairs around the same.
func (e *expression) joined(word string, c *Cond) {
	if len(c.Of) == 0 || word == "" && len(c.Of) > 1 {
		e.fail("operator %d of a condition joins %d conditions", c.Op, len(c.Of))
	}
	for i, one := range c.Of {
		if one == nil {
			e.fail("operator %d of a condition: condition %d is missing", c.Op, i)
			return
		}
		if word != "" && len(c.Of) == 1 {
			e.cond(one)
			return
		}
		if i > 0 {
			e.put(word)
		}
		e.put("(")
		e.cond(one)
		e.put(")")
	}
}

// The clauses of an update expression, in the order in which they are written.
const (
	clauseSet = iota
	clauseAdd
	clauseRemove
	clauseDelete
	clauses
)

var clauseWords = [clauses]string{"SET ", "ADD ", "REMOVE ", "DELETE "}

func (op ChangeOp) clause() int {
	switch op {
	case ChangeSet, ChangeSetIfNotExists, ChangeAppend, ChangePrepend, ChangeIncrement:
		return clauseSet
	case ChangeAdd:
		return clauseAdd
	case ChangeRemove:
		return clauseRemove
	case ChangeDelete:
		return clauseDelete
	}
	return -1
}

// update writes an update expression.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
func (e *expression) update(changes []Change) *string {
	if len(changes) == 0 {
		e.fail("an update needs a change")
	}
	for clause, word := range clauseWords {
		first := true
		for i := range changes {
			c := &changes[i]
			if c.Op.clause() != clause {
				continue
			}
			switch {
			case !first:
				e.put(", ")
			case len(e.text) > e.from:
				e.put(" ")
			}
			if first {
				e.put(word)
			}
			first = false
			e.change(c)
		}
	}
	for _, c := range changes {
		if c.Op.clause() < 0 {
			e.fail("unknown change %d of %q", c.Op, c.Path)
		}
	}
	return e.finish()
}

func (e *expression) change(c *Change) {
	if (c.Value == nil) != (c.Op == ChangeRemove) {
		e.fail("change %d of %q: every change but remove has a value", c.Op, c.Path)
		return
	}
	e.path(c.Path, c.Into)
	switch c.Op {
	case ChangeSet:
		e.put(" = ")
		e.value(c.Value)
	case ChangeSetIfNotExists:
		e.put(" = if_not_exists(")
		e.path(c.Path, c.Into)
		e.put(", ")
		e.value(c.Value)
		e.put(")")
	case ChangeAppend:
		e.put(" = list_append(if_not_exists(")
		e.path(c.Path, c.Into)
		e.put(", ")
		e.emptyList()
		e.put("), ")
		e.value(c.Value)
		e.put(")")
	case ChangePrepend:
		e.put(" = list_append(")
		e.value(c.Value)
		e.put(", if_not_exists(")
		e.path(c.Path, c.Into)
		e.put(", ")
		e.emptyList()
		e.put("))")
	case ChangeIncrement:
		e.put(" = if_not_exists(")
		e.path(c.Path, c.Into)
		e.put(", ")
		e.noNumber()
		e.put(") + ")
		e.value(c.Value)
	case ChangeAdd, ChangeDelete:
		e.put(" ")
		e.value(c.Value)
	}
}

// emptyList writes the list that an absent one counts as.
func (e *expression) emptyList() {
	if e.empty == 0 {
		e.values = append(e.values, &types.AttributeValueMemberL{Value: []types.AttributeValue{}})
		e.empty = len(e.values)
	}
	e.valueAlias(e.empty - 1)
}

// noNumber writes the number that an absent one counts as.
func (e *expression) noNumber() {
	if e.zero == 0 {
		e.values = append(e.values, &types.AttributeValueMemberN{Value: "0"})
		e.zero = len(e.values)
	}
	e.valueAlias(e.zero - 1)
}

// keys writes the key condition of a query.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
func (e *expression) keys(q *QueryRequest, hash, sort string) *string {
	e.name(hash)
	e.put(" = ")
	e.value(q.Hash)
	bound := func(v types.AttributeValue, excluded bool, op string) {
		e.put(" AND ")
		e.name(sort)
		e.put(op)
		if !excluded {
			e.put("=")
		}
		e.put(" ")
		e.value(v)
	}
	switch {
	case q.Prefix != nil:
		e.put(" AND begins_with(")
		e.name(sort)
		e.put(", ")
		e.value(q.Prefix)
		e.put(")")
	case q.From != nil && q.To != nil:
		e.put(" AND ")
		e.name(sort)
		e.put(" BETWEEN ")
		e.value(q.From)
		e.put(" AND ")
		e.value(q.To)
	case q.From != nil:
		bound(q.From, q.FromExcluded, " >")
	case q.To != nil:
		bound(q.To, q.ToExcluded, " <")
	}
	return e.finish()
}

// number is n as DynamoDB takes it, nil for 0: no limit.
func number(n int32) *int32 {
	if n == 0 {
		return nil
	}
	return aws.Int32(n)
}
