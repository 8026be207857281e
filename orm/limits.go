package orm

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DynamoDB's limits for items and transactions.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const (
	MaxItemSize           = 400 << 10 // bytes, names included
	MaxTransactionSize    = 4 << 20   // bytes of all its items
	MaxTransactionActions = 100
	MaxTokenLength        = 36        // characters of a transaction's token
	MaxExpressionSize     = 4 << 10   // bytes of one expression, with aliases for its names and values
	MaxScanSegments       = 1_000_000 // parts of a parallel scan
)

// ItemSize is an item's size in bytes as DynamoDB counts it against its limits.
// Numbers are an estimate, as in Amazon's own rules.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func ItemSize(item Item) int {
	n := 0
	for name, av := range item {
		n += len(name) + valueSize(av)
	}
	return n
}

func valueSize(av types.AttributeValue) int {
	const container, element = 3, 1
	n := 0
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		n = len(v.Value)
	case *types.AttributeValueMemberN:
		n = numberSize(v.Value)
	case *types.AttributeValueMemberB:
		n = len(v.Value)
	case *types.AttributeValueMemberBOOL, *types.AttributeValueMemberNULL:
		n = 1
	case *types.AttributeValueMemberSS:
		for _, s := range v.Value {
			n += len(s)
		}
	case *types.AttributeValueMemberNS:
		for _, s := range v.Value {
			n += numberSize(s)
		}
	case *types.AttributeValueMemberBS:
		for _, b := range v.Value {
			n += len(b)
		}
	case *types.AttributeValueMemberL:
		n = container
		for _, e := range v.Value {
			n += element + valueSize(e)
		}
	case *types.AttributeValueMemberM:
		n = container
		for name, e := range v.Value {
			n += element + len(name) + valueSize(e)
		}
	}
	return n
}

// numberSize is one byte for two significant digits, and one.
func numberSize(s string) int {
	digits := 0
	for _, c := range strings.Trim(s, "-0.") {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	n := (digits+1)/2 + 1
	if strings.HasPrefix(s, "-") {
		n++
	}
	return n
}

// CheckTransaction refuses what DynamoDB would refuse whatever is stored: no or
// too many actions, two actions on one item, more bytes than fit, a long token.
// Stores call it before they send anything.
func CheckTransaction(token string, actions []Action) error {
	fail := func(kind Kind, a *Action, format string, args ...any) error {
		if a == nil {
			return &Error{Kind: kind, Op: "transact", Table: tableNames(actions), Err: fmt.Errorf(format, args...)}
		}
		return a.Wrap(kind, fmt.Errorf(format, args...))
	}
	if n := len(actions); n == 0 || n > MaxTransactionActions {
		return fail(KindTooLarge, nil, "the transaction has %d actions, allowed are 1 to %d", n, MaxTransactionActions)
	}
	if len(token) > MaxTokenLength {
		return fail(KindValidation, nil, "the token is %d characters long, allowed are %d", len(token), MaxTokenLength)
	}
	size := 0
	seen := make(map[string]int, len(actions))
	for i := range actions {
		a := &actions[i]
		id := a.Table.Name + " " + a.Table.keyID(a.PrimaryKey())
		if before, ok := seen[id]; ok && a.Unique != "" {
			return valueTwice(a)
		} else if ok {
			return fail(KindValidation, a, "actions %d and %d of the transaction are on this item, and DynamoDB takes one an item: join them into one write", before, i)
		}
		seen[id] = i
		size += a.Size()
	}
	if size > MaxTransactionSize {
		return fail(KindTooLarge, nil, "the transaction's items are %d bytes, allowed are %d", size, MaxTransactionSize)
	}
	return nil
}

// valueTwice is about a unique value that two writes of a transaction claim, or
// that one gives back and another claims.
func valueTwice(a *Action) error {
	e := a.Wrap(KindValidation, errors.New("two writes of the transaction are about this unique value, whose item DynamoDB lets one of them change: make two transactions of them, the one that gives the value back first"))
	e.Attribute = a.Unique
	return e
}

// Size is what an action adds to the bytes of its transaction. Of an update only
// the key and the new values are known, not the item it changes: the service
// refuses what that makes too large.
func (a *Action) Size() int {
	n := ItemSize(a.Item) + ItemSize(a.Key)
	for i := range a.Changes {
		c := &a.Changes[i]
		n += len(c.Path)
		for _, s := range c.Into {
			n += len(s.Name)
		}
		if c.Value != nil {
			n += valueSize(c.Value)
		}
	}
	return n
}

func tableNames(actions []Action) string {
	names := ""
	for i := range actions {
		names = addName(names, actions[i].Table.Name)
	}
	return names
}

// addName adds a table to the names of an error's tables: users+orders.
func addName(names, name string) string {
	switch {
	case names == "":
		return name
	case slices.Contains(strings.Split(names, "+"), name):
		return names
	}
	return names + "+" + name
}
