package local

import (
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/lambda"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventinvokeconfig.html
type eventInvokeProperties struct {
	DestinationConfig struct {
		OnSuccess struct {
			Destination string
		}
		OnFailure struct {
			Destination string
		}
	}
	FunctionName             string `cfn:",required"`
	MaximumEventAgeInSeconds *int
	MaximumRetryAttempts     *int
	Qualifier                string `cfn:",required"`
}

// readEventInvokeConfig reads how a function is invoked asynchronously.
func (p *planner) readEventInvokeConfig(r *assembly.Resource) {
	var props eventInvokeProperties
	if !decode(&p.report, r, &props) {
		return
	}
	if props.Qualifier != "$LATEST" {
		p.report.fail(r, "Qualifier", "is %q; functions have the version $LATEST only here", props.Qualifier)
	}
	if n := props.MaximumRetryAttempts; n != nil && (*n < 0 || *n > 2) {
		p.report.fail(r, "MaximumRetryAttempts", "maximum retry attempts are %d; allowed is 0 to 2", *n)
	}
	a := &lambda.AsyncConfig{
		MaxRetries:   props.MaximumRetryAttempts,
		OnSuccessARN: props.DestinationConfig.OnSuccess.Destination, OnFailureARN: props.DestinationConfig.OnFailure.Destination,
	}
	if age := props.MaximumEventAgeInSeconds; age != nil {
		a.MaxEventAge = time.Duration(*age) * time.Second
		if *age < 60 || *age > 21600 {
			p.report.fail(r, "MaximumEventAgeInSeconds", "maximum event age is %s; allowed is 60 s to 6 h", a.MaxEventAge)
		}
	}
	p.later = append(p.later, func() {
		f := p.findFunction(props.FunctionName)
		switch {
		case f == nil:
			p.missing(r, "FunctionName", props.FunctionName, "this assembly has no function %q", props.FunctionName)
		case f.config.Async != nil:
			p.report.fail(r, "FunctionName", "function %s has an AWS::Lambda::EventInvokeConfig already; CloudFormation would refuse another one", f.config.Name)
		default:
			f.config.Async, f.async = a, r
		}
	})
}

// checkAsync checks what AWS checks of destinations and dead-letter queues: that
// they are there and that the function's role may send to them.
func (p *planner) checkAsync(f *function) {
	p.checkDestination(f, f.resource, "DeadLetterConfig.TargetArn", f.config.DeadLetterARN)
	if a := f.config.Async; a != nil {
		p.checkDestination(f, f.async, "DestinationConfig.OnFailure.Destination", a.OnFailureARN)
		p.checkDestination(f, f.async, "DestinationConfig.OnSuccess.Destination", a.OnSuccessARN)
	}
}

func (p *planner) checkDestination(f *function, r *assembly.Resource, property, arn string) {
	_, bus, isBus := strings.Cut(arn, ":event-bus/")
	action := "sqs:SendMessage"
	switch {
	case arn == "":
		return
	case p.queues[arn] != nil:
	case p.functions[arn] != nil && property != "DeadLetterConfig.TargetArn":
		action = "lambda:InvokeFunction"
	case isBus && p.hasBus(bus) && property != "DeadLetterConfig.TargetArn":
		action = "events:PutEvents"
	default:
		p.missing(r, property, arn, "this assembly has no queue, function or event bus %q that could be a destination", arn)
		return
	}
	if arn == f.config.ARN {
		p.report.fail(r, property, "Lambda would refuse it: a function cannot be the destination of itself")
		return
	}
	if d := p.roleAllows(f.config.RoleARN, arn, action); d != nil {
		_, call, _ := strings.Cut(action, ":")
		p.report.fail(r, property, "Lambda would refuse it (InvalidParameterValueException: The function execution role does not have permissions to call %s on %s): %s", call, arn, d.Explain())
	}
}
