package local

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/httpapi"
	"github.com/vinci-go/vinci/local/iam"
)

type api struct {
	resource     *assembly.Resource
	config       httpapi.Config
	routes       []*route
	integrations map[string]*integration // by id
	stages       int
	stage        *assembly.Resource
	throttle     throttleProperties            // of every route that has none of its own
	throttles    map[string]throttleProperties // by route key
}

type route struct {
	resource *assembly.Resource
	props    routeProperties
}

type integration struct {
	resource *assembly.Resource
	props    integrationProperties
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-api.html
type apiProperties struct {
	Name              string `cfn:",required"`
	ProtocolType      string `cfn:",required"`
	CorsConfiguration *corsProperties

	Description label
	Tags        label
	Version     label

	IpAddressType noEffect `why:"it listens on the loopback address"`
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-apigatewayv2-api-cors.html
type corsProperties struct {
	AllowCredentials bool
	AllowHeaders     []string
	AllowMethods     []string
	AllowOrigins     []string
	ExposeHeaders    []string
	MaxAge           int
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-authorizer.html
type authorizerProperties struct {
	ApiId            string `cfn:",required"`
	AuthorizerType   string `cfn:",required"`
	Name             string `cfn:",required"`
	IdentitySource   []string
	JwtConfiguration struct {
		Audience []string
		Issuer   string
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-integration.html
type integrationProperties struct {
	ApiId                string `cfn:",required"`
	IntegrationType      string `cfn:",required"`
	IntegrationUri       string
	PayloadFormatVersion string
	IntegrationMethod    string
	TimeoutInMillis      *int
	Description          label
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-route.html
type routeProperties struct {
	ApiId               string `cfn:",required"`
	AuthorizationScopes []string
	AuthorizationType   string
	AuthorizerId        string
	RouteKey            string `cfn:",required"`
	Target              string
	OperationName       label
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-stage.html
type stageProperties struct {
	ApiId       string `cfn:",required"`
	StageName   string `cfn:",required"`
	AutoDeploy  bool
	Description label
	Tags        label

	DefaultRouteSettings *throttleProperties
	RouteSettings        map[string]throttleProperties // by route key

	AccessLogSettings noEffect `why:"the runtime's own log tells of refused requests, and the functions log the others"`
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-apigatewayv2-stage-routesettings.html
type throttleProperties struct {
	ThrottlingBurstLimit *int
	ThrottlingRateLimit  *float64

	DetailedMetricsEnabled noEffect `why:"requests are not measured here"`
}

// accountRate and accountBurst are what API Gateway allows all APIs of an account in a
// region, and so the other limit where only one is said:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
const (
	accountRate  = 10000
	accountBurst = 5000
)

// over are these limits where they are said, and others, of the stage, where not. Nil:
// nobody says any.
func (p throttleProperties) over(others *httpapi.Throttle) *httpapi.Throttle {
	if p.ThrottlingBurstLimit == nil && p.ThrottlingRateLimit == nil {
		return others
	}
	t := httpapi.Throttle{Rate: accountRate, Burst: accountBurst}
	if others != nil {
		t = *others
	}
	if p.ThrottlingBurstLimit != nil {
		t.Burst = *p.ThrottlingBurstLimit
	}
	if p.ThrottlingRateLimit != nil {
		t.Rate = *p.ThrottlingRateLimit
	}
	return &t
}

func (p *planner) readAPI(r *assembly.Resource) {
	var props apiProperties
	if !decode(&p.report, r, &props) {
		return
	}
	if props.ProtocolType != "HTTP" {
		p.report.fail(r, "ProtocolType", "is %q; served is HTTP", props.ProtocolType)
		return
	}
	a := &api{
		resource: r, integrations: map[string]*integration{},
		config: httpapi.Config{ID: r.Name, Name: props.Name},
	}
	if c := props.CorsConfiguration; c != nil {
		a.config.CORS = (*httpapi.CORS)(c)
	}
	p.apis[r.Name] = a
}

func (p *planner) readAuthorizer(r *assembly.Resource) {
	var props authorizerProperties
	if !decode(&p.report, r, &props) {
		return
	}
	if props.AuthorizerType != "JWT" {
		p.report.fail(r, "AuthorizerType", "is %q; served is JWT", props.AuthorizerType)
		return
	}
	if len(props.IdentitySource) > 1 {
		p.report.fail(r, "IdentitySource", "has %d entries; a JWT authorizer has one", len(props.IdentitySource))
		return
	}
	p.later = append(p.later, func() {
		if a := p.apiOf(r, props.ApiId); a != nil {
			a.config.Authorizers = append(a.config.Authorizers, httpapi.Authorizer{
				ID: r.Name, Name: props.Name, Issuer: props.JwtConfiguration.Issuer, Audience: props.JwtConfiguration.Audience,
				IdentitySource: strings.Join(props.IdentitySource, ""),
			})
		}
	})
}

// apiOf finds the API that a part of one belongs to.
func (p *planner) apiOf(r *assembly.Resource, id string) *api {
	a, ok := p.apis[id]
	if !ok {
		p.missing(r, "ApiId", id, "this assembly has no HTTP API %q", id)
	}
	return a
}

func (p *planner) readIntegration(r *assembly.Resource) {
	var props integrationProperties
	if !decode(&p.report, r, &props) {
		return
	}
	p.later = append(p.later, func() {
		if a := p.apiOf(r, props.ApiId); a != nil {
			a.integrations[r.Name] = &integration{resource: r, props: props}
		}
	})
}

func (p *planner) readRoute(r *assembly.Resource) {
	var props routeProperties
	if !decode(&p.report, r, &props) {
		return
	}
	p.later = append(p.later, func() {
		if a := p.apiOf(r, props.ApiId); a != nil {
			a.routes = append(a.routes, &route{resource: r, props: props})
		}
	})
}

func (p *planner) readStage(r *assembly.Resource) {
	var props stageProperties
	if !decode(&p.report, r, &props) {
		return
	}
	if !props.AutoDeploy {
		p.report.fail(r, "AutoDeploy", "is off; served are stages that deploy by themselves")
	}
	p.later = append(p.later, func() {
		if a := p.apiOf(r, props.ApiId); a != nil {
			a.stages++
			a.config.Stage = props.StageName
			a.stage, a.throttles = r, props.RouteSettings
			if d := props.DefaultRouteSettings; d != nil {
				a.throttle = *d
			}
		}
	})
}

func (p *planner) finishAPIs() {
	for _, a := range sorted(p.apis) {
		if a.stages != 1 {
			p.report.fail(a.resource, "", "has %d stages; served is one: without any, API Gateway answers 404 to every request", a.stages)
			continue
		}
		keys := map[string]bool{}
		for _, rt := range a.routes {
			if keys[rt.props.RouteKey] {
				p.report.fail(rt.resource, "RouteKey", "%q is another route's already", rt.props.RouteKey)
				continue
			}
			keys[rt.props.RouteKey] = true
			if c, ok := p.finishRoute(a, rt); ok {
				a.config.Routes = append(a.config.Routes, c)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(a.throttles)) {
			if !keys[key] {
				p.report.fail(a.stage, "RouteSettings", "%q is no route of this API", key)
			}
		}
		slices.SortFunc(a.config.Routes, func(x, y httpapi.Route) int { return strings.Compare(x.Key, y.Key) })
		if _, err := httpapi.New(a.config, nil); err != nil {
			p.report.fail(a.resource, "", "%v", err)
		}
		p.plan.apis = append(p.plan.apis, a.config)
	}
}

// finishRoute finds the function behind a route, and checks that API Gateway may
// call it.
func (p *planner) finishRoute(a *api, rt *route) (httpapi.Route, bool) {
	id, ok := strings.CutPrefix(rt.props.Target, "integrations/")
	in := a.integrations[id]
	if !ok || in == nil {
		p.missing(rt.resource, "Target", id, "is %q, which is no integration of this API", rt.props.Target)
		return httpapi.Route{}, false
	}
	timeout := httpapi.MaxTimeout
	if t := in.props.TimeoutInMillis; t != nil {
		timeout = time.Duration(*t) * time.Millisecond
	}
	f, ok := p.integrationFunction(in)
	if !ok {
		return httpapi.Route{}, false
	}
	if err := p.apiMayInvoke(a, rt.props.RouteKey, f); err != nil {
		p.report.fail(rt.resource, "RouteKey", "API Gateway would answer 500 Internal Server Error: %v", err)
		return httpapi.Route{}, false
	}
	throttle := a.throttles[rt.props.RouteKey].over(a.throttle.over(nil))
	return httpapi.Route{
		Key: rt.props.RouteKey, FunctionARN: f.config.ARN, Timeout: timeout, Throttle: throttle,
		AuthorizationType: rt.props.AuthorizationType, AuthorizerID: rt.props.AuthorizerId, Scopes: rt.props.AuthorizationScopes,
	}, true
}

func (p *planner) integrationFunction(in *integration) (*function, bool) {
	good := true
	check := func(property, value, want string) {
		if value != want {
			p.report.fail(in.resource, property, "is %q; served is %s", value, want)
			good = false
		}
	}
	check("IntegrationType", in.props.IntegrationType, "AWS_PROXY")
	check("PayloadFormatVersion", in.props.PayloadFormatVersion, "2.0")
	if in.props.IntegrationMethod != "" {
		check("IntegrationMethod", in.props.IntegrationMethod, "POST")
	}
	// The URI may also be arn:…:apigateway:…:path/2015-03-31/functions/<ARN>/invocations.
	uri := in.props.IntegrationUri
	if _, rest, ok := strings.Cut(uri, "/functions/"); ok {
		uri = strings.TrimSuffix(rest, "/invocations")
	}
	f := p.findFunction(uri)
	if f == nil {
		p.missing(in.resource, "IntegrationUri", uri, "this assembly has no function %q", uri)
		good = false
	}
	return f, good
}

// apiMayInvoke judges the function's resource policy as Lambda does when API
// Gateway calls for a route.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func (p *planner) apiMayInvoke(a *api, key string, f *function) error {
	method, path, ok := strings.Cut(key, " ")
	if !ok {
		method, path = "*", "/"+key // $default
	}
	if method == "ANY" {
		method = "*"
	}
	source := p.env.Arn("execute-api", a.config.ID+"/"+a.config.Stage+"/"+method+path)
	need := iam.Need{Action: "lambda:InvokeFunction", Resource: f.config.ARN, Context: map[string][]string{
		"aws:SourceArn": {source}, "aws:SourceAccount": {p.env.Account},
	}}
	for _, d := range f.allowed {
		if d.DecideFor(iam.Principal{Service: "apigateway.amazonaws.com"}, need).Allowed() {
			return nil
		}
	}
	return fmt.Errorf("no AWS::Lambda::Permission lets apigateway.amazonaws.com invoke function %s for %s", f.config.Name, source)
}
