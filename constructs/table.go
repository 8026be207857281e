package constructs

import (
	"cmp"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/constructs/internal/rulepack"
	"github.com/vinci-go/vinci/orm"
)

// TableProps says which table to make.
type TableProps struct {
	Deployment *Deployment    // required
	Definition orm.Definition // required; without errors
}

// Table is a DynamoDB table made from its definition, with an alarm on throttled
// requests. What [orm.Settings] leave open is: on demand, point-in-time recovery
// over 35 days, deletion protection, and data that neither deleting the stack nor
// replacing the table deletes. In an ephemeral deployment there is nothing of
// this, whatever the settings say: the table goes with its stack.
//
// It is an AWS::DynamoDB::GlobalTable with one replica, because a table of the
// older resource type cannot get a second one later without a migration:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-globaltable.html
type Table struct {
	cdk.Construct
	Resource awsdynamodb.CfnGlobalTable
	Alarms   []awscloudwatch.CfnAlarm // on throttles; one, or several where it has more than four global indexes
}

// NewTable makes a table. Its physical name is computed from the deployment.
func NewTable(scope cdk.Construct, id string, props *TableProps) *Table {
	t := &Table{Construct: cdk.NewConstruct(scope, &id)}
	s, d := props.Definition.Schema(), props.Deployment
	must("table "+s.Name, props.Definition.Err())

	p := &awsdynamodb.CfnGlobalTableProps{
		TableName:            jsii.String(d.TableName(props.Definition)),
		AttributeDefinitions: keyAttributes(s),
		KeySchema:            keySchema(s.Hash, s.Sort),
	}
	replica := &awsdynamodb.CfnGlobalTable_ReplicaSpecificationProperty{
		Region:                           awscdk.Aws_REGION(),
		PointInTimeRecoverySpecification: recovery(s.Settings, d.settings.Ephemeral),
		DeletionProtectionEnabled:        jsii.Bool(protected(s.Settings, d.settings.Ephemeral)),
		Tags:                             tags(s.Settings.Tags),
	}
	setIndexes(p, replica, s, d.settings.Ephemeral)
	setThroughput(p, replica, s.Settings, d.settings.Ephemeral)
	p.Replicas = []any{replica}
	if attribute := cmp.Or(s.TTL, s.Settings.TTLOff); attribute != "" {
		p.TimeToLiveSpecification = &awsdynamodb.CfnGlobalTable_TimeToLiveSpecificationProperty{
			AttributeName: jsii.String(attribute), Enabled: jsii.Bool(s.TTL != ""),
		}
	}
	if s.Stream {
		p.StreamSpecification = &awsdynamodb.CfnGlobalTable_StreamSpecificationProperty{
			StreamViewType: jsii.String("NEW_AND_OLD_IMAGES"),
		}
	}
	t.Resource = awsdynamodb.NewCfnGlobalTable(t.Construct, jsii.String("Resource"), p)
	policy := awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	if d.settings.Ephemeral || s.Settings.DeleteData != "" {
		policy = awscdk.RemovalPolicy_DESTROY
	}
	t.Resource.ApplyRemovalPolicy(policy, nil)
	if !d.settings.Ephemeral {
		accept(t.Resource, unprotected(s.Settings)...)
	}
	if s.Settings.NoThrottleAlarm == "" {
		t.Alarms = d.throttleAlarms(t.Construct, d.TableName(props.Definition), s)
	}
	return t
}

// unprotected are the reasons that a definition has for doing without.
func unprotected(s orm.Settings) []acceptance {
	var all []acceptance
	for _, x := range [...]struct{ rule, reason string }{
		{rulepack.TableRecovery, s.NoRecovery}, {rulepack.TableProtection, s.NoProtection}, {rulepack.TableRetain, s.DeleteData},
	} {
		if x.reason != "" {
			all = append(all, acceptance{rule: x.rule, reason: x.reason})
		}
	}
	return all
}

func protected(s orm.Settings, ephemeral bool) bool { return !ephemeral && s.NoProtection == "" }

func recovery(s orm.Settings, ephemeral bool) *awsdynamodb.CfnGlobalTable_PointInTimeRecoverySpecificationProperty {
	p := &awsdynamodb.CfnGlobalTable_PointInTimeRecoverySpecificationProperty{
		PointInTimeRecoveryEnabled: jsii.Bool(!ephemeral && s.NoRecovery == ""),
	}
	if *p.PointInTimeRecoveryEnabled.(*bool) {
		p.RecoveryPeriodInDays = jsii.Number(orInt(s.RecoveryDays, orm.DefaultRecoveryDays))
	}
	return p
}

// tags in the order of their keys; nil for none.
func tags(all map[string]string) *[]*awscdk.CfnTag {
	if len(all) == 0 {
		return nil
	}
	var list []*awscdk.CfnTag
	for _, key := range slices.Sorted(maps.Keys(all)) {
		list = append(list, &awscdk.CfnTag{Key: jsii.String(key), Value: jsii.String(all[key])})
	}
	return &list
}

// setIndexes gives the table its indexes, in the order of the definition, which
// is that of their names.
func setIndexes(p *awsdynamodb.CfnGlobalTableProps, replica *awsdynamodb.CfnGlobalTable_ReplicaSpecificationProperty, s *orm.Schema, ephemeral bool) {
	var global, local, replicated []any
	for _, index := range s.Indexes {
		if index.Local {
			local = append(local, &awsdynamodb.CfnGlobalTable_LocalSecondaryIndexProperty{
				IndexName: jsii.String(index.Name), KeySchema: keySchema(index.Hash, index.Sort), Projection: projection(index),
			})
			continue
		}
		g := &awsdynamodb.CfnGlobalTable_GlobalSecondaryIndexProperty{
			IndexName: jsii.String(index.Name), KeySchema: keySchema(index.Hash, index.Sort), Projection: projection(index),
		}
		global = append(global, g)
		if r := setIndexThroughput(g, s.Settings.OfIndex(index.Name), ephemeral); r != nil {
			replicated = append(replicated, r)
		}
	}
	if len(global) > 0 {
		p.GlobalSecondaryIndexes = global
	}
	if len(local) > 0 {
		p.LocalSecondaryIndexes = local
	}
	if len(replicated) > 0 {
		replica.GlobalSecondaryIndexes = replicated
	}
}

// projection has the included attributes sorted: they are a set, and another
// order in the definition must not look like a change of the index.
func projection(index orm.IndexSchema) *awsdynamodb.CfnGlobalTable_ProjectionProperty {
	p := &awsdynamodb.CfnGlobalTable_ProjectionProperty{ProjectionType: jsii.String(index.Projection)}
	if len(index.Include) > 0 {
		p.NonKeyAttributes = jsii.Strings(slices.Sorted(slices.Values(index.Include))...)
	}
	return p
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
