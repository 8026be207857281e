package dynamodb

import (
	"encoding/json"
	"slices"
)

// operation is what the gateway must know of one of DynamoDB's operations.
type operation struct {
	// needs lists what IAM must allow.
	needs needsFunc
	// writes lists the tables (names or ARNs) whose items it may change; nil when it
	// reads only.
	writes func(body []byte) ([]string, error)
	// schema is set when it may change a table's keys or stream.
	schema bool
}

// operations are those that a role may call. Others (backups, exports, global
// tables, PartiQL) are unknown to a role here; the owner's go to the engine, which
// answers for itself.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
var operations = map[string]operation{
	"GetItem":    {needs: itemNeeds("GetItem")},
	"PutItem":    {needs: itemNeeds("PutItem"), writes: oneTable},
	"UpdateItem": {needs: itemNeeds("UpdateItem"), writes: oneTable},
	"DeleteItem": {needs: itemNeeds("DeleteItem"), writes: oneTable},
	"Query":      {needs: queryNeeds},
	"Scan":       {needs: scanNeeds},

	"BatchGetItem":       {needs: batchGetNeeds},
	"BatchWriteItem":     {needs: batchWriteNeeds, writes: batchTables},
	"TransactGetItems":   {needs: transactNeeds("TransactGetItems")},
	"TransactWriteItems": {needs: transactNeeds("TransactWriteItems"), writes: transactTables},

	"CreateTable":               {needs: tableNeeds("CreateTable"), schema: true},
	"UpdateTable":               {needs: tableNeeds("UpdateTable"), schema: true},
	"DeleteTable":               {needs: tableNeeds("DeleteTable"), schema: true},
	"DescribeTable":             {needs: tableNeeds("DescribeTable")},
	"DescribeTimeToLive":        {needs: tableNeeds("DescribeTimeToLive")},
	"UpdateTimeToLive":          {needs: tableNeeds("UpdateTimeToLive")},
	"DescribeContinuousBackups": {needs: tableNeeds("DescribeContinuousBackups")},
	"TagResource":               {needs: resourceNeeds("TagResource")},
	"UntagResource":             {needs: resourceNeeds("UntagResource")},
	"ListTagsOfResource":        {needs: resourceNeeds("ListTagsOfResource")},
	"ListTables":                {needs: anyNeeds("ListTables")},
	"DescribeLimits":            {needs: anyNeeds("DescribeLimits")},
	"DescribeEndpoints":         {needs: anyNeeds("DescribeEndpoints")},

	"ListStreams":      {needs: listStreamsNeeds},
	"DescribeStream":   {needs: streamNeeds("DescribeStream")},
	"GetShardIterator": {needs: streamNeeds("GetShardIterator")},
	"GetRecords":       {needs: recordsNeeds},
}

// keyed is what an item request says of the item: its table, and its key, alone
// or as part of the item.
type keyed struct {
	table string
	item  object // has the key's attributes
}

// keyedOf reads it from a request, or from an action of a transaction.
func keyedOf(o object) (keyed, error) {
	table, err := o.name("TableName")
	if err != nil {
		return keyed{}, err
	}
	item := o.get("Key")
	if item == nil {
		item = o.get("Item")
	}
	return keyed{table, item}, nil
}

// permissions are those that the actions of a transaction need: each needs that
// of the call it stands for.
var permissions = map[string]string{
	"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem", "Get": "GetItem",
}

// actions calls f with each action of a transaction: its name, as "Put", and
// what it says. An element that has no action is for the engine to refuse.
func actions(body []byte, f func(name string, action object) error) error {
	in, err := parse(body)
	if err != nil {
		return err
	}
	in.get("TransactItems").elements(func(item []byte) {
		object(item).members(func(name, action []byte) {
			if _, known := permissions[string(name)]; known && string(action) != "null" && err == nil {
				err = f(string(name), action)
			}
		})
	})
	return err
}

func oneTable(body []byte) ([]string, error) {
	in, err := parse(body)
	if err != nil {
		return nil, err
	}
	table, err := in.name("TableName")
	return []string{table}, err
}

func batchTables(body []byte) ([]string, error) {
	var in struct{ RequestItems map[string]json.RawMessage }
	err := json.Unmarshal(body, &in)
	var tables []string
	for t := range in.RequestItems {
		tables = append(tables, t)
	}
	return tables, err
}

func transactTables(body []byte) ([]string, error) {
	var tables []string
	err := actions(body, func(name string, action object) error {
		if name == "ConditionCheck" || name == "Get" {
			return nil
		}
		table, err := action.name("TableName")
		if err == nil && !slices.Contains(tables, table) {
			tables = append(tables, table)
		}
		return err
	})
	return tables, err
}
