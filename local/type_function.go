package local

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/lambda"
)

type function struct {
	resource *assembly.Resource
	config   lambda.FunctionConfig
	async    *assembly.Resource // its AWS::Lambda::EventInvokeConfig, nil for none
	allowed  []iam.Document     // the resource policy: one for each AWS::Lambda::Permission
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
type functionProperties struct {
	Architectures []string
	Code          struct {
		S3Bucket label
		S3Key    string
	} `cfn:",required"`
	Environment struct {
		Variables map[string]string
	}
	Handler       string
	LoggingConfig struct {
		LogGroup            string
		LogFormat           noEffect `why:"lines are kept as the function wrote them, and Lambda's own are plain text"`
		ApplicationLogLevel noEffect `why:"lines are kept as the function wrote them"`
		SystemLogLevel      noEffect `why:"lines are kept as the function wrote them"`
	}
	DeadLetterConfig struct {
		TargetArn string
	}
	MemorySize                   *int
	PackageType                  string
	ReservedConcurrentExecutions *int
	Role                         string `cfn:",required"`
	Runtime                      string
	Timeout                      *int

	Description  string
	FunctionName label // the assembly has read it
	Tags         []struct {
		Key   string `cfn:",required"`
		Value string
	}

	CodeSigningConfigArn    noEffect `why:"code is not signed here"`
	EphemeralStorage        noEffect `why:"temporary files have no limit here"`
	KmsKeyArn               noEffect `why:"variables are not encrypted here"`
	RuntimeManagementConfig noEffect `why:"the function is its own runtime"`
	TracingConfig           noEffect `why:"there is no X-Ray here"`
}

// Lambda's defaults, where CloudFormation leaves a property out.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
const (
	defaultTimeout = 3 * time.Second
	defaultMemory  = 128
)

func (p *planner) readFunction(r *assembly.Resource) {
	var props functionProperties
	if !decode(&p.report, r, &props) {
		return
	}
	c := lambda.FunctionConfig{
		Name: r.Name, ARN: r.ARN, Dir: r.AssetDir, Handler: props.Handler, Env: props.Environment.Variables,
		RoleARN: props.Role, LogGroup: props.LoggingConfig.LogGroup, Reserved: props.ReservedConcurrentExecutions,
		Runtime: props.Runtime, Description: props.Description, DeadLetterARN: props.DeadLetterConfig.TargetArn,
		Timeout: defaultTimeout, MemoryMB: defaultMemory,
	}
	if c.LogGroup == "" {
		c.LogGroup = "/aws/lambda/" + r.Name
	}
	for _, tag := range props.Tags {
		if c.Tags == nil {
			c.Tags = map[string]string{}
		}
		c.Tags[tag.Key] = tag.Value
	}
	if props.Timeout != nil {
		c.Timeout = time.Duration(*props.Timeout) * time.Second
	}
	if props.MemorySize != nil {
		c.MemoryMB = *props.MemorySize
	}
	switch len(props.Architectures) {
	case 0:
		c.Architecture = "x86_64" // Lambda's default
	case 1:
		c.Architecture = props.Architectures[0]
	default:
		p.report.fail(r, "Architectures", "has %d values; Lambda takes one", len(props.Architectures))
	}
	switch props.Runtime {
	case "provided.al2023", "provided.al2", "provided":
	default:
		p.report.fail(r, "Runtime", "is %q; served are functions that bring their own runtime (provided.al2023), as Go's do", props.Runtime)
	}
	if props.PackageType != "" && props.PackageType != "Zip" {
		p.report.fail(r, "PackageType", "is %q; served is Zip", props.PackageType)
	}
	if r.AssetDir == "" {
		p.report.fail(r, "Code", "is not an asset of the assembly; served is a folder with the file bootstrap")
	}
	p.functions[r.ARN] = &function{resource: r, config: c}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-permission.html
type permissionProperties struct {
	Action        string `cfn:",required"`
	FunctionName  string `cfn:",required"`
	Principal     string `cfn:",required"`
	SourceAccount string
	SourceArn     string
}

// readPermission adds a statement to a function's resource policy, as AWS does.
func (p *planner) readPermission(r *assembly.Resource) {
	var props permissionProperties
	if !decode(&p.report, r, &props) {
		return
	}
	p.later = append(p.later, func() {
		f := p.findFunction(props.FunctionName)
		if f == nil {
			p.missing(r, "FunctionName", props.FunctionName, "this assembly has no function %q", props.FunctionName)
			return
		}
		statement := map[string]any{"Effect": "Allow", "Action": props.Action, "Resource": f.config.ARN, "Principal": principal(props.Principal)}
		condition := map[string]any{}
		if props.SourceArn != "" {
			condition["ArnLike"] = map[string]any{"aws:SourceArn": props.SourceArn}
		}
		if props.SourceAccount != "" {
			condition["StringEquals"] = map[string]any{"aws:SourceAccount": props.SourceAccount}
		}
		if len(condition) > 0 {
			statement["Condition"] = condition
		}
		text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statement})
		if err != nil {
			p.report.fail(r, "", "%v", err)
			return
		}
		d, err := iam.ParseResource(text)
		if err != nil {
			p.report.fail(r, "", "%v", err)
			return
		}
		d.Name = r.Where()
		f.allowed = append(f.allowed, d)
	})
}

// findFunction takes a function's name or ARN, as AWS does.
func (p *planner) findFunction(nameOrARN string) *function {
	if f, ok := p.functions[nameOrARN]; ok {
		return f
	}
	for _, f := range p.functions {
		if f.config.Name == nameOrARN {
			return f
		}
	}
	return nil
}

// finishFunctions checks each function's role and log group.
func (p *planner) finishFunctions() {
	labels := map[string]*assembly.Resource{}
	for _, f := range sorted(p.functions) {
		labels[f.config.Name] = f.resource
		f.config.Policy = f.allowed
		p.plan.functions = append(p.plan.functions, f.config)
		p.checkAsync(f)
		ro, ok := p.roles[f.config.RoleARN]
		if !ok {
			p.missing(f.resource, "Role", f.config.RoleARN, "this assembly has no role %q", f.config.RoleARN)
			continue
		}
		if err := p.trusts(ro, f.config.ARN); err != nil {
			p.report.fail(f.resource, "Role", "Lambda would refuse it (The role defined for the function cannot be assumed by Lambda): %v", err)
		}
	}
	p.plan.labels = shortNames(labels)
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html
type logGroupProperties struct {
	LogGroupName label // the assembly has read it
	Tags         label

	DeletionProtectionEnabled noEffect `why:"logs are kept in memory while this runs"`
	FieldIndexPolicies        noEffect `why:"logs are kept in memory while this runs"`
	KmsKeyId                  noEffect `why:"logs are kept in memory while this runs"`
	LogGroupClass             noEffect `why:"logs are kept in memory while this runs"`
	RetentionInDays           noEffect `why:"logs are kept in memory while this runs"`
}

func (p *planner) readLogGroup(r *assembly.Resource) {
	var props logGroupProperties
	decode(&p.report, r, &props)
}

// principal is how a policy document writes the principal of a permission: a
// service, or an account.
func principal(name string) any {
	if name == "*" {
		return "*"
	}
	if strings.HasSuffix(name, ".amazonaws.com") {
		return map[string]any{"Service": name}
	}
	return map[string]any{"AWS": name}
}
