package local

import (
	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/dynamodb"
)

type table struct {
	resource *assembly.Resource
	config   dynamodb.TableConfig
}

// The properties that both kinds of table have.
type (
	attributeDefinition struct {
		AttributeName string `cfn:",required"`
		AttributeType string `cfn:",required"`
	}
	keyElement struct {
		AttributeName string `cfn:",required"`
		KeyType       string `cfn:",required"`
	}
	tableIndex struct {
		IndexName  string       `cfn:",required"`
		KeySchema  []keyElement `cfn:",required"`
		Projection struct {
			ProjectionType   string
			NonKeyAttributes []string
		} `cfn:",required"`
		ContributorInsightsSpecification   noEffect `why:"it is for AWS's metrics"`
		OnDemandThroughput                 noEffect `why:"throughput is not limited here"`
		ProvisionedThroughput              noEffect `why:"throughput is not limited here"`
		ReadOnDemandThroughputSettings     noEffect `why:"throughput is not limited here"`
		ReadProvisionedThroughputSettings  noEffect `why:"throughput is not limited here"`
		WriteOnDemandThroughputSettings    noEffect `why:"throughput is not limited here"`
		WriteProvisionedThroughputSettings noEffect `why:"throughput is not limited here"`
		WarmThroughput                     noEffect `why:"throughput is not limited here"`
	}
	streamSpecification struct {
		StreamViewType string `cfn:",required"`
	}
	timeToLive struct {
		AttributeName string
		Enabled       bool `cfn:",required"`
	}
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-globaltable.html
type globalTableProperties struct {
	AttributeDefinitions    []attributeDefinition
	GlobalSecondaryIndexes  []tableIndex
	KeySchema               []keyElement `cfn:",required"`
	LocalSecondaryIndexes   []tableIndex
	Replicas                []replica `cfn:",required"`
	StreamSpecification     *streamSpecification
	TableName               label // the assembly has read it
	TimeToLiveSpecification *timeToLive

	BillingMode                        noEffect `why:"nothing is billed here"`
	ReadOnDemandThroughputSettings     noEffect `why:"throughput is not limited here"`
	ReadProvisionedThroughputSettings  noEffect `why:"throughput is not limited here"`
	SSESpecification                   noEffect `why:"the database file is not encrypted"`
	WarmThroughput                     noEffect `why:"throughput is not limited here"`
	WriteOnDemandThroughputSettings    noEffect `why:"throughput is not limited here"`
	WriteProvisionedThroughputSettings noEffect `why:"throughput is not limited here"`
}

type replica struct {
	Region string `cfn:",required"`
	// What an index of the table has besides its key, in this region.
	GlobalSecondaryIndexes []struct {
		IndexName                         string   `cfn:",required"`
		ContributorInsightsSpecification  noEffect `why:"it is for AWS's metrics"`
		ReadOnDemandThroughputSettings    noEffect `why:"throughput is not limited here"`
		ReadProvisionedThroughputSettings noEffect `why:"throughput is not limited here"`
	}
	Tags label

	ContributorInsightsSpecification  noEffect `why:"it is for AWS's metrics"`
	DeletionProtectionEnabled         noEffect `why:"the data folder is this machine's: tables are never deleted, only the folder is"`
	PointInTimeRecoverySpecification  noEffect `why:"there are no backups here"`
	ReadOnDemandThroughputSettings    noEffect `why:"throughput is not limited here"`
	ReadProvisionedThroughputSettings noEffect `why:"throughput is not limited here"`
	SSESpecification                  noEffect `why:"the database file is not encrypted"`
	TableClass                        noEffect `why:"nothing is billed here"`
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
type tableProperties struct {
	AttributeDefinitions    []attributeDefinition
	GlobalSecondaryIndexes  []tableIndex
	KeySchema               []keyElement `cfn:",required"`
	LocalSecondaryIndexes   []tableIndex
	StreamSpecification     *streamSpecification
	TableName               label // the assembly has read it
	Tags                    label
	TimeToLiveSpecification *timeToLive

	BillingMode                      noEffect `why:"nothing is billed here"`
	ContributorInsightsSpecification noEffect `why:"it is for AWS's metrics"`
	DeletionProtectionEnabled        noEffect `why:"the data folder is this machine's: tables are never deleted, only the folder is"`
	OnDemandThroughput               noEffect `why:"throughput is not limited here"`
	PointInTimeRecoverySpecification noEffect `why:"there are no backups here"`
	ProvisionedThroughput            noEffect `why:"throughput is not limited here"`
	SSESpecification                 noEffect `why:"the database file is not encrypted"`
	TableClass                       noEffect `why:"nothing is billed here"`
	WarmThroughput                   noEffect `why:"throughput is not limited here"`
}

func (p *planner) readGlobalTable(r *assembly.Resource) {
	var props globalTableProperties
	if !decode(&p.report, r, &props) {
		return
	}
	if len(props.Replicas) != 1 || props.Replicas[0].Region != p.env.Region {
		p.report.fail(r, "Replicas", "has %d regions; served is one replica, in %s", len(props.Replicas), p.env.Region)
		return
	}
	p.addTable(r, tableProperties{
		AttributeDefinitions: props.AttributeDefinitions, KeySchema: props.KeySchema,
		GlobalSecondaryIndexes: props.GlobalSecondaryIndexes, LocalSecondaryIndexes: props.LocalSecondaryIndexes,
		StreamSpecification: props.StreamSpecification, TimeToLiveSpecification: props.TimeToLiveSpecification,
	})
}

func (p *planner) readTable(r *assembly.Resource) {
	var props tableProperties
	if decode(&p.report, r, &props) {
		p.addTable(r, props)
	}
}

func (p *planner) addTable(r *assembly.Resource, props tableProperties) {
	c := dynamodb.TableConfig{Name: r.Name, Attributes: map[string]string{}, Key: tableKey(props.KeySchema)}
	for _, a := range props.AttributeDefinitions {
		c.Attributes[a.AttributeName] = a.AttributeType
	}
	for _, i := range props.GlobalSecondaryIndexes {
		c.GlobalIndexes = append(c.GlobalIndexes, i.config())
	}
	for _, i := range props.LocalSecondaryIndexes {
		c.LocalIndexes = append(c.LocalIndexes, i.config())
	}
	if ttl := props.TimeToLiveSpecification; ttl != nil && ttl.Enabled {
		c.TTLAttribute = ttl.AttributeName
	}
	if props.StreamSpecification != nil {
		c.Stream = props.StreamSpecification.StreamViewType
		c.StreamARN = r.ARN + "/stream/" + assembly.StreamLabel
	}
	p.tables[r.ARN] = &table{resource: r, config: c}
	p.plan.tables = append(p.plan.tables, c)
}

func tableKey(schema []keyElement) []dynamodb.KeyElement {
	var key []dynamodb.KeyElement
	for _, e := range schema {
		key = append(key, dynamodb.KeyElement{AttributeName: e.AttributeName, KeyType: e.KeyType})
	}
	return key
}

func (i tableIndex) config() dynamodb.Index {
	return dynamodb.Index{
		Name: i.IndexName, Key: tableKey(i.KeySchema),
		Projection: i.Projection.ProjectionType, Include: i.Projection.NonKeyAttributes,
	}
}
