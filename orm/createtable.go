package orm

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// CreateTableInput is the request that makes a table of this definition, on
// demand, with its keys, indexes and stream. It is for local engines and tests:
// deployed tables are CloudFormation's. Expiry (TTL) takes a request of its own,
// UpdateTimeToLive.
func CreateTableInput(s *Schema, physicalName string) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName:   aws.String(physicalName),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   keySchema(s.Hash, s.Sort),
	}
	keys := map[string]bool{s.Hash: true, s.Sort: true}
	for _, x := range s.Indexes {
		keys[x.Hash], keys[x.Sort] = true, true
		projection := &types.Projection{ProjectionType: types.ProjectionType(x.Projection), NonKeyAttributes: x.Include}
		if x.Local {
			in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes, types.LocalSecondaryIndex{
				IndexName: aws.String(x.Name), KeySchema: keySchema(x.Hash, x.Sort), Projection: projection})
		} else {
			in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
				IndexName: aws.String(x.Name), KeySchema: keySchema(x.Hash, x.Sort), Projection: projection})
		}
	}
	for _, a := range s.Attributes {
		if keys[a.Name] {
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
				AttributeName: aws.String(a.Name), AttributeType: types.ScalarAttributeType(a.Type)})
		}
	}
	if s.Stream {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages}
	}
	return in
}

func keySchema(hash, sort string) []types.KeySchemaElement {
	out := []types.KeySchemaElement{{AttributeName: aws.String(hash), KeyType: types.KeyTypeHash}}
	if sort != "" {
		out = append(out, types.KeySchemaElement{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange})
	}
	return out
}
