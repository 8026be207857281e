package constructs

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/constructs/internal/plan"
	"github.com/vinci-go/vinci/eventlog"
)

// HTTPAPIProps describes an HTTP API with its function.
type HTTPAPIProps struct {
	Deployment *Deployment // required
	APIProps
}

// HTTPAPI is an API Gateway HTTP API in front of one function: the routes that
// were named and no other, payload format 2.0, one stage ($default) that deploys
// by itself. The template's output URL is its address.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
type HTTPAPI struct {
	cdk.Construct
	Resource awsapigatewayv2.CfnApi
	Function *Function
}

// NewHTTPAPI makes an API.
func NewHTTPAPI(scope cdk.Construct, id string, props *HTTPAPIProps) *HTTPAPI {
	a := &HTTPAPI{Construct: cdk.NewConstruct(scope, &id)}
	d := props.Deployment
	name := props.Name
	if name == "" {
		name = plan.DefaultAPI
	}
	what := "API " + name
	var access bus.Access
	for _, grant := range props.Access {
		grant.Add(&access)
	}
	a.Function = NewFunction(a.Construct, "Handler", &FunctionProps{
		Deployment:  d,
		Function:    props.Function,
		Description: what,
		Timeout:     orDuration(props.Timeout, plan.DefaultAPITimeout),
		Memory:      props.Memory,
		Statements:  d.accessStatements(access, eventlog.Events),
	})
	a.Resource = awsapigatewayv2.NewCfnApi(a.Construct, jsii.String("Resource"), &awsapigatewayv2.CfnApiProps{
		Name:         jsii.String(d.Name(name)),
		ProtocolType: jsii.String("HTTP"),
		Description:  jsii.String(what + " of " + d.App() + ", deployment " + d.ID()),
	})
	integration := awsapigatewayv2.NewCfnIntegration(a.Construct, jsii.String("Integration"), &awsapigatewayv2.CfnIntegrationProps{
		ApiId:                a.Resource.Ref(),
		IntegrationType:      jsii.String("AWS_PROXY"),
		IntegrationUri:       a.Function.ARN(),
		PayloadFormatVersion: jsii.String("2.0"),
	})
	target := "integrations/" + *integration.Ref()
	routes := slices.Clone(props.Routes)
	slices.Sort(routes)
	for _, route := range routes {
		accept(awsapigatewayv2.NewCfnRoute(a.Construct, jsii.String(routeID(route)), &awsapigatewayv2.CfnRouteProps{
			ApiId:             a.Resource.Ref(),
			RouteKey:          jsii.String(route),
			Target:            jsii.String(target),
			AuthorizationType: jsii.String("NONE"),
		}), publicRoute)
	}
	accept(awsapigatewayv2.NewCfnStage(a.Construct, jsii.String("Stage"), &awsapigatewayv2.CfnStageProps{
		ApiId:      a.Resource.Ref(),
		StageName:  jsii.String("$default"),
		AutoDeploy: jsii.Bool(true),
	}), noAccessLog)
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
	return a
}

// routeID is a route as a construct's id, which may not hold a slash. A colon
// cannot be in a route, so no two routes get one id.
func routeID(route string) string {
	return strings.NewReplacer(" /", ":", "/", ":").Replace(route)
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
