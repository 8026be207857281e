package dynamodb

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/local/iam"
)

// moreKeys gives a need the condition keys that few policies ask for. They are
// looked for in the body only when a policy does: reading every expression of
// every call would cost more than judging it.
//
// What a request leaves out is absent, but for dynamodb:Select of a Query or Scan:
// there DynamoDB's default counts.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
func (s *Service) moreKeys(operation string, body []byte, n iam.Need) func(string) ([]string, bool) {
	return func(key string) ([]string, bool) {
		switch key {
		case "dynamodb:attributes", "dynamodb:select", "dynamodb:returnvalues", "dynamodb:returnconsumedcapacity":
		default:
			return nil, false
		}
		var in map[string]any
		if json.Unmarshal(body, &in) != nil {
			return nil, false // Needs has told
		}
		var values []string
		switch key {
		case "dynamodb:attributes":
			for _, part := range s.partsOf(operation, in, n) {
				values = append(values, attributesOf(part)...)
			}
			slices.Sort(values)
			values = slices.Compact(values)
		case "dynamodb:select":
			values = selectOf(operation, in)
		case "dynamodb:returnvalues":
			values = text(in, "ReturnValues")
		case "dynamodb:returnconsumedcapacity":
			values = text(in, "ReturnConsumedCapacity")
		}
		return values, len(values) > 0
	}
}

func text(in map[string]any, name string) []string {
	if v, ok := in[name].(string); ok && v != "" {
		return []string{v}
	}
	return nil
}

func selectOf(operation string, in map[string]any) []string {
	if operation != "Query" && operation != "Scan" {
		return nil
	}
	switch {
	case text(in, "Select") != nil:
		return text(in, "Select")
	case in["ProjectionExpression"] != nil || in["AttributesToGet"] != nil:
		return []string{"SPECIFIC_ATTRIBUTES"}
	case in["IndexName"] != nil:
		return []string{"ALL_PROJECTED_ATTRIBUTES"}
	default:
		return []string{"ALL_ATTRIBUTES"}
	}
}

// partsOf are the parts of a request that a need stands for: all of it, or what a
// batch or transaction wants of the need's table.
func (s *Service) partsOf(operation string, in map[string]any, n iam.Need) []map[string]any {
	var parts []map[string]any
	add := func(v any) {
		if part, ok := v.(map[string]any); ok {
			parts = append(parts, part)
		}
	}
	switch operation {
	case "BatchGetItem", "BatchWriteItem":
		tables, _ := in["RequestItems"].(map[string]any)
		for table, wanted := range tables {
			if s.tableARN(table) != n.Resource {
				continue
			}
			add(wanted)
			if get, ok := wanted.(map[string]any); ok {
				keys, _ := get["Keys"].([]any)
				for _, key := range keys {
					parts = append(parts, map[string]any{"Key": key})
				}
			}
			writes, _ := wanted.([]any)
			for _, w := range writes {
				write, _ := w.(map[string]any)
				add(write["PutRequest"])
				add(write["DeleteRequest"])
			}
		}
	case "TransactGetItems", "TransactWriteItems":
		items, _ := in["TransactItems"].([]any)
		for _, item := range items {
			actions, _ := item.(map[string]any)
			for name, a := range actions {
				action, _ := a.(map[string]any)
				if table, _ := action["TableName"].(string); s.tableARN(table) == n.Resource && "dynamodb:"+permissions[name] == n.Action {
					add(a)
				}
			}
		}
	default:
		add(in)
	}
	return parts
}

// attributesOf lists the names of the attributes that a request names, the first
// of each path.
func attributesOf(part map[string]any) []string {
	var found []string
	for _, name := range []string{"Key", "Item", "Expected", "AttributeUpdates", "KeyConditions", "QueryFilter", "ScanFilter"} {
		if m, ok := part[name].(map[string]any); ok {
			found = slices.AppendSeq(found, maps.Keys(m))
		}
	}
	if list, ok := part["AttributesToGet"].([]any); ok {
		for _, v := range list {
			if name, ok := v.(string); ok {
				found = append(found, name)
			}
		}
	}
	names, _ := part["ExpressionAttributeNames"].(map[string]any)
	for _, name := range []string{"ProjectionExpression", "KeyConditionExpression", "FilterExpression", "ConditionExpression", "UpdateExpression"} {
		expression, _ := part[name].(string)
		for _, m := range pathInExpression.FindAllStringSubmatch(expression, -1) {
			top, function := m[1], m[2] != ""
			switch {
			case function || top[0] == ':' || slices.Contains(keywords[:], strings.ToUpper(top)):
			case top[0] != '#':
				found = append(found, top)
			default:
				if real, ok := names[top].(string); ok {
					found = append(found, real)
				}
			}
		}
	}
	return found
}

// pathInExpression finds a document path, a value or a function: the first part,
// and the parenthesis that follows a function's name.
var pathInExpression = regexp.MustCompile(`([:#]?[A-Za-z_][A-Za-z0-9_]*|#[A-Za-z0-9_]+|:[A-Za-z0-9_]+)(?:\.[#A-Za-z0-9_]+|\[[0-9]+\])*\s*(\()?`)

// keywords are of expressions. They are reserved: no attribute is written so.
var keywords = [...]string{"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"}
