package constructs

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/constructs/internal/plan"
)

// accessLogFolder begins the names of the groups that API Gateway logs to. AWS itself
// lets it write there: whoever deploys needs logs:CreateLogDelivery, PutResourcePolicy
// and DescribeResourcePolicies, no role or policy of the application does. Below any
// other name each group makes one shared policy longer, which is full at 5,120
// characters.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-CWL.html
const accessLogFolder = "/aws/vendedlogs/api/"

// accessLogFields are the fields of a line, in their order, and what API Gateway
// writes into them; "-" is what it writes when there is nothing. All are texts: a bare
// "-" would be no JSON. The user agent and the path are not among them, because a
// client chooses them freely, quotes included.
//
// X-Ray does not know HTTP APIs. functionRequestId leads to the function's own log,
// and from there to its trace.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
var accessLogFields = [][2]string{
	{"requestId", "requestId"},
	{"time", "requestTime"},
	{"routeKey", "routeKey"},
	{"status", "status"},
	{"latency", "responseLatency"},
	{"responseLength", "responseLength"},
	{"sourceIp", "identity.sourceIp"},
	{"userArn", "identity.userArn"},
	{"sub", "authorizer.claims.sub"},
	{"clientId", "authorizer.claims.client_id"},
	{"authorizerError", "authorizer.error"},
	{"error", "error.message"},
	{"errorType", "error.responseType"},
	{"integrationLatency", "integrationLatency"},
	{"integrationStatus", "integration.integrationStatus"},
	{"integrationError", "integrationErrorMessage"},
	{"functionStatus", "integration.status"},
	{"functionRequestId", "integration.requestId"},
}

// accessLogFormat is one line of JSON; API Gateway takes up to 3 KB.
func accessLogFormat() string {
	fields := make([]string, len(accessLogFields))
	for i, f := range accessLogFields {
		fields[i] = `"` + f[0] + `":"$context.` + f[1] + `"`
	}
	return "{" + strings.Join(fields, ",") + "}"
}

// addStage makes the stage with its log of requests.
func (a *HTTPAPI) addStage(d *Deployment, p *plan.API) {
	a.AccessLog = awslogs.NewCfnLogGroup(a.Construct, jsii.String("AccessLog"), &awslogs.CfnLogGroupProps{
		LogGroupName:    jsii.String(accessLogFolder + d.Name(p.Name)),
		RetentionInDays: jsii.Number(d.logDays()),
	})
	// As the functions' logs: no data to keep.
	a.AccessLog.ApplyRemovalPolicy(awscdk.RemovalPolicy_DESTROY, nil)
	awsapigatewayv2.NewCfnStage(a.Construct, jsii.String("Stage"), &awsapigatewayv2.CfnStageProps{
		ApiId:      a.Resource.Ref(),
		StageName:  jsii.String("$default"),
		AutoDeploy: jsii.Bool(true),
		AccessLogSettings: &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
			// The group's attribute Arn ends in :*, which is what its streams are called.
			DestinationArn: awscdk.Fn_Sub(jsii.String("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Group}"),
				&map[string]*string{"Group": a.AccessLog.Ref()}),
			Format: jsii.String(accessLogFormat()),
		},
		// Both limits are always said: where one arrives as zero, API Gateway answers 429
		// to everything.
		DefaultRouteSettings: &awsapigatewayv2.CfnStage_RouteSettingsProperty{
			DetailedMetricsEnabled: jsii.Bool(true),
			ThrottlingRateLimit:    jsii.Number(p.Throttling.Rate),
			ThrottlingBurstLimit:   jsii.Number(p.Throttling.Burst),
		},
	})
}
