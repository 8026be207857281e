package orm

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// expression writes DynamoDB's expressions. Every name becomes an alias, so that
// none of its 573 reserved words is ever in the way.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
type expression struct {
	names   map[string]string
	values  map[string]types.AttributeValue
	aliases []string // attribute names in the order of their aliases
}

func (e *expression) name(attribute string) string {
	for i, known := range e.aliases {
		if known == attribute {
			return "#" + strconv.Itoa(i)
		}
	}
	alias := "#" + strconv.Itoa(len(e.aliases))
	if e.names == nil {
		e.names = make(map[string]string, 4)
	}
	e.names[alias] = attribute
	e.aliases = append(e.aliases, attribute)
	return alias
}

func (e *expression) value(v types.AttributeValue) string {
	alias := ":" + strconv.Itoa(len(e.values))
	if e.values == nil {
		e.values = make(map[string]types.AttributeValue, 4)
	}
	e.values[alias] = v
	return alias
}

var comparators = map[CondOp]string{CondEq: " = ", CondNe: " <> ", CondLt: " < ", CondLe: " <= ", CondGt: " > ", CondGe: " >= "}

// condition writes a condition; nil for none.
func (e *expression) condition(c *Cond) (*string, error) {
	if c == nil {
		return nil, nil
	}
	var b strings.Builder
	if err := e.writeCondition(&b, c); err != nil {
		return nil, err
	}
	s := b.String()
	return &s, nil
}

func (e *expression) writeCondition(b *strings.Builder, c *Cond) error {
	if len(c.Values) < minValues(c.Op) {
		return fmt.Errorf("condition on %q: operator %d has %d values", c.Path, c.Op, len(c.Values))
	}
	switch c.Op {
	case CondEq, CondNe, CondLt, CondLe, CondGt, CondGe:
		b.WriteString(e.name(c.Path) + comparators[c.Op] + e.value(c.Values[0]))
	case CondBetween:
		b.WriteString(e.name(c.Path) + " BETWEEN " + e.value(c.Values[0]) + " AND " + e.value(c.Values[1]))
	case CondIn:
		b.WriteString(e.name(c.Path) + " IN (")
		for i, v := range c.Values {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(e.value(v))
		}
		b.WriteByte(')')
	case CondExists:
		b.WriteString("attribute_exists(" + e.name(c.Path) + ")")
	case CondNotExists:
		b.WriteString("attribute_not_exists(" + e.name(c.Path) + ")")
	case CondBeginsWith:
		b.WriteString("begins_with(" + e.name(c.Path) + ", " + e.value(c.Values[0]) + ")")
	case CondContains:
		b.WriteString("contains(" + e.name(c.Path) + ", " + e.value(c.Values[0]) + ")")
	case CondAnd:
		return e.joined(b, " AND ", c.Of)
	case CondOr:
		return e.joined(b, " OR ", c.Of)
	case CondNot:
		b.WriteString("NOT ")
		return e.joined(b, "", c.Of)
	default:
		return fmt.Errorf("unknown operator %d in a condition", c.Op)
	}
	return nil
}

func minValues(op CondOp) int {
	switch op {
	case CondExists, CondNotExists, CondAnd, CondOr, CondNot:
		return 0
	case CondBetween:
		return 2
	}
	return 1
}

// joined puts each condition in parentheses, so that precedence is never asked.
func (e *expression) joined(b *strings.Builder, word string, of []*Cond) error {
	if len(of) == 0 || word == "" && len(of) > 1 {
		return fmt.Errorf("a condition joins %d conditions", len(of))
	}
	for i, c := range of {
		if i > 0 {
			b.WriteString(word)
		}
		b.WriteByte('(')
		if err := e.writeCondition(b, c); err != nil {
			return err
		}
		b.WriteByte(')')
	}
	return nil
}

// update writes an update expression.
func (e *expression) update(changes []Change) (*string, error) {
	var clauses [3][]string // SET, ADD, REMOVE
	for _, c := range changes {
		n := e.name(c.Path)
		if c.Value == nil && c.Op != ChangeRemove {
			return nil, fmt.Errorf("change of %q has no value", c.Path)
		}
		switch c.Op {
		case ChangeSet:
			clauses[0] = append(clauses[0], n+" = "+e.value(c.Value))
		case ChangeSetIfNotExists:
			clauses[0] = append(clauses[0], n+" = if_not_exists("+n+", "+e.value(c.Value)+")")
		case ChangeAdd:
			clauses[1] = append(clauses[1], n+" "+e.value(c.Value))
		case ChangeRemove:
			clauses[2] = append(clauses[2], n)
		default:
			return nil, fmt.Errorf("unknown change %d of %q", c.Op, c.Path)
		}
	}
	var b strings.Builder
	for i, word := range []string{"SET ", "ADD ", "REMOVE "} {
		if len(clauses[i]) == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
		b.WriteString(strings.Join(clauses[i], ", "))
	}
	if b.Len() == 0 {
		return nil, fmt.Errorf("an update needs a change")
	}
	s := b.String()
	return &s, nil
}
