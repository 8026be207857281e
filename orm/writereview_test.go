package orm_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// level has an enum of numbers, and an index key that is made of two attributes.
type level struct {
	ID    string  `dynamo:"id,hash"`
	Step  int     `dynamo:"step" enum:"1,2,3"`
	Area  string  `dynamo:"area"`
	Ratio float64 `dynamo:"ratio"`
	Place string  `dynamo:"place" index:"by_place,hash" template:"{id}#{area}"`
	Mail  string  `dynamo:"mail" unique:"exact"`
}

var (
	levels, otherLevels = orm.Define[level, string]("levels"), orm.Define[level, string]("other_levels")
	otherArea           = orm.Attr(otherLevels, func(l *level) *string { return &l.Area })
	levelMail           = orm.Attr(levels, func(l *level) *string { return &l.Mail })
	levelRatio          = orm.Attr(levels, func(l *level) *float64 { return &l.Ratio })
	levelStep           = orm.Number(levels, func(l *level) *int { return &l.Step })
)

// An attribute of another table with the same struct keeps this table's rules.
func TestAttributeOfAnotherTable(t *testing.T) {
	_, err := levels.Update("a", otherArea.SetIfNotExists("x")).Actions(t.Context(), ormtest.New())
	if !errors.Is(err, orm.KindValidation) || !strings.Contains(err.Error(), "a composite key of an index is made of it") {
		t.Errorf("error is %v", err)
	}
}

// One condition that holds always does not hide another that is wrong.
func TestOrOfAWrongCondition(t *testing.T) {
	wrong := levelRatio.Eq(math.NaN())
	for _, c := range []orm.Condition[level]{orm.Or(orm.And[level](), wrong), orm.Or(wrong, orm.And[level]())} {
		if _, err := c.Tree(); !errors.Is(err, orm.KindValidation) {
			t.Errorf("error is %v, want kind %q", err, orm.KindValidation)
		}
	}
	if tree, err := orm.Or(orm.And[level](), levelRatio.Eq(1)).Tree(); tree != nil || err != nil {
		t.Errorf("with one that holds always it is %v, %v", tree, err)
	}
}

// What a number is counted to cannot be held against its enum.
func TestNoCountingOfAnEnum(t *testing.T) {
	_, err := levels.Update("a", levelStep.Add(1)).Actions(t.Context(), nil)
	if !errors.Is(err, orm.KindDefinition) || !strings.Contains(err.Error(), "Set one of its values") {
		t.Errorf("error is %v", err)
	}
}

func TestNilWrite(t *testing.T) {
	err := orm.Exec(t.Context(), ormtest.New(), levels.Delete("a"), nil)
	if !errors.Is(err, orm.KindValidation) || !strings.Contains(err.Error(), "write 1 is nil") {
		t.Errorf("error is %v", err)
	}
}

// What is added to a list or a set is held to the rules of its elements.
func TestRulesOfAddedElements(t *testing.T) {
	type box struct {
		ID    string   `dynamo:"id,hash"`
		Names []string `dynamo:"names" validate:"max=2,dive,min=3"`
		Kinds []string `dynamo:"kinds,set" validate:"dive,oneof=a b"`
		Free  []string `dynamo:"free"`
	}
	boxes := orm.Define[box, string]("boxes")
	names := orm.List(boxes, func(b *box) *[]string { return &b.Names })
	kinds := orm.Set(boxes, func(b *box) *[]string { return &b.Kinds })
	free := orm.List(boxes, func(b *box) *[]string { return &b.Free })
	for says, c := range map[string]orm.Assignment[box]{
		`[1]: must satisfy "min=3"`:           names.Append("long", "x"),
		`[0]: must satisfy "min=3"`:           names.Prepend("x"),
		`[0]: must satisfy "oneof=a b"`:       kinds.Add([]string{"c"}),
		"":                                    names.Append("long", "longer", "longest"), // how many there will be is not known
		"there is nothing to add":             free.Append(),
		"there is no element in the set that": kinds.Add(nil),
	} {
		_, err := boxes.Update("a", c).Actions(t.Context(), nil)
		switch {
		case says == "" && err != nil:
			t.Error(err)
		case says != "" && (!errors.Is(err, orm.KindValidation) || !strings.Contains(err.Error(), says)):
			t.Errorf("error is %v, want it to say %q", err, says)
		}
	}
	if _, err := boxes.Update("a", kinds.Delete([]string{"old"}), free.Append("x")).Actions(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// A put that finds no item asks for none, and is a put still.
func TestFailedPutOfAUniqueKey(t *testing.T) {
	type room struct {
		Name  string `dynamo:"name,hash" unique:"exact"`
		Place int    `dynamo:"place,range"`
	}
	rooms := orm.Define[room, orm.Pair[string, int]]("rooms")
	actions, err := rooms.Put(room{"a", 1}).Actions(t.Context(), ormtest.New())
	if err != nil {
		t.Fatal(err)
	}
	if e := actions[0].Failed(orm.Item{"name": &types.AttributeValueMemberS{Value: "a"}}); e.Op != "put" || e.Kind != orm.KindChanged {
		t.Errorf("error is %+v", e)
	}
}

// When another write took the item's old value away and its version on, only the
// version is the reason: nobody wrote past the package.
func TestGivingBackFollows(t *testing.T) {
	m := ormtest.New()
	exec := func(w ...orm.Write) {
		t.Helper()
		if err := orm.Exec(t.Context(), m, w...); err != nil {
			t.Fatal(err)
		}
	}
	exec(levels.Insert(level{ID: "1", Step: 1, Mail: "a"}))
	actions, err := orm.Actions(t.Context(), m, levels.Update("1", levelMail.Set("b")))
	if err != nil {
		t.Fatal(err)
	}
	exec(levels.Update("1", levelMail.Set("c")))
	exec(levels.Insert(level{ID: "2", Step: 1, Mail: "a"}))
	err = m.Transact(t.Context(), "", actions)
	if all := orm.Errors(err); len(all) != 1 || all[0].Kind != orm.KindChanged {
		t.Errorf("the reasons are %v, want the item's alone", all)
	}

	// A value that two items have, by a write past the package, is told.
	_, err = m.Do(t.Context(), orm.Action{Op: orm.OpPut, Table: levels.Schema(), Item: orm.Item{
		"id": &types.AttributeValueMemberS{Value: "3"}, "mail": &types.AttributeValueMemberS{Value: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	err = orm.Exec(t.Context(), m, levels.Delete("3"))
	if !errors.Is(err, orm.KindConditionFailed) || !strings.Contains(err.Error(), "past Vinci") {
		t.Errorf("error is %v", err)
	}
}

// An item that was removed past the package, by expiry or by hand, left its
// claims behind: it may be inserted again.
func TestInsertAgainAfterRemovalByHand(t *testing.T) {
	m := ormtest.New()
	w := levels.Insert(level{ID: "1", Step: 1, Mail: "a"})
	if err := orm.Exec(t.Context(), m, w); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Do(t.Context(), orm.Action{Op: orm.OpDelete, Table: levels.Schema(), Key: orm.Item{"id": &types.AttributeValueMemberS{Value: "1"}}}); err != nil {
		t.Fatal(err)
	}
	if err := orm.Exec(t.Context(), m, w); err != nil {
		t.Error(err)
	}
	if err := orm.Exec(t.Context(), m, levels.Insert(level{ID: "2", Step: 1, Mail: "a"})); !errors.Is(err, orm.KindAlreadyExists) {
		t.Errorf("error is %v, want kind %q", err, orm.KindAlreadyExists)
	}
}
