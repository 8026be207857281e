package ormtest

import (
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var (
	errAddType    = errors.New("ADD needs a number and a number, or two sets of one type")
	errDeleteType = errors.New("DELETE needs two sets of one type")
)

func isSet(v value) bool {
	k := kind(v)
	return k == "SS" || k == "NS" || k == "BS"
}

// add is what ADD leaves of a value.
func add(was, v value) (value, error) {
	if kind(was) != kind(v) {
		return nil, errAddType
	}
	if x, ok := was.(*types.AttributeValueMemberN); ok {
		sum, err := addNumbers(x.Value, v.(*types.AttributeValueMemberN).Value)
		return &types.AttributeValueMemberN{Value: sum}, err
	}
	if !isSet(was) {
		return nil, errAddType
	}
	members := append(setMembers(was), setMembers(v)...)
	slices.Sort(members)
	return setOf(kind(was), slices.Compact(members)), nil
}

// without is what DELETE leaves of a set: nil when it was the last of it, because
// a set cannot be empty.
func without(was, v value) (value, error) {
	if kind(was) != kind(v) || !isSet(was) {
		return nil, errDeleteType
	}
	gone := setMembers(v)
	members := slices.DeleteFunc(setMembers(was), func(m string) bool { return slices.Contains(gone, m) })
	if len(members) == 0 {
		return nil, nil
	}
	return setOf(kind(was), members), nil
}

func setOf(kind string, members []string) value {
	switch kind {
	case "SS":
		return &types.AttributeValueMemberSS{Value: members}
	case "NS":
		return &types.AttributeValueMemberNS{Value: members}
	}
	out := make([][]byte, len(members))
	for i, m := range members {
		out[i] = []byte(m)
	}
	return &types.AttributeValueMemberBS{Value: out}
}
