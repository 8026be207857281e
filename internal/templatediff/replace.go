package templatediff

import "slices"

// Replaces says what a change of a property does to a resource of the type: yes when
// CloudFormation makes a new one and deletes the old one. known is false for a type
// that is not in the table. Properties are those at the top, such as TableName.
//
// The table is CloudFormation's "Update requires: Replacement" of the types that
// Vinci makes, and of some that applications put beside them; a test holds it to
// the resource specification in the pinned CDK CLI.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
func Replaces(typ, property string) (yes, known bool) {
	properties, known := replacing(typ)
	return slices.Contains(properties, property), known
}

// types are those that replacing knows.
func types() []string {
	return []string{
		"AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGatewayV2::Authorizer",
		"AWS::ApiGatewayV2::DomainName", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage",
		"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Dashboard",
		"AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table",
		"AWS::Events::Archive", "AWS::Events::EventBus", "AWS::Events::EventBusPolicy", "AWS::Events::Rule",
		"AWS::IAM::OIDCProvider", "AWS::IAM::Policy", "AWS::IAM::Role",
		"AWS::KMS::Key",
		"AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function", "AWS::Lambda::Permission",
		"AWS::Logs::LogGroup", "AWS::Logs::MetricFilter", "AWS::Logs::QueryDefinition", "AWS::Logs::ResourcePolicy", "AWS::Logs::SubscriptionFilter",
		"AWS::S3::Bucket", "AWS::S3::BucketPolicy",
		"AWS::SNS::Subscription", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy",
		"AWS::SQS::Queue", "AWS::SQS::QueuePolicy",
		"AWS::SSM::Parameter",
		"AWS::XRay::Group", "AWS::XRay::ResourcePolicy", "AWS::XRay::SamplingRule",
	}
}

func replacing(typ string) (properties []string, known bool) {
	switch typ {
	case "AWS::ApiGatewayV2::Api":
		return []string{"ProtocolType"}, true
	case "AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGatewayV2::DomainName":
		return []string{"DomainName"}, true
	case "AWS::ApiGatewayV2::Authorizer", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route":
		return []string{"ApiId"}, true
	case "AWS::ApiGatewayV2::Stage":
		return []string{"ApiId", "StageName"}, true
	case "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm":
		return []string{"AlarmName"}, true
	case "AWS::CloudWatch::Dashboard":
		return []string{"DashboardName"}, true
	case "AWS::DynamoDB::GlobalTable":
		return []string{"KeySchema", "LocalSecondaryIndexes", "TableName"}, true
	case "AWS::DynamoDB::Table":
		return []string{"ImportSourceSpecification", "KeySchema", "TableName"}, true
	case "AWS::Events::Archive":
		return []string{"ArchiveName", "SourceArn"}, true
	case "AWS::Events::EventBus":
		return []string{"EventSourceName", "Name"}, true
	case "AWS::Events::EventBusPolicy":
		return []string{"EventBusName", "StatementId"}, true
	case "AWS::Events::Rule":
		return []string{"EventBusName", "Name"}, true
	case "AWS::IAM::OIDCProvider":
		return []string{"Url"}, true
	case "AWS::IAM::Role":
		return []string{"Path", "RoleName"}, true
	case "AWS::Lambda::EventInvokeConfig":
		return []string{"FunctionName", "Qualifier"}, true
	case "AWS::Lambda::EventSourceMapping":
		return []string{"AmazonManagedKafkaEventSourceConfig", "EventSourceArn", "SelfManagedEventSource",
			"SelfManagedKafkaEventSourceConfig", "StartingPosition", "StartingPositionTimestamp"}, true
	case "AWS::Lambda::Function":
		return []string{"FunctionName", "PackageType", "TenancyConfig"}, true
	case "AWS::Lambda::Permission":
		return []string{"Action", "EventSourceToken", "FunctionName", "FunctionUrlAuthType", "InvokedViaFunctionUrl",
			"Principal", "PrincipalOrgID", "SourceAccount", "SourceArn"}, true
	case "AWS::Logs::LogGroup":
		return []string{"LogGroupName"}, true
	case "AWS::Logs::MetricFilter", "AWS::Logs::SubscriptionFilter":
		return []string{"FilterName", "LogGroupName"}, true
	case "AWS::Logs::ResourcePolicy", "AWS::XRay::ResourcePolicy":
		return []string{"PolicyName"}, true
	case "AWS::S3::Bucket":
		return []string{"BucketName", "BucketNamePrefix", "BucketNamespace", "ObjectLockEnabled"}, true
	case "AWS::S3::BucketPolicy":
		return []string{"Bucket"}, true
	case "AWS::SNS::Subscription":
		return []string{"Endpoint", "Protocol", "TopicArn"}, true
	case "AWS::SNS::Topic":
		return []string{"FifoTopic", "TopicName"}, true
	case "AWS::SQS::Queue":
		return []string{"FifoQueue", "QueueName"}, true
	case "AWS::SSM::Parameter":
		return []string{"Name"}, true
	}
	// What is left has no such property.
	return nil, slices.Contains(types(), typ)
}

// keepsData reports whether a resource of the type has what nobody can make again.
func keepsData(typ string) bool {
	switch typ {
	case "AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Events::Archive", "AWS::S3::Bucket", "AWS::Logs::LogGroup", "AWS::KMS::Key":
		return true
	}
	return false
}

// nameProperty is the property with a resource's own name; "" for types whose name
// is no obstacle to a second one.
func nameProperty(typ string) string {
	switch typ {
	case "AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table":
		return "TableName"
	case "AWS::SQS::Queue":
		return "QueueName"
	case "AWS::SNS::Topic":
		return "TopicName"
	case "AWS::Events::EventBus", "AWS::SSM::Parameter":
		return "Name"
	case "AWS::Events::Archive":
		return "ArchiveName"
	case "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm":
		return "AlarmName"
	case "AWS::CloudWatch::Dashboard":
		return "DashboardName"
	case "AWS::IAM::Role":
		return "RoleName"
	case "AWS::Lambda::Function":
		return "FunctionName"
	case "AWS::Logs::LogGroup":
		return "LogGroupName"
	case "AWS::S3::Bucket":
		return "BucketName"
	}
	return ""
}
