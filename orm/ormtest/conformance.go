package ormtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/orm"
)

// Conformance checks that a store behaves as DynamoDB does: what is stored, what
// conditions and changes mean, what a transaction promises, which errors come.
// newStore makes a store that has the given tables, all empty. known lists what
// the store is known to do otherwise.
//
// What a store should do is taken from Amazon's documentation and, where that
// says nothing, from tests that others ran against DynamoDB: those of ScyllaDB's
// Alternator, test/alternator in its repository, say of each what DynamoDB does.
func Conformance(t *testing.T, newStore func(t *testing.T, tables ...orm.Definition) orm.Store, known ...Difference) {
	t.Helper()
	s := newSuite(newStore)
	for _, c := range []struct {
		name string
		test func(*testing.T, *suite)
	}{
		{"GetAndPut", testGetAndPut}, {"Insert", testInsert}, {"Update", testUpdate}, {"UpdateNumbers", testUpdateNumbers},
		{"Delete", testDelete}, {"Conditions", testConditions}, {"RefusedItems", testRefusedItems}, {"ItemSize", testItemSize},
		{"Transaction", testTransaction}, {"TransactionRefused", testTransactionRefused}, {"Token", testToken},
		{"Unique", testUnique}, {"UniqueRace", testUniqueRace}, {"CounterRace", testCounterRace},
		{"QueryNumbers", testQueryNumbers}, {"QueryStrings", testQueryStrings}, {"QueryBytes", testQueryBytes},
		{"QueryPages", testQueryPages}, {"QueryLargePages", testQueryLargePages}, {"Index", testIndex}, {"LocalIndex", testLocalIndex},
		{"Context", testContext},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, s) })
	}
	r := &raw{newStore: newStore, known: known, seen: map[string]bool{}}
	t.Run("Types", func(t *testing.T) {
		testTypes(t, r)
		r.types = true
	})
	t.Run("Writing", func(t *testing.T) { writing(t, newStore) })
	t.Run("Defects", func(t *testing.T) { testDefects(t, newStore) })
	t.Run("Requests", r.run)
	t.Run("Reading", func(t *testing.T) { reading(t, newStore) })
}

// suite holds the tables that the tests use.
type suite struct {
	newStore func(t *testing.T, tables ...orm.Definition) orm.Store

	things        *orm.Table[thing, string]
	name, status  orm.Attribute[thing, string]
	count         orm.NumberAttribute[thing, int64]
	labels        orm.Attribute[thing, []string]
	byStatus      *orm.Index[thing, string, int64]
	entries       *orm.Table[entry, orm.Pair[string, int64]]
	byKind        *orm.Index[entry, string, string]
	words         *orm.Table[word, orm.Pair[string, string]]
	blobs         *orm.Table[blob, orm.Pair[string, []byte]]
	members       *orm.Table[member, string]
	memberEmail   orm.Attribute[member, string]
	visits        *orm.Table[visit, orm.Pair[string, string]]
	visitsByTopic *orm.Index[visit, string, time.Time]
}

type thing struct {
	ID     string   `dynamo:"id,hash"`
	Name   string   `dynamo:"name"`
	Status string   `dynamo:"status" index:"by_status,hash"`
	Rank   int64    `dynamo:"rank,omitempty" index:"by_status,range"`
	Count  int64    `dynamo:"count,omitempty"`
	Labels []string `dynamo:"labels,set"`
	Data   []byte   `dynamo:"data"`
}

type entry struct {
	Stream  string `dynamo:"stream,hash"`
	Version int64  `dynamo:"version,range"`
	Kind    string `dynamo:"kind" localIndex:"by_kind,range"`
	Body    string `dynamo:"body"`
}

type word struct {
	Book string `dynamo:"book,hash"`
	Word string `dynamo:"word,range"`
}

type blob struct {
	Box string `dynamo:"box,hash"`
	Key []byte `dynamo:"key,range"`
}

type member struct {
	ID    string `dynamo:"id,hash"`
	Email string `dynamo:"email" unique:"normalized"`
	Badge int    `dynamo:"badge,omitempty" unique:"exact"`
}

type visit struct {
	Visitor string    `dynamo:"visitor,hash"`
	Page    string    `dynamo:"page,range"`
	Topic   string    `dynamo:"topic" index:"by_topic,hash"`
	At      time.Time `dynamo:"at,unixtime" index:"by_topic,range"`
	Note    string    `dynamo:"note"`
}

func newSuite(newStore func(t *testing.T, tables ...orm.Definition) orm.Store) *suite {
	s := &suite{newStore: newStore}
	s.things = orm.Define[thing, string]("things", orm.Stream())
	s.name = orm.Attr(s.things, func(x *thing) *string { return &x.Name })
	s.status = orm.Attr(s.things, func(x *thing) *string { return &x.Status })
	s.count = orm.Number(s.things, func(x *thing) *int64 { return &x.Count })
	s.labels = orm.Attr(s.things, func(x *thing) *[]string { return &x.Labels })
	s.byStatus = orm.IndexOf(s.things, func(x *thing) *string { return &x.Status }, func(x *thing) *int64 { return &x.Rank })
	s.entries = orm.Define[entry, orm.Pair[string, int64]]("entries")
	s.byKind = orm.IndexOf(s.entries, func(x *entry) *string { return &x.Stream }, func(x *entry) *string { return &x.Kind })
	s.words = orm.Define[word, orm.Pair[string, string]]("words")
	s.blobs = orm.Define[blob, orm.Pair[string, []byte]]("blobs")
	s.members = orm.Define[member, string]("members")
	s.memberEmail = orm.Attr(s.members, func(x *member) *string { return &x.Email })
	s.visits = orm.Define[visit, orm.Pair[string, string]]("visits", orm.KeysOnly("by_topic"))
	s.visitsByTopic = orm.IndexOf(s.visits, func(x *visit) *string { return &x.Topic }, func(x *visit) *time.Time { return &x.At })
	return s
}

// wantKind fails the test unless err is of the kind.
func wantKind(t *testing.T, err error, kind orm.Kind) *orm.Error {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error is %v, want kind %q", err, kind)
	}
	all := orm.Errors(err)
	if len(all) == 0 {
		t.Fatalf("error %v holds no *orm.Error", err)
	}
	return all[0]
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func do(t *testing.T, s orm.Store, w ...orm.Write) {
	t.Helper()
	must(t, orm.Exec(context.Background(), s, w...))
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
func bin(s string) types.AttributeValue { return &types.AttributeValueMemberB{Value: []byte(s)} }
func strs(s ...string) types.AttributeValue {
	return &types.AttributeValueMemberSS{Value: s}
}
func nums(s ...string) types.AttributeValue {
	return &types.AttributeValueMemberNS{Value: s}
}
func seq(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: v}
}
func truth(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }
func null() types.AttributeValue        { return &types.AttributeValueMemberNULL{Value: true} }
func mapOf(m orm.Item) types.AttributeValue {
	return &types.AttributeValueMemberM{Value: m}
}
