package orm

import (
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The stamps of a stamp tag.
const (
	stampCreated = "created" // when the item was inserted
	stampUpdated = "updated" // when it was last written
)

// checkStamps checks the stamp tags.
func (d *definer) checkStamps() {
	first := map[string]string{}
	for i := range d.plan.fields {
		f := &d.plan.fields[i]
		if f.stamp == "" {
			continue
		}
		what := fmt.Sprintf("stamp:%q", f.stamp)
		if other, ok := first[f.stamp]; ok {
			d.problem(f.goName, fmt.Sprintf("%s is field %s already: an item has one such stamp, take one tag away", what, other))
		}
		first[f.stamp] = f.goName
		if f.kind != "" && !f.canStamp(d.plan.raw) {
			d.problem(f.goName, fmt.Sprintf("%s is for time.Time, this is %s: use time.Time, with `,unixtime` in its dynamo tag for epoch seconds", what, f.goType))
		}
		if f == d.plan.hash || f == d.plan.sort {
			d.problem(f.goName, fmt.Sprintf("%s cannot be a key of the table: the key would be known only when the item is written", what))
		}
		d.filled(f, what)
	}
}

// canStamp reports whether the field is a time.Time. A run-time definition may
// not know, and then says S or N.
func (f *field) canStamp(raw bool) bool {
	if raw && f.goType == f.kind {
		return f.kind == "S" || f.kind == "N"
	}
	return f.goType == timeType.String()
}

// filled refuses what cannot be said of an attribute that Vinci fills itself.
// what is the tag by which it does.
func (d *definer) filled(f *field, what string) {
	for _, other := range []struct {
		there bool
		tag   string
	}{
		{f.def.IsValid(), "default"},
		{f.defFunc != nil, "orm.DefaultFunc"},
		{f.rule != "", "validate"},
		{f.enum != nil, "enum"},
		{f.unique != "", "unique"},
	} {
		if other.there {
			d.problem(f.goName, fmt.Sprintf("%s fills the attribute itself when it is written, so %s cannot be said of it: take one of the two away", what, other.tag))
		}
	}
}

// stampItem fills the stamps of an encoded item that is about to be written
// whole: the update stamp always, the creation stamp when it is not there.
func (p *plan) stampItem(op string, item Item, now time.Time) error {
	for _, f := range p.stamps {
		if f.stamp == stampCreated && !f.noTime(item[f.name]) {
			continue
		}
		av, err := f.stampValue(now)
		if err != nil {
			return &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Key: p.schema.KeyText(item), Attribute: f.name, Err: err}
		}
		item[f.name] = av
	}
	return nil
}

// stampChange is the change that stamps an update; ok is false when the table
// has no such attribute.
func (p *plan) stampChange(now time.Time) (c Change, ok bool, err error) {
	return p.stampBy(stampUpdated, ChangeSet, now)
}

// createdChange is the change that stamps an item which an update creates.
func (p *plan) createdChange(now time.Time) (c Change, ok bool, err error) {
	return p.stampBy(stampCreated, ChangeSetIfNotExists, now)
}

func (p *plan) stampBy(stamp string, op ChangeOp, now time.Time) (c Change, ok bool, err error) {
	for _, f := range p.stamps {
		if f.stamp == stamp {
			av, err := f.stampValue(now)
			if err != nil {
				return Change{}, false, &Error{Kind: KindValidation, Op: "update", Table: p.schema.Name, Attribute: f.name, Err: err}
			}
			return Change{Op: op, Path: f.name, Value: av}, true, nil
		}
	}
	return Change{}, false, nil
}

// stampValue is the moment as the field stores times, in UTC.
func (f *field) stampValue(now time.Time) (types.AttributeValue, error) {
	now = now.UTC()
	if y := now.Year(); y < 1 || y > 9999 {
		return nil, fmt.Errorf("the store's clock says year %d: RFC 3339 writes years 1 to 9999", y)
	}
	if f.kind == "N" {
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(now.Unix(), 10)}, nil
	}
	return &types.AttributeValueMemberS{Value: now.Format(time.RFC3339Nano)}, nil
}

// noTime reports whether a stored value of a time field says no moment: it is
// absent, or what a zero time.Time is stored as.
func (f *field) noTime(av types.AttributeValue) bool {
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		t, err := time.Parse(time.RFC3339Nano, v.Value)
		return err == nil && t.IsZero()
	case *types.AttributeValueMemberN:
		return v.Value == zeroUnix
	}
	return av == nil || reflect.TypeOf(av) == reflect.TypeFor[*types.AttributeValueMemberNULL]()
}

// zeroUnix is a zero time.Time in epoch seconds.
const zeroUnix = "-62135596800"
