package constructs

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/constructs/internal/plan"
)

// addRoutes makes the routes, and the authorizers that they ask for.
func (a *HTTPAPI) addRoutes(d *Deployment, p *plan.API, target string) {
	authorizers := map[string]*string{} // ids by name
	settings := plan.Settings(d.settings)
	for _, z := range p.Authorizers() {
		z = settings.Of(z)
		authorizers[z.Name] = awsapigatewayv2.NewCfnAuthorizer(a.Construct, jsii.String("JWT:"+z.Name), &awsapigatewayv2.CfnAuthorizerProps{
			ApiId:          a.Resource.Ref(),
			AuthorizerType: jsii.String("JWT"),
			Name:           jsii.String(z.Name),
			IdentitySource: jsii.Strings("$request.header.Authorization"),
			JwtConfiguration: &awsapigatewayv2.CfnAuthorizer_JWTConfigurationProperty{
				Issuer:   jsii.String(z.Issuer),
				Audience: jsii.Strings(z.Audience...),
			},
		}).Ref()
	}
	routes := slices.SortedFunc(slices.Values(p.Routes), func(x, y plan.Route) int { return cmp.Compare(x.Key, y.Key) })
	for _, r := range routes {
		props := &awsapigatewayv2.CfnRouteProps{
			ApiId:             a.Resource.Ref(),
			RouteKey:          jsii.String(r.Key),
			Target:            jsii.String(target),
			AuthorizationType: jsii.String(authorizationType(r.Authorization)),
		}
		if r.Authorization == plan.JWT {
			props.AuthorizerId = authorizers[r.JWT.Name]
			if len(r.Scopes) > 0 {
				props.AuthorizationScopes = jsii.Strings(r.Scopes...)
			}
		}
		route := awsapigatewayv2.NewCfnRoute(a.Construct, jsii.String(routeID(r.Key)), props)
		if r.Authorization == plan.Public {
			accept(route, publicRoute)
		}
	}
}

// authorizationType is an authorization in CloudFormation's words.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-route.html
func authorizationType(a plan.Authorization) string {
	switch a {
	case plan.Public:
		return "NONE"
	case plan.JWT:
		return "JWT"
	}
	return "AWS_IAM"
}

// routeID is a route as a construct's id, which may not hold a slash. A colon
// cannot be in a route, so no two routes get one id.
func routeID(route string) string {
	return strings.NewReplacer(" /", ":", "/", ":").Replace(route)
}

func corsConfiguration(c *plan.CORS) *awsapigatewayv2.CfnApi_CorsProperty {
	if c == nil {
		return nil
	}
	cors := &awsapigatewayv2.CfnApi_CorsProperty{
		AllowOrigins: jsii.Strings(c.Origins...),
		AllowMethods: jsii.Strings(c.Methods...),
	}
	if len(c.Headers) > 0 {
		cors.AllowHeaders = jsii.Strings(c.Headers...)
	}
	if len(c.ExposeHeaders) > 0 {
		cors.ExposeHeaders = jsii.Strings(c.ExposeHeaders...)
	}
	if c.MaxAge > 0 {
		cors.MaxAge = jsii.Number(c.MaxAge / time.Second)
	}
	if c.Credentials {
		cors.AllowCredentials = jsii.Bool(true)
	}
	return cors
}
