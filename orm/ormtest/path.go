package ormtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/orm"
)

// maxDepth is how deep attributes may be nested.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
const maxDepth = 32

// resolve follows a document path. It is false when there is nothing at its end.
func resolve(item orm.Item, attribute string, into []orm.Step) (value, bool) {
	v, ok := item[attribute]
	for _, step := range into {
		if !ok {
			return nil, false
		}
		v, ok = child(v, step)
	}
	return v, ok
}

func child(v value, step orm.Step) (value, bool) {
	switch x := v.(type) {
	case *types.AttributeValueMemberM:
		if step.Name != "" {
			out, ok := x.Value[step.Name]
			return out, ok
		}
	case *types.AttributeValueMemberL:
		if step.Name == "" && step.Index < len(x.Value) {
			return x.Value[step.Index], true
		}
	}
	return nil, false
}

// pathText writes a path as DynamoDB's expressions do: a.b[2].
func pathText(attribute string, into []orm.Step) string {
	var b strings.Builder
	b.WriteString(attribute)
	for _, step := range into {
		if step.Name != "" {
			b.WriteString("." + step.Name)
		} else {
			fmt.Fprintf(&b, "[%d]", step.Index)
		}
	}
	return b.String()
}

func checkPath(attribute string, into []orm.Step) error {
	if attribute == "" {
		return errors.New("an attribute needs a name")
	}
	if n := len(into) + 1; n > maxDepth {
		return fmt.Errorf("the path %s has %d levels, allowed are %d", pathText(attribute, into), n, maxDepth)
	}
	for _, step := range into {
		if step.Name == "" && step.Index < 0 {
			return fmt.Errorf("%s: elements of a list count from 0", pathText(attribute, into))
		}
	}
	return nil
}

// checkOverlap refuses two paths of which one is within the other, or that take
// one attribute for a map and for a list.
func checkOverlap(a, b *orm.Change) error {
	if a.Path != b.Path {
		return nil
	}
	n := min(len(a.Into), len(b.Into))
	for i := range n {
		x, y := a.Into[i], b.Into[i]
		if (x.Name == "") != (y.Name == "") {
			return fmt.Errorf("two document paths conflict with each other: %s and %s", pathText(a.Path, a.Into), pathText(b.Path, b.Into))
		}
		if x != y {
			return nil
		}
	}
	if slices.Equal(a.Into, b.Into) {
		return fmt.Errorf("attribute %s is changed twice", pathText(a.Path, a.Into))
	}
	return fmt.Errorf("two document paths overlap with each other: %s and %s", pathText(a.Path, a.Into), pathText(b.Path, b.Into))
}
