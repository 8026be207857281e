// Package tablelock keeps what of an application's tables CloudFormation cannot
// change at will: keys, indexes, expiry, stream and warm throughput. It is written to
// tables.lock.json, which is committed, and says what was last agreed. A
// synthesis compares the definitions with it and refuses, with the steps to take,
// what one deployment cannot do: such a change otherwise fails in the middle of a
// deployment, or waits there.
//
// [Of] makes a lock from definitions, [FromTemplate] from what is deployed;
// [Compare] says what lies between two of them.
//
// The rules are those of AWS::DynamoDB::GlobalTable and of UpdateTable:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-globaltable.html
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
package tablelock
