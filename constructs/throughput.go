package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/orm"
)

// setThroughput says how the table is billed. In a global table what is written
// is the same in every region and what is read is each region's own: so writes
// are set on the table and reads on the replica.
func setThroughput(p *awsdynamodb.CfnGlobalTableProps, replica *awsdynamodb.CfnGlobalTable_ReplicaSpecificationProperty, s orm.Settings, ephemeral bool) {
	p.BillingMode = jsii.String("PAY_PER_REQUEST")
	if s.Provisioned != nil {
		p.BillingMode = jsii.String("PROVISIONED")
		p.WriteProvisionedThroughputSettings = provisionedWrite(s.Provisioned)
		replica.ReadProvisionedThroughputSettings = provisionedRead(s.Provisioned)
	}
	if s.Maximum.Write > 0 {
		p.WriteOnDemandThroughputSettings = maximumWrite(s.Maximum)
	}
	if s.Maximum.Read > 0 {
		replica.ReadOnDemandThroughputSettings = maximumRead(s.Maximum)
	}
	if w := warm(s.Warm, ephemeral); w != nil {
		p.WarmThroughput = w
	}
}

// setIndexThroughput does it for a global index, and returns what the replica
// says of that index; nil for nothing.
func setIndexThroughput(g *awsdynamodb.CfnGlobalTable_GlobalSecondaryIndexProperty, s orm.IndexSettings, ephemeral bool) *awsdynamodb.CfnGlobalTable_ReplicaGlobalSecondaryIndexSpecificationProperty {
	r := &awsdynamodb.CfnGlobalTable_ReplicaGlobalSecondaryIndexSpecificationProperty{IndexName: g.IndexName}
	said := false
	if s.Provisioned != nil {
		g.WriteProvisionedThroughputSettings = provisionedWrite(s.Provisioned)
		r.ReadProvisionedThroughputSettings = provisionedRead(s.Provisioned)
		said = true
	}
	if s.Maximum.Write > 0 {
		g.WriteOnDemandThroughputSettings = maximumWrite(s.Maximum)
	}
	if s.Maximum.Read > 0 {
		r.ReadOnDemandThroughputSettings = maximumRead(s.Maximum)
		said = true
	}
	if w := warm(s.Warm, ephemeral); w != nil {
		g.WarmThroughput = w
	}
	if !said {
		return nil
	}
	return r
}

func provisionedWrite(p *orm.Provisioned) *awsdynamodb.CfnGlobalTable_WriteProvisionedThroughputSettingsProperty {
	return &awsdynamodb.CfnGlobalTable_WriteProvisionedThroughputSettingsProperty{WriteCapacityAutoScalingSettings: scaling(p.Write)}
}

func provisionedRead(p *orm.Provisioned) *awsdynamodb.CfnGlobalTable_ReadProvisionedThroughputSettingsProperty {
	return &awsdynamodb.CfnGlobalTable_ReadProvisionedThroughputSettingsProperty{ReadCapacityAutoScalingSettings: scaling(p.Read)}
}

// scaling has a seed, which CloudFormation wants of a table that changes from on
// demand to provisioned, or back: without one neither the change nor its rollback
// succeeds.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-dynamodb-globaltable-capacityautoscalingsettings.html
func scaling(s orm.Scaling) *awsdynamodb.CfnGlobalTable_CapacityAutoScalingSettingsProperty {
	return &awsdynamodb.CfnGlobalTable_CapacityAutoScalingSettingsProperty{
		MinCapacity:  jsii.Number(s.Min),
		MaxCapacity:  jsii.Number(s.Max),
		SeedCapacity: jsii.Number(s.Min),
		TargetTrackingScalingPolicyConfiguration: &awsdynamodb.CfnGlobalTable_TargetTrackingScalingPolicyConfigurationProperty{
			TargetValue: jsii.Number(orInt(s.Target, orm.DefaultTarget)),
		},
	}
}

func maximumWrite(t orm.Throughput) *awsdynamodb.CfnGlobalTable_WriteOnDemandThroughputSettingsProperty {
	return &awsdynamodb.CfnGlobalTable_WriteOnDemandThroughputSettingsProperty{MaxWriteRequestUnits: jsii.Number(t.Write)}
}

func maximumRead(t orm.Throughput) *awsdynamodb.CfnGlobalTable_ReadOnDemandThroughputSettingsProperty {
	return &awsdynamodb.CfnGlobalTable_ReadOnDemandThroughputSettingsProperty{MaxReadRequestUnits: jsii.Number(t.Read)}
}

// warm is nil where nothing is said, and in an ephemeral deployment, which would
// pay for it each time it is made.
func warm(t orm.Throughput, ephemeral bool) *awsdynamodb.CfnGlobalTable_WarmThroughputProperty {
	if ephemeral || t == (orm.Throughput{}) {
		return nil
	}
	w := &awsdynamodb.CfnGlobalTable_WarmThroughputProperty{}
	if t.Read > 0 {
		w.ReadUnitsPerSecond = jsii.Number(t.Read)
	}
	if t.Write > 0 {
		w.WriteUnitsPerSecond = jsii.Number(t.Write)
	}
	return w
}
