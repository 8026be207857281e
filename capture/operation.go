package capture

import "encoding/json"

// Operation is what was done to an item, as DynamoDB names it.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
type Operation string

// The operations.
const (
	Insert Operation = "INSERT" // there was no item of this key before
	Modify Operation = "MODIFY" // the item was changed; a write that changes nothing makes no record
	Remove Operation = "REMOVE" // the item was deleted, or expired
)

var all = []Operation{Insert, Modify, Remove}

// Filters are the patterns by which the event source mapping lets only the wanted
// operations through, nil when all are wanted. Of several, one must match.
//
// They go by the record's eventName, as the samples of AWS's own CDK do. (The page on
// filters names the record's part "dynamodb" alone; that of the time to live filters
// by another part as well. Should Lambda refuse the pattern, it does so when the
// mapping is made: a filter by which of the images is there could lose changes in
// silence.)
//
// https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_lambda.FilterRule.html
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
func (d *Definition) Filters() []string {
	if len(d.Operations) == len(all) {
		return nil
	}
	b, err := json.Marshal(map[string][]Operation{"eventName": d.Operations})
	if err != nil {
		panic(err) // texts always marshal
	}
	return []string{string(b)}
}
