package dynamodb

import (
	"slices"
	"testing"

	"github.com/vinci-go/vinci/local/iam"
)

func TestMoreConditionKeys(t *testing.T) {
	s := &Service{account: "1", region: "r", client: newClient("http://127.0.0.1:1", unsigned)}
	s.tables = newTableCache(s)
	s.tables.set(&TableConfig{Name: "users", Key: []KeyElement{{AttributeName: "id", KeyType: Partition}}})
	s.tables.set(&TableConfig{Name: "events", Key: []KeyElement{{AttributeName: "seq", KeyType: Partition}}})
	const attributes = "dynamodb:attributes"
	for _, c := range []struct {
		operation, body, key string
		want                 []string // of the first need; nil: absent
	}{
		{"GetItem", `{"TableName":"users","Key":{"id":{"S":"a"}}}`, attributes, []string{"id"}},
		{"GetItem", `{"TableName":"users","Key":{"id":{"S":"a"}},"ProjectionExpression":"name, #s.x[3], a.b","ExpressionAttributeNames":{"#s":"state","#t":"never"}}`, attributes, []string{"a", "id", "name", "state"}},
		{"GetItem", `{"TableName":"users","Key":{"id":{"S":"a"}},"AttributesToGet":["mail"]}`, attributes, []string{"id", "mail"}},
		{"PutItem", `{"TableName":"users","Item":{"id":{"S":"a"},"x":{"M":{"y":{}}}},"ConditionExpression":"attribute_not_exists (z) AND size(w) > :n OR NOT (v in (:a,:b))"}`, attributes, []string{"id", "v", "w", "x", "z"}},
		{"UpdateItem", `{"TableName":"users","Key":{"id":{"S":"a"}},"UpdateExpression":"SET #0 = if_not_exists(b, :v), c=c+:1 remove d ADD e :2","ExpressionAttributeNames":{"#0":"a"}}`, attributes, []string{"a", "b", "c", "d", "e", "id"}},
		{"Query", `{"TableName":"users","KeyConditionExpression":"id = :v and at between :a and :b","FilterExpression":"begins_with(k, :k)"}`, attributes, []string{"at", "id", "k"}},
		{"Scan", `{"TableName":"users"}`, attributes, nil},
		{"BatchGetItem", `{"RequestItems":{"users":{"Keys":[{"id":{"S":"a"}}],"ProjectionExpression":"mail"}}}`, attributes, []string{"id", "mail"}},
		{"BatchWriteItem", `{"RequestItems":{"users":[{"PutRequest":{"Item":{"id":{"S":"a"},"x":{}}}},{"DeleteRequest":{"Key":{"id":{"S":"b"}}}}]}}`, attributes, []string{"id", "x"}},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"users","Item":{"id":{"S":"a"}}}},{"Put":{"TableName":"events","Item":{"no":{}}}},{"Delete":{"TableName":"users","Key":{"also_no":{}}}}]}`, attributes, []string{"id"}},
		{"Query", `{"TableName":"users","Select":"COUNT"}`, "dynamodb:select", []string{"COUNT"}},
		{"Query", `{"TableName":"users","ProjectionExpression":"a"}`, "dynamodb:select", []string{"SPECIFIC_ATTRIBUTES"}},
		{"Query", `{"TableName":"users","IndexName":"i"}`, "dynamodb:select", []string{"ALL_PROJECTED_ATTRIBUTES"}},
		{"Scan", `{"TableName":"users"}`, "dynamodb:select", []string{"ALL_ATTRIBUTES"}},
		{"GetItem", `{"TableName":"users","Key":{"id":{"S":"a"}}}`, "dynamodb:select", nil},
		{"UpdateItem", `{"TableName":"users","Key":{"id":{"S":"a"}},"ReturnValues":"ALL_OLD"}`, "dynamodb:returnvalues", []string{"ALL_OLD"}},
		{"UpdateItem", `{"TableName":"users","Key":{"id":{"S":"a"}}}`, "dynamodb:returnvalues", nil},
		{"GetItem", `{"TableName":"users","Key":{"id":{"S":"a"}},"ReturnConsumedCapacity":"TOTAL"}`, "dynamodb:returnconsumedcapacity", []string{"TOTAL"}},
		{"GetItem", `{"TableName":"users","Key":{"id":{"S":"a"}}}`, "dynamodb:other", nil},
	} {
		needs, err := s.Needs(c.operation, []byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		got, ok := needs[0].More(c.key)
		if !slices.Equal(got, c.want) || ok != (c.want != nil) {
			t.Errorf("%s %s: %s is %q, %v; want %q", c.operation, c.body, c.key, got, ok, c.want)
		}
	}
}

// A policy that lets a role see some attributes only, as AWS's guide has it.
func TestAttributesArePolicy(t *testing.T) {
	s := &Service{account: "1", region: "r", client: newClient("http://127.0.0.1:1", unsigned)}
	s.tables = newTableCache(s)
	p, err := iam.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:Query","Resource":"*","Condition":{
		"ForAllValues:StringEquals":{"dynamodb:Attributes":["id","name"]},"StringEquals":{"dynamodb:Select":"SPECIFIC_ATTRIBUTES"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]bool{
		`{"TableName":"users","KeyConditionExpression":"id = :v","ProjectionExpression":"name"}`:      true,
		`{"TableName":"users","KeyConditionExpression":"id = :v","ProjectionExpression":"name,mail"}`: false,
		`{"TableName":"users","KeyConditionExpression":"id = :v"}`:                                    false,
	} {
		needs, err := s.Needs("Query", []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if d := (iam.Policies{p}).Decide(needs[0]); d.Allowed() != want {
			t.Errorf("%s: allowed %v: %s", body, d.Allowed(), d.Explain())
		}
	}
}
