package dynamodb

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

// The condition keys that needs carry. Others are found when a policy asks for
// them: see moreKeys.
const (
	keyLeading   = "dynamodb:LeadingKeys"
	keyEnclosing = "dynamodb:EnclosingOperation"
)

type needsFunc func(s *Service, body []byte) ([]iam.Need, error)

// Needs is what IAM must allow for a call. A call on several tables needs each;
// in a transaction each action needs its own permission, with
// dynamodb:EnclosingOperation. dynamodb:LeadingKeys holds the partition keys where
// the request names them.
func (s *Service) Needs(operation string, body []byte) ([]iam.Need, error) {
	op, ok := operations[operation]
	if !ok {
		return nil, gateway.UnknownOperation(operation)
	}
	needs, err := op.needs(s, body)
	for i := range needs {
		needs[i].More = s.moreKeys(operation, body, needs[i])
	}
	return needs, err
}

// collect gathers needs: one for each action and resource, whatever the number of
// items, because a hundred decisions about the same thing are one.
type collect struct {
	s     *Service
	needs []iam.Need
}

func (c *collect) add(action, table, enclosing string, keys ...string) {
	resource := c.s.tableARN(table)
	i := slices.IndexFunc(c.needs, func(n iam.Need) bool { return n.Action == action && n.Resource == resource })
	if i < 0 {
		i = len(c.needs)
		n := iam.Need{Action: action, Resource: resource}
		if enclosing != "" {
			n.Context = map[string][]string{keyEnclosing: {enclosing}}
		}
		c.needs = append(c.needs, n)
	}
	n := &c.needs[i]
	for _, k := range keys {
		if n.Context == nil {
			n.Context = map[string][]string{}
		}
		if !slices.Contains(n.Context[keyLeading], k) {
			n.Context[keyLeading] = append(n.Context[keyLeading], k)
		}
	}
}

// leading is the text of the item's partition key, none when the table or the
// attribute is not known. The engine will refuse such a request.
func (c *collect) leading(table string, item object) []string {
	partition := c.s.tables.partitionKey(tableName(table), "")
	if partition == "" {
		return nil
	}
	if text, ok := leadingText(item.get(partition)); ok {
		return []string{text}
	}
	return nil
}

// leadingText is how a key, as {"S":"text"}, stands in dynamodb:LeadingKeys: the
// string, the number's digits, the binary in base64.
func leadingText(value object) (string, bool) {
	for _, t := range []string{"S", "N", "B"} {
		if text, ok := value.text(t); ok {
			return text, true
		}
	}
	return "", false
}

func (c *collect) item(action, enclosing string, k keyed) {
	c.add("dynamodb:"+action, k.table, enclosing, c.leading(k.table, k.item)...)
}

func itemNeeds(action string) needsFunc {
	return func(s *Service, body []byte) ([]iam.Need, error) {
		in, err := parse(body)
		if err != nil {
			return nil, err
		}
		k, err := keyedOf(in)
		if err != nil {
			return nil, err
		}
		c := &collect{s: s}
		c.item(action, "", k)
		return c.needs, nil
	}
}

type query struct {
	TableName, IndexName      string
	KeyConditionExpression    string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]json.RawMessage
}

// target is the table, or the index: IAM asks for the index alone.
func (q *query) target(s *Service) string {
	if q.IndexName == "" {
		return q.TableName
	}
	return s.tableARN(q.TableName) + "/index/" + q.IndexName
}

func queryNeeds(s *Service, body []byte) ([]iam.Need, error) {
	var in query
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	c := &collect{s: s}
	partition := s.tables.partitionKey(tableName(in.TableName), in.IndexName)
	var keys []string
	if text, ok := in.partitionValue(partition); ok {
		keys = []string{text}
	}
	c.add("dynamodb:Query", in.target(s), "", keys...)
	return c.needs, nil
}

var equality = regexp.MustCompile(`(#?[A-Za-z_][A-Za-z0-9_.-]*|#[A-Za-z0-9_]+)\s*=\s*(:[A-Za-z0-9_]+)`)

// partitionValue finds the value that a key condition gives the partition key.
// The condition has the form "partition = :v [AND …]", so a search for the
// equality is enough.
func (q *query) partitionValue(partition string) (string, bool) {
	if partition == "" {
		return "", false
	}
	for _, m := range equality.FindAllStringSubmatch(q.KeyConditionExpression, -1) {
		name := m[1]
		if strings.HasPrefix(name, "#") {
			name = q.ExpressionAttributeNames[name]
		}
		if name == partition {
			return leadingText(object(q.ExpressionAttributeValues[m[2]]))
		}
	}
	return "", false
}

func scanNeeds(s *Service, body []byte) ([]iam.Need, error) {
	var in query
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	c := &collect{s: s}
	c.add("dynamodb:Scan", in.target(s), "")
	return c.needs, nil
}

func batchGetNeeds(s *Service, body []byte) ([]iam.Need, error) {
	var in struct {
		RequestItems map[string]struct{ Keys []json.RawMessage }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	c := &collect{s: s}
	for _, table := range slices.Sorted(maps.Keys(in.RequestItems)) {
		c.add("dynamodb:BatchGetItem", table, "")
		for _, k := range in.RequestItems[table].Keys {
			c.add("dynamodb:BatchGetItem", table, "", c.leading(table, object(k))...)
		}
	}
	return c.needs, nil
}

func batchWriteNeeds(s *Service, body []byte) ([]iam.Need, error) {
	var in struct {
		RequestItems map[string][]struct {
			PutRequest    struct{ Item json.RawMessage }
			DeleteRequest struct{ Key json.RawMessage }
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	c := &collect{s: s}
	for _, table := range slices.Sorted(maps.Keys(in.RequestItems)) {
		c.add("dynamodb:BatchWriteItem", table, "")
		for _, w := range in.RequestItems[table] {
			c.add("dynamodb:BatchWriteItem", table, "", append(c.leading(table, object(w.PutRequest.Item)), c.leading(table, object(w.DeleteRequest.Key))...)...)
		}
	}
	return c.needs, nil
}

func transactNeeds(enclosing string) needsFunc {
	return func(s *Service, body []byte) ([]iam.Need, error) {
		c := &collect{s: s}
		err := actions(body, func(name string, action object) error {
			k, err := keyedOf(action)
			if err == nil {
				c.item(permissions[name], enclosing, k)
			}
			return err
		})
		return c.needs, err
	}
}

func tableNeeds(action string) needsFunc {
	return func(s *Service, body []byte) ([]iam.Need, error) {
		var in struct{ TableName string }
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		return []iam.Need{{Action: "dynamodb:" + action, Resource: s.tableARN(in.TableName)}}, nil
	}
}

func resourceNeeds(action string) needsFunc {
	return func(_ *Service, body []byte) ([]iam.Need, error) {
		var in struct{ ResourceArn string }
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		return []iam.Need{{Action: "dynamodb:" + action, Resource: in.ResourceArn}}, nil
	}
}

func anyNeeds(action string) needsFunc {
	return func(*Service, []byte) ([]iam.Need, error) {
		return []iam.Need{{Action: "dynamodb:" + action, Resource: "*"}}, nil
	}
}

func listStreamsNeeds(s *Service, body []byte) ([]iam.Need, error) {
	var in struct{ TableName string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	resource := "*"
	if in.TableName != "" {
		resource = s.tableARN(in.TableName) + "/stream/*"
	}
	return []iam.Need{{Action: "dynamodb:ListStreams", Resource: resource}}, nil
}

func streamNeeds(action string) needsFunc {
	return func(s *Service, body []byte) ([]iam.Need, error) {
		var in struct{ StreamArn string }
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		return []iam.Need{{Action: "dynamodb:" + action, Resource: s.tables.streamARN(tableName(in.StreamArn))}}, nil
	}
}

func recordsNeeds(s *Service, body []byte) ([]iam.Need, error) {
	var in struct{ ShardIterator string }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	table, err := iteratorTable(in.ShardIterator)
	if err != nil {
		return nil, &gateway.Error{Code: "ValidationException", Message: "Invalid ShardIterator: " + err.Error()}
	}
	return []iam.Need{{Action: "dynamodb:GetRecords", Resource: s.tables.streamARN(table)}}, nil
}

// iteratorTable finds the table of a shard iterator. The engine's is base64 of
// JSON; DynamoDB's and DynamoDB Local's begin with the stream's ARN.
func iteratorTable(iterator string) (string, error) {
	if strings.HasPrefix(iterator, "arn:") {
		return tableName(iterator), nil
	}
	raw, err := base64.StdEncoding.DecodeString(iterator)
	if err != nil {
		return "", fmt.Errorf("it names no stream: %w", err)
	}
	var in struct {
		TableName string `json:"table_name"`
	}
	if err := json.Unmarshal(raw, &in); err != nil || in.TableName == "" {
		return "", fmt.Errorf("it names no stream")
	}
	return in.TableName, nil
}
