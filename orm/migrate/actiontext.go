package migrate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/internal/itemtext"
	"github.com/vinci-go/vinci/orm"
)

// actionText writes an action for people, in the words of DynamoDB's
// expressions: what a dry run would do. Masked and hidden values are ***.
func actionText(a *orm.Action) string {
	p := printer{a.Table}
	var b strings.Builder
	switch a.Op {
	case orm.OpPut:
		b.WriteString("put")
	case orm.OpUpdate:
		b.WriteString("update")
	case orm.OpDelete:
		b.WriteString("delete")
	case orm.OpCheck:
		b.WriteString("check")
	}
	fmt.Fprintf(&b, " %s %s", a.Table.Name, a.Table.KeyText(a.PrimaryKey()))
	if a.Op == orm.OpPut {
		b.WriteString(": " + p.item(a.Item))
	}
	for i, c := range a.Changes {
		b.WriteString([]string{": ", "; "}[min(i, 1)] + p.change(c))
	}
	if a.If != nil {
		b.WriteString(" if " + p.cond(a.If))
	}
	return b.String()
}

// printer writes the values of one table.
type printer struct{ table *orm.Schema }

func (p printer) value(attribute string, av types.AttributeValue) string {
	return itemtext.Value(p.table, attribute, av)
}

// item writes what is put, hidden attributes as ***: that they are written counts.
func (p printer) item(item orm.Item) string {
	var parts []string
	for _, name := range itemtext.Attributes(p.table, item) {
		parts = append(parts, name+" = "+p.value(name, item[name]))
	}
	return strings.Join(parts, ", ")
}

func (p printer) change(c orm.Change) string {
	path := pathText(c.Path, c.Into)
	if c.Op == orm.ChangeRemove {
		return "remove " + path
	}
	v := p.value(c.Path, c.Value)
	switch c.Op {
	case orm.ChangeSet:
		return "set " + path + " = " + v
	case orm.ChangeSetIfNotExists:
		return "set " + path + " = if_not_exists(" + path + ", " + v + ")"
	case orm.ChangeAdd:
		return "add " + path + " " + v
	case orm.ChangeDelete:
		return "delete " + path + " " + v
	case orm.ChangeAppend:
		return "set " + path + " = list_append(" + path + ", " + v + ")"
	case orm.ChangePrepend:
		return "set " + path + " = list_append(" + v + ", " + path + ")"
	case orm.ChangeIncrement:
		return "set " + path + " = " + path + " + " + v
	}
	return fmt.Sprintf("change %d of %s", c.Op, path)
}

func (p printer) cond(c *orm.Cond) string {
	path := pathText(c.Path, c.Into)
	if c.Size {
		path = "size(" + path + ")"
	}
	values := make([]string, len(c.Values))
	for i, v := range c.Values {
		values[i] = p.value(c.Path, v)
	}
	of := make([]string, len(c.Of))
	for i, o := range c.Of {
		of[i] = p.cond(o)
	}
	all := strings.Join(values, ", ")
	switch c.Op {
	case orm.CondEq:
		return path + " = " + all
	case orm.CondNe:
		return path + " <> " + all
	case orm.CondLt:
		return path + " < " + all
	case orm.CondLe:
		return path + " <= " + all
	case orm.CondGt:
		return path + " > " + all
	case orm.CondGe:
		return path + " >= " + all
	case orm.CondBetween:
		return path + " between " + strings.Join(values, " and ")
	case orm.CondIn:
		return path + " in (" + all + ")"
	case orm.CondExists:
		return "attribute_exists(" + path + ")"
	case orm.CondNotExists:
		return "attribute_not_exists(" + path + ")"
	case orm.CondBeginsWith:
		return "begins_with(" + path + ", " + all + ")"
	case orm.CondContains:
		return "contains(" + path + ", " + all + ")"
	case orm.CondAnd:
		return "(" + strings.Join(of, " and ") + ")"
	case orm.CondOr:
		return "(" + strings.Join(of, " or ") + ")"
	case orm.CondNot:
		return "not " + strings.Join(of, " ")
	}
	return fmt.Sprintf("condition %d on %s", c.Op, path)
}

func pathText(path string, into []orm.Step) string {
	for _, s := range into {
		if s.Name != "" {
			path += "." + s.Name
		} else {
			path += "[" + strconv.Itoa(s.Index) + "]"
		}
	}
	return path
}
