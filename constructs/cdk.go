package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
)

// startCDK starts the CDK's Node process and loads what every application needs of
// it, while the caller looks at the application and the go command at the functions:
// the two take about as long. The function that it returns waits for the end and says
// what went wrong; until it has been called nothing else may use the CDK, which takes
// one request at a time.
func startCDK() (wait func() error) {
	done := make(chan error, 1)
	go func() {
		done <- catch(func() {
			awscdk.Aws_REGION() // loads the CDK's library
			// Node reads a service's module when it is first asked for.
			for _, load := range []func() *string{
				awss3.Bucket_PROPERTY_INJECTION_ID, awssns.CfnTopic_CFN_RESOURCE_TYPE_NAME, awsdynamodb.CfnGlobalTable_CFN_RESOURCE_TYPE_NAME, awscloudwatch.CfnAlarm_CFN_RESOURCE_TYPE_NAME,
				awsevents.CfnRule_CFN_RESOURCE_TYPE_NAME, awssqs.CfnQueue_CFN_RESOURCE_TYPE_NAME, awslogs.CfnLogGroup_CFN_RESOURCE_TYPE_NAME,
				awsiam.CfnRole_CFN_RESOURCE_TYPE_NAME, awslambda.CfnFunction_CFN_RESOURCE_TYPE_NAME, awsapigatewayv2.CfnApi_CFN_RESOURCE_TYPE_NAME,
			} {
				load()
			}
		})
	}()
	return func() error { return <-done }
}
