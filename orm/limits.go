package orm

import (
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
	MaxTokenLength        = 36 // characters of a transaction's token
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
		id := a.Table.Name + " " + a.Table.KeyText(a.PrimaryKey())
		if before, ok := seen[id]; ok {
			return fail(KindValidation, a, "actions %d and %d of the transaction are on this item, and DynamoDB takes one an item: join them into one write", before, i)
		}
		seen[id] = i
		size += a.size()
	}
	if size > MaxTransactionSize {
		return fail(KindTooLarge, nil, "the transaction's items are %d bytes, allowed are %d", size, MaxTransactionSize)
	}
	return nil
}

func (a *Action) size() int {
	n := ItemSize(a.Item) + ItemSize(a.Key)
	for _, c := range a.Changes {
		n += len(c.Path)
		if c.Value != nil {
			n += valueSize(c.Value)
		}
	}
	return n
}

func tableNames(actions []Action) string {
	var names []string
	for i := range actions {
		if n := actions[i].Table.Name; !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return strings.Join(names, "+")
}
