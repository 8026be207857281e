package dynamodb

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestNeeds(t *testing.T) {
	s := &Service{account: "1", region: "r", client: newClient("http://127.0.0.1:1", unsigned)}
	s.tables = newTableCache(s)
	s.tables.set(&TableConfig{Name: "users", Key: []KeyElement{{AttributeName: "id", KeyType: Partition}},
		GlobalIndexes: []Index{{Name: "by_mail", Key: []KeyElement{{AttributeName: "mail", KeyType: Partition}, {AttributeName: "id", KeyType: Sort}}}}})
	s.tables.set(&TableConfig{Name: "events", Key: []KeyElement{{AttributeName: "seq", KeyType: Partition}}, StreamARN: "arn:aws:dynamodb:r:1:table/events/stream/label"})
	const users, events = "arn:aws:dynamodb:r:1:table/users", "arn:aws:dynamodb:r:1:table/events"
	tested := map[string]bool{}
	for _, c := range []struct {
		operation, body string
		want            []string // "Action resource", and with a context "key=values"
	}{
		{"GetItem", `{"TableName":"users","Key":{"id":{"S":"a"}}}`, []string{"GetItem " + users + " LeadingKeys=[a]"}},
		{"GetItem", `{"TableName":"` + users + `","Key":{"id":{"S":"a"}}}`, []string{"GetItem " + users + " LeadingKeys=[a]"}},
		{"GetItem", `{"TableName":"unknown","Key":{"id":{"S":"a"}}}`, []string{"GetItem arn:aws:dynamodb:r:1:table/unknown"}},
		{"PutItem", `{"TableName":"users","Item":{"id":{"S":"a"},"x":{"M":{}}}}`, []string{"PutItem " + users + " LeadingKeys=[a]"}},
		{"UpdateItem", `{"TableName":"events","Key":{"seq":{"N":"5"}}}`, []string{"UpdateItem " + events + " LeadingKeys=[5]"}},
		{"DeleteItem", `{"TableName":"users","Key":{"id":{"B":"AAE="}}}`, []string{"DeleteItem " + users + " LeadingKeys=[AAE=]"}},
		{"Query", `{"TableName":"users","KeyConditionExpression":"id = :v","ExpressionAttributeValues":{":v":{"S":"a"}}}`, []string{"Query " + users + " LeadingKeys=[a]"}},
		{"Query", `{"TableName":"users","KeyConditionExpression":"at=:t AND (#i=:v)","ExpressionAttributeNames":{"#i":"id"},"ExpressionAttributeValues":{":v":{"S":"a"},":t":{"S":"b"}}}`, []string{"Query " + users + " LeadingKeys=[a]"}},
		{"Query", `{"TableName":"users","IndexName":"by_x","KeyConditionExpression":"id = :v"}`, []string{"Query " + users + "/index/by_x"}},
		{"Query", `{"TableName":"users","IndexName":"by_mail","KeyConditionExpression":"mail = :v","ExpressionAttributeValues":{":v":{"S":"a"}}}`, []string{"Query " + users + "/index/by_mail LeadingKeys=[a]"}},
		{"Scan", `{"TableName":"users"}`, []string{"Scan " + users}},
		{"Scan", `{"TableName":"users","IndexName":"by_x"}`, []string{"Scan " + users + "/index/by_x"}},
		{"BatchGetItem", `{"RequestItems":{"users":{"Keys":[{"id":{"S":"a"}},{"id":{"S":"b"}},{"id":{"S":"a"}}]},"events":{}}}`, []string{"BatchGetItem " + events, "BatchGetItem " + users + " LeadingKeys=[a b]"}},
		{"BatchWriteItem", `{"RequestItems":{"users":[{"PutRequest":{"Item":{"id":{"S":"a"}}}},{"DeleteRequest":{"Key":{"id":{"S":"b"}}}}]}}`, []string{"BatchWriteItem " + users + " LeadingKeys=[a b]"}},
		{"TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"users","Key":{"id":{"S":"a"}}}}]}`, []string{"GetItem " + users + " EnclosingOperation=[TransactGetItems] LeadingKeys=[a]"}},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"users","Item":{"id":{"S":"a"}}}},{"Put":{"TableName":"users","Item":{"id":{"S":"b"}}}},
			{"Update":{"TableName":"users","Key":{"id":{"S":"c"}}}},{"Delete":{"TableName":"events","Key":{"seq":{"N":"1"}}}},{"ConditionCheck":{"TableName":"events","Key":{"seq":{"N":"2"}}}}]}`, []string{
			"PutItem " + users + " EnclosingOperation=[TransactWriteItems] LeadingKeys=[a b]", "UpdateItem " + users + " EnclosingOperation=[TransactWriteItems] LeadingKeys=[c]",
			"DeleteItem " + events + " EnclosingOperation=[TransactWriteItems] LeadingKeys=[1]", "ConditionCheckItem " + events + " EnclosingOperation=[TransactWriteItems] LeadingKeys=[2]"}},
		{"CreateTable", `{"TableName":"users"}`, []string{"CreateTable " + users}},
		{"UpdateTable", `{"TableName":"users"}`, []string{"UpdateTable " + users}},
		{"DeleteTable", `{"TableName":"users"}`, []string{"DeleteTable " + users}},
		{"DescribeTable", `{"TableName":"users"}`, []string{"DescribeTable " + users}},
		{"DescribeTimeToLive", `{"TableName":"users"}`, []string{"DescribeTimeToLive " + users}},
		{"UpdateTimeToLive", `{"TableName":"users"}`, []string{"UpdateTimeToLive " + users}},
		{"DescribeContinuousBackups", `{"TableName":"users"}`, []string{"DescribeContinuousBackups " + users}},
		{"TagResource", `{"ResourceArn":"` + users + `"}`, []string{"TagResource " + users}},
		{"UntagResource", `{"ResourceArn":"` + users + `"}`, []string{"UntagResource " + users}},
		{"ListTagsOfResource", `{"ResourceArn":"` + users + `"}`, []string{"ListTagsOfResource " + users}},
		{"ListTables", `{}`, []string{"ListTables *"}},
		{"DescribeLimits", `{}`, []string{"DescribeLimits *"}},
		{"DescribeEndpoints", `{}`, []string{"DescribeEndpoints *"}},
		{"ListStreams", `{}`, []string{"ListStreams *"}},
		{"ListStreams", `{"TableName":"users"}`, []string{"ListStreams " + users + "/stream/*"}},
		{"DescribeStream", `{"StreamArn":"arn:aws:dynamodb:dynoxide:0:table/users/stream/1.2"}`, []string{"DescribeStream " + users + "/stream/" + StreamLabel}},
		{"GetShardIterator", `{"StreamArn":"arn:aws:dynamodb:dynoxide:0:table/events/stream/1.2"}`, []string{"GetShardIterator " + events + "/stream/label"}},
		{"GetRecords", `{"ShardIterator":"arn:aws:dynamodb:ddblocal:0:table/users/stream/1|x|y"}`, []string{"GetRecords " + users + "/stream/" + StreamLabel}},
		{"GetRecords", `{"ShardIterator":"eyJ0YWJsZV9uYW1lIjoiZXZlbnRzIn0="}`, []string{"GetRecords " + events + "/stream/label"}},
	} {
		tested[c.operation] = true
		needs, err := s.Needs(c.operation, []byte(c.body))
		if err != nil {
			t.Errorf("%s %s: %v", c.operation, c.body, err)
			continue
		}
		var got []string
		for _, n := range needs {
			line := strings.TrimPrefix(n.Action, "dynamodb:") + " " + n.Resource
			for _, k := range slices.Sorted(maps.Keys(n.Context)) {
				line += fmt.Sprintf(" %s=%v", strings.TrimPrefix(k, "dynamodb:"), n.Context[k])
			}
			got = append(got, line)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %s:\n got %q\nwant %q", c.operation, c.body, got, c.want)
		}
	}
	for name := range operations {
		if !tested[name] {
			t.Errorf("%s is served and not tested", name)
		}
	}

	for _, c := range []struct{ operation, body, want string }{
		{"ExecuteStatement", `{}`, "UnknownOperationException"},
		{"GetRecords", `{"ShardIterator":"%"}`, "ValidationException"},
		{"GetRecords", `{"ShardIterator":"e30="}`, "ValidationException"},
	} {
		if _, err := s.Needs(c.operation, []byte(c.body)); code(err) != c.want {
			t.Errorf("%s %s: %v; want %s", c.operation, c.body, err, c.want)
		}
	}
	if _, err := s.Needs("GetItem", []byte(`{"TableName":5}`)); err == nil {
		t.Error("a body of the wrong shape: no error")
	} else if !strings.Contains(err.Error(), "TableName is 5") {
		t.Errorf("a body of the wrong shape: %v", err)
	}
}
