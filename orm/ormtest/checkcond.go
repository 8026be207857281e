package ormtest

import (
	"errors"
	"fmt"

	"github.com/vinci-go/vinci/orm"
)

// maxIn is how many values IN takes.
const maxIn = 100

// checkCond refuses what DynamoDB does in a condition or a filter, whatever it is
// evaluated on.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
func checkCond(c *orm.Cond) error {
	if c == nil {
		return nil
	}
	switch c.Op {
	case orm.CondAnd, orm.CondOr, orm.CondNot:
		return checkJoined(c)
	}
	err := checkPath(c.Path, c.Into)
	if err == nil {
		err = checkOperands(c)
	}
	if err != nil {
		return fmt.Errorf("condition on %s: %w", pathText(c.Path, c.Into), err)
	}
	return nil
}

func checkJoined(c *orm.Cond) error {
	if len(c.Of) == 0 || c.Op == orm.CondNot && len(c.Of) > 1 {
		return fmt.Errorf("operator %d of a condition joins %d conditions", c.Op, len(c.Of))
	}
	if len(c.Values) > 0 || c.Path != "" || c.Size {
		return fmt.Errorf("operator %d of a condition joins conditions, and compares nothing itself", c.Op)
	}
	for _, one := range c.Of {
		if one == nil {
			return fmt.Errorf("operator %d of a condition: a condition is missing", c.Op)
		}
		if err := checkCond(one); err != nil {
			return err
		}
	}
	return nil
}

func checkOperands(c *orm.Cond) error {
	if len(c.Of) > 0 {
		return fmt.Errorf("operator %d joins no conditions", c.Op)
	}
	want := 1
	switch c.Op {
	case orm.CondExists, orm.CondNotExists:
		want = 0
	case orm.CondBetween:
		want = 2
	case orm.CondIn:
		want = min(max(len(c.Values), 1), maxIn)
	}
	if len(c.Values) != want {
		return fmt.Errorf("operator %d has %d values, it takes %d", c.Op, len(c.Values), want)
	}
	for _, v := range c.Values {
		if err := checkValue(v, 1); err != nil {
			return err
		}
	}
	switch c.Op {
	case orm.CondEq, orm.CondNe, orm.CondIn:
		return nil
	case orm.CondLt, orm.CondLe, orm.CondGt, orm.CondGe, orm.CondBetween:
		return checkOrdered(c.Values)
	case orm.CondExists, orm.CondNotExists, orm.CondContains:
	case orm.CondBeginsWith:
		if k := kind(c.Values[0]); k != "S" && k != "B" {
			return fmt.Errorf("a value of type %s is no prefix of anything", k)
		}
	default:
		return fmt.Errorf("unknown operator %d", c.Op)
	}
	if c.Size {
		return errors.New("a size is compared only")
	}
	return nil
}

// checkOrdered checks the right side of a comparison by order.
func checkOrdered(values []value) error {
	for _, v := range values {
		if k := kind(v); k != "S" && k != "N" && k != "B" {
			return fmt.Errorf("values of type %s have no order", k)
		}
	}
	if len(values) < 2 {
		return nil
	}
	if kind(values[0]) != kind(values[1]) {
		return errors.New("the bounds of BETWEEN are of two types")
	}
	if order(values[0], values[1]) > 0 {
		return errors.New("the lower bound of BETWEEN is above the upper one")
	}
	return nil
}
