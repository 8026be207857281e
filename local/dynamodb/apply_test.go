package dynamodb_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/local/dynamodb"
)

// shape is what of a table a test looks at.
func shape(t *testing.T, c *sdk.Client, table string) string {
	t.Helper()
	d, err := c.DescribeTable(t.Context(), &sdk.DescribeTableInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	ttl, err := c.DescribeTimeToLive(t.Context(), &sdk.DescribeTimeToLiveInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	key := func(k []types.KeySchemaElement) string {
		var s []string
		for _, e := range k {
			s = append(s, *e.AttributeName+" "+string(e.KeyType))
		}
		return strings.Join(s, ",")
	}
	parts := []string{"key " + key(d.Table.KeySchema)}
	for _, i := range d.Table.GlobalSecondaryIndexes {
		parts = append(parts, fmt.Sprintf("gsi %s %s %s %v", *i.IndexName, key(i.KeySchema), i.Projection.ProjectionType, i.Projection.NonKeyAttributes))
	}
	for _, i := range d.Table.LocalSecondaryIndexes {
		parts = append(parts, fmt.Sprintf("lsi %s %s %s", *i.IndexName, key(i.KeySchema), i.Projection.ProjectionType))
	}
	slices.Sort(parts[1:])
	if s := d.Table.StreamSpecification; s != nil && aws.ToBool(s.StreamEnabled) {
		parts = append(parts, "stream "+string(s.StreamViewType))
	}
	if a := ttl.TimeToLiveDescription; a != nil && a.TimeToLiveStatus == types.TimeToLiveStatusEnabled {
		parts = append(parts, "ttl "+*a.AttributeName)
	}
	return strings.Join(parts, "; ")
}

func element(name, kind string) dynamodb.KeyElement {
	return dynamodb.KeyElement{AttributeName: name, KeyType: kind}
}

func TestApplyCreatesAndChanges(t *testing.T) {
	s := start(t, dynamodb.Options{})
	c := newFront(t, s, nil).owner()
	table := dynamodb.TableConfig{
		Name:         "app-local-orders",
		Attributes:   map[string]string{"id": "S", "at": "N", "kind": "S", "total": "N"},
		Key:          []dynamodb.KeyElement{element("id", dynamodb.Partition), element("at", dynamodb.Sort)},
		LocalIndexes: []dynamodb.Index{{Name: "by_total", Key: []dynamodb.KeyElement{element("id", dynamodb.Partition), element("total", dynamodb.Sort)}, Projection: "ALL"}},
		Stream:       "NEW_AND_OLD_IMAGES",
	}
	const base = "key id HASH,at RANGE"
	const local = "lsi by_total id HASH,total RANGE ALL"
	check := func(want string) {
		t.Helper()
		for _, when := range []string{"applied", "applied again"} {
			apply(t, s, table)
			if got := shape(t, c, table.Name); got != want {
				t.Fatalf("%s:\n got %s\nwant %s", when, got, want)
			}
		}
	}
	check(base + "; " + local + "; stream NEW_AND_OLD_IMAGES")

	if _, err := c.PutItem(t.Context(), &sdk.PutItemInput{TableName: &table.Name, Item: map[string]types.AttributeValue{
		"id": text("o1"), "at": &types.AttributeValueMemberN{Value: "1"}, "kind": text("big")}}); err != nil {
		t.Fatal(err)
	}
	// Two indexes and a TTL at once: Apply makes the steps.
	table.GlobalIndexes = []dynamodb.Index{
		{Name: "by_kind", Key: []dynamodb.KeyElement{element("kind", dynamodb.Partition)}, Projection: "KEYS_ONLY"},
		{Name: "by_kind_at", Key: []dynamodb.KeyElement{element("kind", dynamodb.Partition), element("at", dynamodb.Sort)}, Projection: "INCLUDE", Include: []string{"name", "email"}},
	}
	table.TTLAttribute = "expires"
	check(base + "; gsi by_kind kind HASH KEYS_ONLY []; gsi by_kind_at kind HASH,at RANGE INCLUDE [name email]; " + local + "; stream NEW_AND_OLD_IMAGES; ttl expires")
	out, err := c.Query(t.Context(), &sdk.QueryInput{TableName: &table.Name, IndexName: aws.String("by_kind"), KeyConditionExpression: aws.String("kind = :k"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":k": text("big")}})
	if err != nil || out.Count != 1 {
		t.Fatalf("the new index holds %v items, %v; want the one written before", out, err)
	}

	// One index changes, one goes; stream and TTL change.
	table.GlobalIndexes = []dynamodb.Index{{Name: "by_kind", Key: []dynamodb.KeyElement{element("kind", dynamodb.Partition)}, Projection: "ALL"}}
	table.TTLAttribute = "expires_at"
	table.Stream = "KEYS_ONLY"
	check(base + "; gsi by_kind kind HASH ALL []; " + local + "; stream KEYS_ONLY; ttl expires_at")

	table.GlobalIndexes, table.TTLAttribute, table.Stream = nil, "", ""
	check(base + "; " + local)
}

func TestApplyRefusesWhatDynamoDBCannotChange(t *testing.T) {
	s := start(t, dynamodb.Options{})
	was := dynamodb.TableConfig{
		Name: "app-local-orders", Attributes: map[string]string{"id": "S", "total": "N"},
		Key: []dynamodb.KeyElement{element("id", dynamodb.Partition), element("total", dynamodb.Sort)},
	}
	apply(t, s, was)
	for name, c := range map[string]struct {
		change func(t *dynamodb.TableConfig)
		want   string
	}{
		"a key's type": {func(t *dynamodb.TableConfig) { t.Attributes = map[string]string{"id": "N", "total": "N"} }, "its key is (id S HASH, total N RANGE) and should be (id N HASH, total N RANGE)"},
		"a key's name": {func(t *dynamodb.TableConfig) {
			t.Attributes, t.Key = map[string]string{"user_id": "S"}, []dynamodb.KeyElement{element("user_id", dynamodb.Partition)}
		}, "should be (user_id S HASH)"},
		"a local index": {func(t *dynamodb.TableConfig) {
			t.LocalIndexes = []dynamodb.Index{{Name: "lll", Key: t.Key, Projection: "ALL"}}
		}, "local index lll is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			table := was
			c.change(&table)
			err := s.Apply(t.Context(), []dynamodb.TableConfig{table})
			if !errors.Is(err, dynamodb.ErrCannotChange) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "empty the local data folder") || !strings.Contains(err.Error(), was.Name) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestApplyReportsAllErrors(t *testing.T) {
	s := start(t, dynamodb.Options{})
	err := s.Apply(t.Context(), []dynamodb.TableConfig{
		{Name: "no-key"},
		{Name: "no-type", Key: []dynamodb.KeyElement{element("id", dynamodb.Partition)}, Stream: "ALL"},
		usersTable(),
		{Name: "x", Attributes: map[string]string{"id": "S"}, Key: []dynamodb.KeyElement{element("id", dynamodb.Partition)}}, // the engine refuses the name
	})
	for _, want := range []string{`table "no-key": its key must begin with a partition key`, `the type of key attribute "id" is not given`, `stream view "ALL"`, "table x: ", "ValidationException"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	shape(t, newFront(t, s, nil).owner(), usersTable().Name) // the right one was made all the same
}

func TestApplyManyTables(t *testing.T) {
	s := start(t, dynamodb.Options{})
	var tables []dynamodb.TableConfig
	for i := range 30 {
		table := usersTable()
		table.Name = fmt.Sprintf("app-local-t%d", i)
		tables = append(tables, table)
	}
	apply(t, s, tables...)
	out, err := newFront(t, s, nil).owner().ListTables(t.Context(), nil)
	if err != nil || len(out.TableNames) != len(tables) {
		t.Fatalf("%v, %v", out, err)
	}
}
