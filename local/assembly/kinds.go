package assembly

import (
	"maps"
	"slices"
	"strings"
)

const (
	typeFunction = "AWS::Lambda::Function"
	typeQueue    = "AWS::SQS::Queue"
)

// kind says how a resource type's name, Ref, ARN and attributes come about.
type kind struct {
	nameProperty string // "" when AWS always makes the name
	limit        int    // of the name, in characters
	family       string // types that share one space of names; the type itself when empty
	unnamed      bool   // its name is only an id of its own

	generated  func(*identity) string // the name when none is given; <stack>-<logical id> when nil
	ref        func(*identity) string // the name when nil
	arn        func(*identity) string // none when nil
	attributes map[string]func(*identity) string
}

func (k *kind) attributeNames() []string {
	if len(k.attributes) == 0 {
		return []string{"none"}
	}
	return slices.Sorted(maps.Keys(k.attributes))
}

// Known lists the resource types whose names and attributes this package can
// compute, sorted.
func Known() []string { return slices.Sorted(maps.Keys(newKinds())) }

// Attributes lists what Fn::GetAtt may ask of a known type, sorted.
func Attributes(resourceType string) []string {
	return slices.Sorted(maps.Keys(newKinds()[resourceType].attributes))
}

func name(i *identity) string { return i.name }
func arn(i *identity) string  { return i.arn() }

// inRegion makes an ARN of the shape arn:partition:service:region:account:prefix+name.
func inRegion(service, prefix string) func(*identity) string {
	return func(i *identity) string { return i.env().Arn(service, prefix+i.name) }
}

// opaque is an id as AWS makes them: lower-case letters and digits.
func opaque(length int) func(*identity) string {
	return func(i *identity) string { return digest(i.stack.name, i.logicalID)[:length] }
}

// idOnly is a resource that nobody refers to but by its id.
func idOnly() kind {
	return kind{limit: 255, unnamed: true, attributes: attributes{"Id": name}}
}

type attributes = map[string]func(*identity) string

// newKinds is the table of known types, from the "Return values" of each type's page in
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
func newKinds() map[string]kind {
	return map[string]kind{
		"AWS::ApiGatewayV2::Api": {
			limit: 128, unnamed: true, generated: opaque(10),
			arn:        func(i *identity) string { return i.env().Arn("execute-api", i.name) },
			attributes: attributes{"ApiId": name, "ApiEndpoint": func(i *identity) string { return i.env().apiEndpoint(i.name) }},
		},
		"AWS::ApiGatewayV2::Authorizer":  {limit: 128, unnamed: true, generated: opaque(6), attributes: attributes{"AuthorizerId": name}},
		"AWS::ApiGatewayV2::Integration": {limit: 128, unnamed: true, generated: opaque(7), attributes: attributes{"IntegrationId": name}},
		"AWS::ApiGatewayV2::Route":       {limit: 128, unnamed: true, generated: opaque(7), attributes: attributes{"RouteId": name}},
		"AWS::ApiGatewayV2::Stage":       {nameProperty: "StageName", limit: 128, unnamed: true},
		"AWS::CDK::Metadata":             idOnly(),
		"AWS::CloudWatch::Alarm": {
			nameProperty: "AlarmName", limit: 255,
			arn: inRegion("cloudwatch", "alarm:"), attributes: attributes{"Arn": arn},
		},
		"AWS::CloudWatch::Dashboard": {nameProperty: "DashboardName", limit: 255},
		"AWS::DynamoDB::GlobalTable": tableKind(),
		"AWS::DynamoDB::Table":       tableKind(),
		"AWS::Events::Archive": {
			nameProperty: "ArchiveName", limit: 48,
			arn: inRegion("events", "archive/"), attributes: attributes{"Arn": arn},
		},
		"AWS::Events::EventBus": {
			nameProperty: "Name", limit: 256,
			arn: inRegion("events", "event-bus/"), attributes: attributes{"Arn": arn, "Name": name},
		},
		"AWS::Events::EventBusPolicy": idOnly(),
		"AWS::Events::Rule": {
			nameProperty: "Name", limit: 64,
			ref: func(i *identity) string {
				if bus := i.bus(); bus != "" {
					return bus + "|" + i.name
				}
				return i.name
			},
			arn: func(i *identity) string {
				if bus := i.bus(); bus != "" {
					return i.env().Arn("events", "rule/"+bus+"/"+i.name)
				}
				return i.env().Arn("events", "rule/"+i.name)
			},
			attributes: attributes{"Arn": arn},
		},
		"AWS::IAM::Policy": idOnly(),
		"AWS::IAM::Role": {
			nameProperty: "RoleName", limit: 64,
			arn: func(i *identity) string {
				path := i.property("Path")
				if path == "" {
					path = "/"
				}
				return i.env().globalARN("iam", "role"+path+i.name)
			},
			attributes: attributes{"Arn": arn, "RoleId": func(i *identity) string {
				return "AROA" + strings.ToUpper(opaque(17)(i))
			}},
		},
		"AWS::Lambda::EventInvokeConfig": idOnly(),
		"AWS::Lambda::EventSourceMapping": {
			limit: 36, unnamed: true,
			generated:  func(i *identity) string { return uuid(i.stack.name, i.logicalID) },
			arn:        inRegion("lambda", "event-source-mapping:"),
			attributes: attributes{"Id": name, "EventSourceMappingArn": arn},
		},
		typeFunction: {
			nameProperty: "FunctionName", limit: 64,
			arn: inRegion("lambda", "function:"), attributes: attributes{"Arn": arn},
		},
		"AWS::Lambda::Permission": idOnly(),
		"AWS::Logs::LogGroup": {
			nameProperty: "LogGroupName", limit: 512,
			arn:        func(i *identity) string { return i.env().Arn("logs", "log-group:"+i.name+":*") },
			attributes: attributes{"Arn": arn},
		},
		"AWS::Logs::MetricFilter": idOnly(),
		"AWS::Logs::QueryDefinition": {
			limit: 36, unnamed: true,
			generated:  func(i *identity) string { return uuid(i.stack.name, i.logicalID) },
			attributes: attributes{"QueryDefinitionId": name},
		},
		"AWS::SNS::Subscription": {
			limit: 36, unnamed: true,
			generated: func(i *identity) string { return uuid(i.stack.name, i.logicalID) },
			ref:       arn, arn: inRegion("sns", ""), attributes: attributes{"Arn": arn},
		},
		"AWS::SNS::Topic": {
			nameProperty: "TopicName", limit: 256,
			ref: arn, arn: inRegion("sns", ""), attributes: attributes{"TopicArn": arn, "TopicName": name},
		},
		"AWS::SNS::TopicPolicy": idOnly(),
		typeQueue: {
			nameProperty: "QueueName", limit: 80,
			ref: func(i *identity) string { return i.env().queueURL(i.name) },
			arn: inRegion("sqs", ""),
			attributes: attributes{"Arn": arn, "QueueName": name, "QueueUrl": func(i *identity) string {
				return i.ref()
			}},
		},
		"AWS::SQS::QueuePolicy": idOnly(),

		// Nobody serves these here, but roles of functions speak of them.
		"AWS::KMS::Key": {
			limit: 36, unnamed: true, generated: func(i *identity) string { return uuid(i.stack.name, i.logicalID) },
			arn: inRegion("kms", "key/"), attributes: attributes{"Arn": arn, "KeyId": name},
		},
		"AWS::S3::Bucket": {
			nameProperty: "BucketName", limit: 63,
			generated:  func(i *identity) string { return strings.ToLower(shorten(i.stack.name+"-"+i.logicalID, 63)) },
			arn:        func(i *identity) string { return "arn:" + i.env().Partition + ":s3:::" + i.name },
			attributes: attributes{"Arn": arn},
		},
		"AWS::SecretsManager::Secret": {
			nameProperty: "Name", limit: 512,
			ref: arn, arn: inRegion("secretsmanager", "secret:"), attributes: attributes{"Id": arn},
		},
	}
}

func tableKind() kind {
	return kind{
		nameProperty: "TableName", limit: 255, family: "table",
		arn: inRegion("dynamodb", "table/"),
		attributes: attributes{
			"Arn":     arn,
			"TableId": func(i *identity) string { return uuid("table", i.name) },
			// A real stream's label is the time it was made. This one is always
			// the same, so that policies and mappings are, too.
			"StreamArn": func(i *identity) string {
				if !i.has("StreamSpecification") {
					return ""
				}
				return i.arn() + "/stream/" + StreamLabel
			},
		},
	}
}

// StreamLabel is the last part of every table stream's ARN.
const StreamLabel = "2026-01-01T00:00:00.000"

// bus is the name of a rule's bus, "" for the default bus. The property may
// hold a name or an ARN.
func (i *identity) bus() string {
	bus := i.property("EventBusName")
	if _, name, ok := strings.Cut(bus, ":event-bus/"); ok {
		bus = name
	}
	if bus == "default" {
		return ""
	}
	return bus
}
