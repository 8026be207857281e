package constructs

import (
	"fmt"
	"runtime/debug"

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
func (a *Application) startCDK() (wait func() error) {
	if err := needNode(a.env()); err != nil {
		return func() error { return fmt.Errorf("synthesize: %w", err) }
	}
	return beside(loadCDK)
}

// beside calls f while the caller does something else. The function that it returns
// waits for the end, once, and says what went wrong. A mistake in f's program is an
// error too, with its trace: as a panic of another goroutine it would end everything,
// and what is wrong with the application would be told to nobody.
func beside(f func()) (wait func() error) {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil { // of what catch leaves
				done <- fmt.Errorf("synthesize: %v\n%s", r, debug.Stack())
			}
		}()
		done <- catch(f)
	}()
	return func() error { return <-done }
}

// loadCDK loads the CDK's library, and the modules of the services that every
// application uses: Node reads each when it is first asked for something of it.
func loadCDK() {
	awscdk.Aws_REGION()
	for _, load := range []func() *string{
		awsapigatewayv2.CfnApi_CFN_RESOURCE_TYPE_NAME,
		awscloudwatch.CfnAlarm_CFN_RESOURCE_TYPE_NAME,
		awsdynamodb.CfnGlobalTable_CFN_RESOURCE_TYPE_NAME,
		awsevents.CfnRule_CFN_RESOURCE_TYPE_NAME,
		awsiam.CfnRole_CFN_RESOURCE_TYPE_NAME,
		awslambda.CfnFunction_CFN_RESOURCE_TYPE_NAME,
		awslogs.CfnLogGroup_CFN_RESOURCE_TYPE_NAME,
		awss3.Bucket_PROPERTY_INJECTION_ID, // of assets
		awssns.CfnTopic_CFN_RESOURCE_TYPE_NAME,
		awssqs.CfnQueue_CFN_RESOURCE_TYPE_NAME,
	} {
		load()
	}
}
