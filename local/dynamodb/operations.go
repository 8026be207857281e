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

// attributeValue is a value as the wire has it, {"S":"text"}.
type attributeValue map[string]json.RawMessage

type attributes map[string]attributeValue

// key is the part of an item request that names the item.
type keyed struct {
	TableName string
	Key       attributes
	Item      attributes
}

// transactItem is one action of a transaction: one of its fields is set.
type transactItem struct {
	Put, Update, Delete, ConditionCheck, Get *keyed
}

type transaction struct{ TransactItems []transactItem }

// action is the set field and the permission it needs: in a transaction each
// action needs the permission of the call that it stands for.
func (i *transactItem) action() (string, *keyed) {
	switch {
	case i.Put != nil:
		return "PutItem", i.Put
	case i.Update != nil:
		return "UpdateItem", i.Update
	case i.Delete != nil:
		return "DeleteItem", i.Delete
	case i.ConditionCheck != nil:
		return "ConditionCheckItem", i.ConditionCheck
	case i.Get != nil:
		return "GetItem", i.Get
	default:
		return "", nil
	}
}

func oneTable(body []byte) ([]string, error) {
	var in struct{ TableName string }
	err := json.Unmarshal(body, &in)
	return []string{in.TableName}, err
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
	type target struct{ TableName string }
	var in struct {
		TransactItems []struct{ Put, Update, Delete *target }
	}
	err := json.Unmarshal(body, &in)
	var tables []string
	for _, i := range in.TransactItems {
		for _, t := range []*target{i.Put, i.Update, i.Delete} {
			if t != nil && !slices.Contains(tables, t.TableName) {
				tables = append(tables, t.TableName)
			}
		}
	}
	return tables, err
}
