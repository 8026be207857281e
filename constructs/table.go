package constructs

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/orm"
)

// TableProps says which table to make.
type TableProps struct {
	Deployment *Deployment    // required
	Definition orm.Definition // required; without errors
}

// Table is a DynamoDB table made from its definition: on demand, with TTL,
// stream and indexes as defined. In a deployment that is not ephemeral it has
// point-in-time recovery (35 days) and deletion protection, and neither deleting
// the stack nor replacing the table deletes the data.
//
// It is an AWS::DynamoDB::GlobalTable with one replica, because a table of the
// older resource type cannot get a second one later without a migration:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-globaltable.html
type Table struct {
	cdk.Construct
	Resource awsdynamodb.CfnGlobalTable
}

// NewTable makes a table. Its physical name is computed from the deployment.
func NewTable(scope cdk.Construct, id string, props *TableProps) *Table {
	t := &Table{Construct: cdk.NewConstruct(scope, &id)}
	s, d := props.Definition.Schema(), props.Deployment
	must("table "+s.Name, props.Definition.Err())

	replica := &awsdynamodb.CfnGlobalTable_ReplicaSpecificationProperty{
		Region: awscdk.Aws_REGION(),
		PointInTimeRecoverySpecification: &awsdynamodb.CfnGlobalTable_PointInTimeRecoverySpecificationProperty{
			PointInTimeRecoveryEnabled: jsii.Bool(!d.ephemeral),
		},
		DeletionProtectionEnabled: jsii.Bool(!d.ephemeral),
	}
	p := &awsdynamodb.CfnGlobalTableProps{
		TableName:            jsii.String(d.TableName(props.Definition)),
		BillingMode:          jsii.String("PAY_PER_REQUEST"),
		AttributeDefinitions: keyAttributes(s),
		KeySchema:            keySchema(s.Hash, s.Sort),
		Replicas:             []any{replica},
	}
	var global, local []any
	for _, index := range s.Indexes {
		projection := &awsdynamodb.CfnGlobalTable_ProjectionProperty{ProjectionType: jsii.String(index.Projection)}
		if len(index.Include) > 0 {
			projection.NonKeyAttributes = jsii.Strings(index.Include...)
		}
		if index.Local {
			local = append(local, &awsdynamodb.CfnGlobalTable_LocalSecondaryIndexProperty{
				IndexName: jsii.String(index.Name), KeySchema: keySchema(index.Hash, index.Sort), Projection: projection,
			})
		} else {
			global = append(global, &awsdynamodb.CfnGlobalTable_GlobalSecondaryIndexProperty{
				IndexName: jsii.String(index.Name), KeySchema: keySchema(index.Hash, index.Sort), Projection: projection,
			})
		}
	}
	if len(global) > 0 {
		p.GlobalSecondaryIndexes = global
	}
	if len(local) > 0 {
		p.LocalSecondaryIndexes = local
	}
	if s.TTL != "" {
		p.TimeToLiveSpecification = &awsdynamodb.CfnGlobalTable_TimeToLiveSpecificationProperty{
			AttributeName: jsii.String(s.TTL), Enabled: jsii.Bool(true),
		}
	}
	if s.Stream {
		p.StreamSpecification = &awsdynamodb.CfnGlobalTable_StreamSpecificationProperty{
			StreamViewType: jsii.String("NEW_AND_OLD_IMAGES"),
		}
	}
	t.Resource = awsdynamodb.NewCfnGlobalTable(t.Construct, jsii.String("Resource"), p)
	policy := awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	if d.ephemeral {
		policy = awscdk.RemovalPolicy_DESTROY
	}
	t.Resource.ApplyRemovalPolicy(policy, nil)
	return t
}

// StreamARN is the ARN of the table's stream. It holds the time at which the
// stream was made and cannot be computed: use it in the table's own stack.
func (t *Table) StreamARN() string { return *t.Resource.AttrStreamArn() }

// keyAttributes lists the attributes that are part of a key, sorted: DynamoDB
// refuses a definition of any other.
func keyAttributes(s *orm.Schema) []any {
	used := []string{s.Hash, s.Sort}
	for _, index := range s.Indexes {
		used = append(used, index.Hash, index.Sort)
	}
	slices.Sort(used)
	var all []any
	for _, name := range slices.Compact(used) {
		if a, ok := s.Attribute(name); ok {
			all = append(all, &awsdynamodb.CfnGlobalTable_AttributeDefinitionProperty{
				AttributeName: jsii.String(name), AttributeType: jsii.String(a.Type),
			})
		}
	}
	return all
}

func keySchema(hash, sort string) []any {
	keys := []any{&awsdynamodb.CfnGlobalTable_KeySchemaProperty{AttributeName: jsii.String(hash), KeyType: jsii.String("HASH")}}
	if sort != "" {
		keys = append(keys, &awsdynamodb.CfnGlobalTable_KeySchemaProperty{AttributeName: jsii.String(sort), KeyType: jsii.String("RANGE")})
	}
	return keys
}
