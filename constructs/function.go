package constructs

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/functionlog"
	"github.com/vinci-go/vinci/internal/names"
)

// FunctionProps describes a Lambda function.
type FunctionProps struct {
	Deployment *Deployment // required

	// Function is the folder of its main package, below the module root:
	// "lambdas/send_welcome". Required. In a stack of the application's own it
	// must be in StackProps.Functions too, so that it is built.
	Function string

	Description string        // shown by Lambda; empty for none
	Timeout     time.Duration // 1s to 15m in whole seconds; zero: 30s
	Memory      int           // MB, 128 to 10240; zero: 256. The processor's share grows with it.

	// Environment is added to VINCI_APP and VINCI_DEPLOYMENT.
	Environment map[string]string

	// Statements are all that the function's role allows, besides writing its own
	// log and trace.
	Statements []Statement
}

// Function is a Lambda function on provided.al2023 with a role and a log group
// of its own. The role has no managed policy. The log group keeps lines as long as
// Settings.LogDays says, and Settings.LogLevel says which lines there are. It is traced
// by X-Ray unless Settings.NoTracing.
//
// The log format is JSON: Lambda's own lines then are JSON as the functions'
// are, and a line that is JSON already is passed on as it is:
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
type Function struct {
	cdk.Construct
	Resource awslambda.CfnFunction
	Role     awsiam.CfnRole
	LogGroup awslogs.CfnLogGroup

	d *Deployment
}

// NewFunction makes a function. CloudFormation names it.
func NewFunction(scope cdk.Construct, id string, props *FunctionProps) *Function {
	f := &Function{Construct: cdk.NewConstruct(scope, &id), d: props.Deployment}
	d := props.Deployment

	f.LogGroup = awslogs.NewCfnLogGroup(f.Construct, jsii.String("Logs"), &awslogs.CfnLogGroupProps{
		RetentionInDays: jsii.Number(d.logDays()),
	})
	// A log group is no data to keep: it goes with its function.
	f.LogGroup.ApplyRemovalPolicy(awscdk.RemovalPolicy_DESTROY, nil)

	statements := []any{Statement{
		Sid:       "WriteLog",
		Actions:   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		Resources: []string{*f.LogGroup.AttrArn()},
	}.json()}
	for _, s := range props.Statements {
		statements = append(statements, s.json())
	}
	if !d.settings.NoTracing {
		statements = append(statements, writeTrace().json())
	}
	f.Role = awsiam.NewCfnRole(f.Construct, jsii.String("Role"), &awsiam.CfnRoleProps{
		AssumeRolePolicyDocument: policyDocument([]any{map[string]any{
			"Effect":    "Allow",
			"Principal": map[string]any{"Service": "lambda.amazonaws.com"},
			"Action":    "sts:AssumeRole",
		}}),
		// Inline, so that role and permissions are there together before the
		// function is.
		Policies: []any{&awsiam.CfnRole_PolicyProperty{
			PolicyName:     jsii.String("function"),
			PolicyDocument: policyDocument(statements),
		}},
	})
	if !d.settings.NoTracing {
		accept(f.Role, traceAnywhere)
	}

	asset := awss3assets.NewAsset(f.Construct, jsii.String("Code"), &awss3assets.AssetProps{
		Path: jsii.String(d.asset(props.Function)),
	})
	variables := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(props.Environment)) {
		variables[key] = props.Environment[key]
	}
	variables[names.EnvApplication] = d.App()
	variables[names.EnvDeployment] = d.ID()
	if level := d.settings.LogLevel; level != slog.LevelInfo {
		variables[functionlog.EnvLevel] = level.String()
	}
	if bus, elsewhere := d.publishesElsewhere(); elsewhere {
		variables[names.EnvBus] = bus
	}
	p := &awslambda.CfnFunctionProps{
		Runtime:       jsii.String("provided.al2023"),
		Handler:       jsii.String("bootstrap"),
		Architectures: jsii.Strings(lambdaArchitecture(d.goarch)),
		Code: &awslambda.CfnFunction_CodeProperty{
			S3Bucket: asset.S3BucketName(),
			S3Key:    asset.S3ObjectKey(),
		},
		Role:       f.Role.AttrArn(),
		Timeout:    seconds(orDuration(props.Timeout, defaultTimeout)),
		MemorySize: jsii.Number(orInt(props.Memory, defaultMemory)),
		Environment: &awslambda.CfnFunction_EnvironmentProperty{
			Variables: variables,
		},
		LoggingConfig: &awslambda.CfnFunction_LoggingConfigProperty{
			LogFormat:           jsii.String("JSON"),
			LogGroup:            f.LogGroup.Ref(),
			ApplicationLogLevel: applicationLogLevel(d.settings.LogLevel),
		},
	}
	if !d.settings.NoTracing {
		p.TracingConfig = &awslambda.CfnFunction_TracingConfigProperty{Mode: jsii.String("Active")}
	}
	if props.Description != "" {
		p.Description = jsii.String(props.Description)
	}
	f.Resource = awslambda.NewCfnFunction(f.Construct, jsii.String("Function"), p)
	return f
}

// Name is the function's name, known when it is deployed.
func (f *Function) Name() string { return *f.Resource.Ref() }

// AddAlarms makes alarms on the function's errors and throttles. what names it in their
// descriptions: "the nightly report". The functions of handlers, APIs and of the
// framework have theirs; it is for those of a stack of the application's own.
func (f *Function) AddAlarms(what string) { f.d.functionAlarms(f.Construct, f, what) }

// ARN is the function's ARN, known when it is deployed.
func (f *Function) ARN() string { return *f.Resource.AttrArn() }

func lambdaArchitecture(goarch string) string {
	if goarch == "amd64" {
		return "x86_64"
	}
	return goarch
}

func orDuration(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

func orInt(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
