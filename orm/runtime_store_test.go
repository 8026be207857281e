package orm_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// What a run-time definition writes is what the struct's definition does, and
// each reads the other's items.
func TestRuntimeDefinitionInAStore(t *testing.T) {
	ctx := context.Background()
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	store := ormtest.New(ormtest.Clock(func() time.Time { return now }))
	var schema orm.Schema
	text, err := json.Marshal(Shipments.Schema())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	raw := orm.DefineSchema(&schema)

	s := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	n := func(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }
	given := orm.Item{"tenant": s("acme"), "depot": s("no#rth"), "number": n("7"), "receiver": s("Ada")}
	if err := orm.Exec(ctx, store, raw.Insert(given)); err != nil {
		t.Fatal(err)
	}
	if len(given) != 4 {
		t.Errorf("the given item is changed: %v", given)
	}
	key := orm.Key("TENANT#acme", "no%23rth#000007")
	got, err := Shipments.Get(ctx, store, key)
	if want := (Shipment{PK: key.Hash, SK: key.Sort, Tenant: "acme", Depot: "no#rth", Number: 7, Status: "packed", Version: 1, PackedAt: now, MovedAt: now, Receiver: "Ada"}); err != nil || got != want {
		t.Errorf("read is %+v, %v, want %+v", got, err, want)
	}
	if err := orm.Exec(ctx, store, raw.Insert(given)); !errors.Is(err, orm.KindAlreadyExists) {
		t.Errorf("error of a second insert is %v", err)
	}

	rawKey, err := raw.KeyOf(given)
	if err != nil {
		t.Fatal(err)
	}
	item, err := raw.Get(ctx, store, rawKey)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	item["status"] = s("sent")
	if err := orm.Exec(ctx, store, raw.Put(item)); err != nil {
		t.Fatal(err)
	}
	if err := orm.Exec(ctx, store, raw.Put(item)); !errors.Is(err, orm.KindVersionConflict) {
		t.Errorf("error of a put of an old version is %v", err)
	}
	if got, err := Shipments.Get(ctx, store, key); err != nil || got.Version != 2 || got.Status != "sent" || !got.PackedAt.Equal(now.Add(-time.Hour)) || !got.MovedAt.Equal(now) {
		t.Errorf("read is %+v, %v", got, err)
	}
	item["status"], item["version"] = s("gone"), n("2")
	if err := orm.Exec(ctx, store, raw.Put(item)); !errors.Is(err, orm.KindValidation) {
		t.Errorf("error of a value outside of its enum is %v", err)
	}
	delete(item, "depot")
	item["status"] = s("lost")
	if err := orm.Exec(ctx, store, raw.Put(item)); !errors.Is(err, orm.KindValidation) {
		t.Errorf("error of a key without a part is %v", err)
	}

	batch, err := raw.GetBatch(ctx, store, []orm.Item{rawKey, {"pk": s("TENANT#x"), "sk": s("y")}})
	if err != nil || len(batch) != 2 || batch[0] == nil || batch[1] != nil || !reflect.DeepEqual((*batch[0])["status"], s("sent")) {
		t.Errorf("batch is %v, %v", batch, err)
	}
	if err := orm.Exec(ctx, store, raw.Delete(rawKey)); err != nil {
		t.Fatal(err)
	}
	if _, err := Shipments.Get(ctx, store, key); !errors.Is(err, orm.KindNotFound) {
		t.Errorf("error after the delete is %v", err)
	}
}
