package ormtest_test

import (
	"testing"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// Where the behaviour of DynamoDB is known from.
const (
	updates    = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html"
	updateItem = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html"
	operators  = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html"
	localIndex = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html"
	quotas     = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html"
	conditions = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html"
	alternator = "measured by ScyllaDB, test/alternator/"
)

// engineDifferences are where dynoxide 1.2.1 is not as DynamoDB is.
var engineDifferences = []ormtest.Difference{
	{"update/delete from numbers", "it deletes numbers by their text: 1.0 is not 1. " + updates},
	{"update/set an element beyond the end", "it fills the list up with nulls; DynamoDB adds the element to the end. " + updates},
	{"update/set elements beyond the end", "it fills the list up with nulls; DynamoDB adds the elements to the end, in order. " + updates},
	{"update/remove several elements", "it removes one after the other, so that the second position is another element's; " + alternator + "test_update_expression.py"},

	{"refused update/add within a map", "it does it, as DynamoDB is said to; Amazon says that ADD is for top-level attributes, so nobody may count on it. " + updateItem},
	{"refused update/delete within a map", "it does it; Amazon says that DELETE is for top-level attributes. " + updateItem},
	{"refused update/set within an element beyond the end", "it makes the element; the path has no parent. " + updates},
	{"refused update/remove within an absent map", "it does nothing; " + alternator + "test_update_expression.py: test_nested_attribute_update_bad_path_dot"},
	{"refused update/remove within an absent list", "it does nothing; " + alternator + "test_update_expression.py: test_nested_attribute_update_bad_path_array"},
	{"refused update/remove within text", "it does nothing; " + alternator + "test_update_expression.py: test_nested_attribute_update_bad_path_dot"},
	{"refused update/remove an element of text", "it does nothing; " + alternator + "test_update_expression.py: test_nested_attribute_update_bad_path_array"},
	{"refused update/remove an entry of a list", "it does nothing; " + alternator + "test_update_expression.py: test_nested_attribute_update_bad_path_dot"},
	{"refused update/remove two levels that are absent", "it does nothing; " + alternator + "test_update_expression.py: test_nested_attribute_update_bad_path_dot"},

	{"refused condition/list by order", "it fails; " + alternator + "test_condition_expression.py: test_update_condition_lt"},
	{"refused condition/boolean by order", "it fails; " + alternator + "test_condition_expression.py: test_update_condition_ge"},
	{"refused condition/set by order", "it fails; " + alternator + "test_condition_expression.py: test_update_condition_gt"},
	{"refused condition/between maps", "it fails; " + alternator + "test_condition_expression.py"},
	{"refused condition/101 values", "it evaluates it; DynamoDB takes 100. " + operators},
	{"refused condition/33 levels", "it evaluates it; DynamoDB takes 32. " + quotas},
	{"refused condition/and of a refused one", "it fails; " + alternator + "test_condition_expression.py"},
	{"refused filter/list by order", "it filters; " + alternator + "test_filter_expression.py: test_filter_expression_validation_without_results"},
	{"refused filter/boolean by order", "it filters; as above"},
	{"refused filter/set by order", "it filters; as above"},
	{"refused filter/between maps", "it filters; as above"},
	{"refused filter/between types", "it filters; as above"},
	{"refused filter/between the wrong way", "it filters; " + alternator + "test_filter_expression.py: test_filter_expression_num_between_reverse"},
	{"refused filter/101 values", "it filters; DynamoDB takes 100. " + operators},
	{"refused filter/33 levels", "it filters; DynamoDB takes 32. " + quotas},
	{"refused filter/and of a refused one", "it filters; as above"},

	{"refused query/partition of another type", "it finds nothing; " + alternator + "test_key_condition_expression.py: test_key_condition_expression_wrong_type"},
	{"refused query/an empty partition key", "it finds nothing; a key is never empty. " + quotas},
	{"refused query/bound of another type", "it finds nothing; " + alternator + "test_key_condition_expression.py: test_key_condition_expression_wrong_type"},
	{"refused query/prefix of a number", "it finds nothing; " + conditions},
	{"refused query/prefix of another type", "it finds nothing; " + conditions},
	{"refused query/start in another partition", "it reads on from there; " + alternator + "test_query.py: test_query_exclusivestartkey_wrong_partition"},
	{"refused scan/start in another segment", "it reads on from there; " + alternator + "test_scan.py: test_scan_parallel_with_exclusive_start_key"},

	{"scan index/attributes that a local index fetches", "it returns what the index holds; DynamoDB reads the rest from the table. " + localIndex},
	{"select of a query/attributes that a local index fetches", "it returns what the index holds; DynamoDB reads the rest from the table. " + localIndex},
	{"select of a transactional get/some", "it adds the key, which no other read does. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Get.html"},
	{"select of a transactional get/a key", "it adds the whole key; as above"},
	{"select of a transactional get/reserved and odd names", "it adds the key; as above"},
	{"select of a transactional get/one twice", "it adds the key; as above"},
	{"select of a transactional get/one that is absent", "it adds the key; as above"},
	{"refused transact get/more than 4 MB", "it answers. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html"},
	{"capacity/get of some attributes costs the whole", "it counts what it returns. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html"},
}

func TestEngineConformance(t *testing.T) {
	e := ormtest.StartEngine(t)
	ormtest.Conformance(t, func(t *testing.T, tables ...orm.Definition) orm.Store { return e.Store(t, tables...) }, engineDifferences...)
}
