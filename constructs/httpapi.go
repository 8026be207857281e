package constructs

import (
	"strconv"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/constructs/internal/plan"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/names"
)

// HTTPAPIProps describes an HTTP API with its function.
type HTTPAPIProps struct {
	Deployment *Deployment // required
	APIProps
}

// HTTPAPI is an API Gateway HTTP API in front of one function: the routes that
// were named and no other, payload format 2.0, one stage ($default) that deploys
// by itself, is throttled, measured route by route, and logs every request. The
// template's output URL is its address.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
type HTTPAPI struct {
	cdk.Construct
	Resource  awsapigatewayv2.CfnApi
	Function  *Function
	AccessLog awslogs.CfnLogGroup
}

// NewHTTPAPI makes an API.
func NewHTTPAPI(scope cdk.Construct, id string, props *HTTPAPIProps) *HTTPAPI {
	return newHTTPAPI(scope, id, props.Deployment, props.planned())
}

func newHTTPAPI(scope cdk.Construct, id string, d *Deployment, p plan.API) *HTTPAPI {
	p.SetDefaults()
	a := &HTTPAPI{Construct: cdk.NewConstruct(scope, &id)}
	what := "API " + p.Name
	a.Function = NewFunction(a.Construct, "Handler", &FunctionProps{
		Deployment:  d,
		Function:    p.Function.Folder,
		Description: what,
		Timeout:     p.Function.Timeout,
		Memory:      p.Function.Memory,
		Environment: map[string]string{names.EnvMaxBody: strconv.Itoa(p.MaxBody)},
		Statements:  d.accessStatements(p.Access(), eventlog.Events),
	})
	a.Resource = awsapigatewayv2.NewCfnApi(a.Construct, jsii.String("Resource"), &awsapigatewayv2.CfnApiProps{
		Name:              jsii.String(d.Name(p.Name)),
		ProtocolType:      jsii.String("HTTP"),
		Description:       jsii.String(what + " of " + d.App() + ", deployment " + d.ID()),
		CorsConfiguration: corsConfiguration(p.CORS),
	})
	integration := awsapigatewayv2.NewCfnIntegration(a.Construct, jsii.String("Integration"), &awsapigatewayv2.CfnIntegrationProps{
		ApiId:                a.Resource.Ref(),
		IntegrationType:      jsii.String("AWS_PROXY"),
		IntegrationUri:       a.Function.ARN(),
		PayloadFormatVersion: jsii.String("2.0"),
	})
	a.addRoutes(d, &p, "integrations/"+*integration.Ref())
	a.addStage(d, &p)
	awslambda.NewCfnPermission(a.Construct, jsii.String("Permission"), &awslambda.CfnPermissionProps{
		Action:       jsii.String("lambda:InvokeFunction"),
		FunctionName: a.Function.Name(),
		Principal:    "apigateway.amazonaws.com",
		// Every stage and route of this one API: all of them are this function's.
		SourceArn: *awscdk.Fn_Sub(jsii.String("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*"),
			&map[string]*string{"Api": a.Resource.Ref()}),
	})
	awscdk.NewCfnOutput(a.Construct, jsii.String("URL"), &awscdk.CfnOutputProps{
		Value:       a.Resource.AttrApiEndpoint(),
		Description: jsii.String("Address of " + what),
	})
	a.addAlarms(d, what)
	a.addDashboard(d, p.Name)
	return a
}

func (a *HTTPAPI) addAlarms(d *Deployment, what string) {
	d.functionAlarms(a.Construct, a.Function, what)
	d.newAlarm(a.Construct, "ServerErrors", alarmProps{
		description: what + " answers with 5xx: look at its function's log.",
		namespace:   "AWS/ApiGateway", metric: "5xx",
		dimensions: [][2]string{{"ApiId", *a.Resource.Ref()}},
		statistic:  "Sum", threshold: 1, period: 5 * time.Minute, periods: 1,
	})
}
