package orm

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestErrorText(t *testing.T) {
	e := &Error{Kind: KindAlreadyExists, Op: "insert", Table: "users", Key: `"u1"`, Attribute: "email", Err: io.EOF}
	if want := `insert users "u1": already exists (attribute email): EOF`; e.Error() != want {
		t.Errorf("error is %q, want %q", e, want)
	}
	te := &TransactionError{Reasons: []*Error{nil, e, nil, {Kind: KindConflict, Op: "put", Table: "b"}}}
	if want := `transaction cancelled: action 1: insert users "u1": already exists (attribute email): EOF; action 3: put b: transaction conflict`; te.Error() != want {
		t.Errorf("error is %q, want %q", te, want)
	}
	wrapped := fmt.Errorf("creating a user: %w", errors.Join(io.ErrUnexpectedEOF, te))
	if !errors.Is(wrapped, KindAlreadyExists) || !errors.Is(wrapped, KindConflict) || !errors.Is(wrapped, io.EOF) || errors.Is(wrapped, KindNotFound) {
		t.Error("errors.Is does not find the kinds of the reasons")
	}
	if all := Errors(wrapped); len(all) != 2 || all[0] != e {
		t.Errorf("errors are %v, want both reasons", all)
	}
	if Errors(nil) != nil || Errors(io.EOF) != nil {
		t.Error("errors were found where there are none")
	}
}

func TestOnly(t *testing.T) {
	conflict, taken := &Error{Kind: KindConflict}, &Error{Kind: KindAlreadyExists}
	for i, c := range []struct {
		err  error
		want bool
	}{
		{conflict, true},
		{taken, false},
		{fmt.Errorf("wrapped: %w", conflict), true},
		{&TransactionError{Reasons: []*Error{nil, conflict, nil}}, true},
		{&TransactionError{Reasons: []*Error{conflict, taken}}, false},                                      // trying again cannot help
		{errors.Join(&Error{Kind: KindUnavailable}, &TransactionError{Reasons: []*Error{conflict}}), false}, // the wait before the next try ended early
		{fmt.Errorf("wrapped: %w", KindConflict), true},
		{io.EOF, false},
		{nil, false},
	} {
		if got := Only(c.err, KindConflict, KindThrottled); got != c.want {
			t.Errorf("%d: Only of %v is %v, want %v", i, c.err, got, c.want)
		}
	}
}

func TestDecodeError(t *testing.T) {
	_, err := plainTable.Decode(Item{"id": &types.AttributeValueMemberS{Value: "a"}, "name": &types.AttributeValueMemberN{Value: "1"}})
	if !errors.Is(err, KindValidation) || Errors(err)[0].Key != `"a"` {
		t.Errorf("error is %v, want kind %q with the key", err, KindValidation)
	}
}

func TestQueryRefused(t *testing.T) {
	ctx := t.Context()
	byCode := IndexOf(orders, func(o *order) *string { return &o.Code }, func(o *order) *int64 { return &o.Number })
	if s := byCode.Schema(); s.Name != "by_code" {
		t.Errorf("index is %q, want by_code", s.Name)
	}
	for name, err := range map[string]error{
		"empty key":       first(QueryTable(orders, "").From(1).All(ctx, nil)),
		"empty index key": first(byCode.Query("").All(ctx, nil)),
		"negative limit":  first(QueryTable(orders, "acme").Limit(-1).All(ctx, nil)),
	} {
		if !errors.Is(err, KindValidation) {
			t.Errorf("%s: error is %v, want kind %q", name, err, KindValidation)
		}
	}
}

func first[T any](s func(func(T, error) bool)) (err error) {
	for _, err = range s {
		break
	}
	return err
}
