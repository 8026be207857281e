package local

import (
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/lambda"
)

type mapping struct {
	resource *assembly.Resource
	config   lambda.MappingConfig
	function *function
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html
type mappingProperties struct {
	BatchSize                  *int
	BisectBatchOnFunctionError bool
	DestinationConfig          struct {
		OnFailure struct {
			Destination string
		}
	}
	Enabled        *bool
	EventSourceArn string `cfn:",required"`
	FilterCriteria struct {
		Filters []struct {
			Pattern string `cfn:",required"`
		}
	}
	FunctionName                   string `cfn:",required"`
	FunctionResponseTypes          []string
	MaximumBatchingWindowInSeconds int
	MaximumRecordAgeInSeconds      *int
	MaximumRetryAttempts           *int
	ParallelizationFactor          int
	TumblingWindowInSeconds        int
	ScalingConfig                  struct {
		MaximumConcurrency int
	}
	StartingPosition string

	Tags label

	KmsKeyArn     noEffect `why:"filters are not encrypted here"`
	MetricsConfig noEffect `why:"nothing measures here"`
}

func (p *planner) readMapping(r *assembly.Resource) {
	var props mappingProperties
	if !decode(&p.report, r, &props) {
		return
	}
	c := lambda.MappingConfig{
		ID: r.Name, SourceARN: props.EventSourceArn, Enabled: props.Enabled == nil || *props.Enabled,
		Window:           time.Duration(props.MaximumBatchingWindowInSeconds) * time.Second,
		MaxConcurrency:   props.ScalingConfig.MaximumConcurrency,
		StartingPosition: lambda.StartingPosition(props.StartingPosition), ParallelizationFactor: props.ParallelizationFactor,
		BisectOnError: props.BisectBatchOnFunctionError,
		MaxRetries:    props.MaximumRetryAttempts,
		OnFailureARN:  props.DestinationConfig.OnFailure.Destination,
	}
	if props.BatchSize != nil {
		c.BatchSize = *props.BatchSize
	}
	if props.TumblingWindowInSeconds > 0 {
		p.report.fail(r, "TumblingWindowInSeconds", "is %d; windows of state over invocations are not served", props.TumblingWindowInSeconds)
	}
	// -1 means no limit, which is 0 here.
	if age := props.MaximumRecordAgeInSeconds; age != nil && *age != -1 {
		c.MaxRecordAge = time.Duration(*age) * time.Second
	}
	for _, f := range props.FilterCriteria.Filters {
		c.FilterPatterns = append(c.FilterPatterns, f.Pattern)
	}
	for _, kind := range props.FunctionResponseTypes {
		if kind != "ReportBatchItemFailures" {
			p.report.fail(r, "FunctionResponseTypes", "has %q; Lambda knows ReportBatchItemFailures", kind)
			continue
		}
		c.ReportBatchItemFailures = true
	}
	m := &mapping{resource: r, config: c}
	p.mappings = append(p.mappings, m)
	p.later = append(p.later, func() {
		if m.function = p.findFunction(props.FunctionName); m.function == nil {
			p.missing(r, "FunctionName", props.FunctionName, "this assembly has no function %q", props.FunctionName)
			return
		}
		m.config.FunctionName = m.function.config.Name
	})
}

// finishMappings checks what AWS checks when it makes a mapping: that source and
// destination exist, that the function's role may do what Lambda's poller does
// with the role's credentials, and that a queue hides messages long enough.
func (p *planner) finishMappings() {
	for _, m := range p.mappings {
		p.plan.mappings = append(p.plan.mappings, m.config)
		if m.function == nil {
			continue
		}
		p.checkSource(m)
		if dest := m.config.OnFailureARN; dest != "" {
			if _, ok := p.queues[dest]; !ok {
				p.missing(m.resource, "DestinationConfig.OnFailure.Destination", dest, "this assembly has no queue %q; served are queues", dest)
			} else if d := p.roleAllows(m.function.config.RoleARN, dest, "sqs:SendMessage"); d != nil {
				p.report.fail(m.resource, "DestinationConfig.OnFailure.Destination",
					"Lambda would refuse the mapping (InvalidParameterValueException: The function execution role does not have permissions to call SendMessage on %s): %s", dest, d.Explain())
			}
		}
	}
}

func (p *planner) checkSource(m *mapping) {
	source, role := m.config.SourceARN, m.function.config.RoleARN
	if q, ok := p.queues[source]; ok {
		if d := p.roleAllows(role, source, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"); d != nil {
			_, action, _ := strings.Cut(d.Need.Action, ":")
			p.report.fail(m.resource, "EventSourceArn",
				"Lambda would refuse the mapping (InvalidParameterValueException: The function execution role does not have permissions to call %s on SQS): %s", action, d.Explain())
		}
		if timeout := m.function.config.Timeout; timeout > q.config.VisibilityTimeout {
			p.report.fail(m.resource, "EventSourceArn",
				"Lambda would refuse the mapping (InvalidParameterValueException: Queue visibility timeout: %d seconds is less than Function timeout: %d seconds)",
				int(q.config.VisibilityTimeout.Seconds()), int(timeout.Seconds()))
		}
		return
	}
	tableARN, _, isStream := strings.Cut(source, "/stream/")
	if t, ok := p.tables[tableARN]; isStream && ok && t.config.StreamARN == source {
		if d := p.roleAllows(role, source, "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"); d != nil {
			p.report.fail(m.resource, "EventSourceArn",
				"Lambda would refuse the mapping (InvalidParameterValueException: Cannot access stream %s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream Actions on your stream in IAM.): %s", source, d.Explain())
		}
		return
	}
	if p.broken[source] || p.broken[tableARN] {
		return // reported already
	}
	known := make([]string, 0, len(p.queues)+len(p.tables))
	for arn := range p.queues {
		known = append(known, arn)
	}
	for _, t := range p.tables {
		if t.config.StreamARN != "" {
			known = append(known, t.config.StreamARN)
		}
	}
	slices.Sort(known)
	p.report.fail(m.resource, "EventSourceArn", "this assembly has no queue or table stream %q; it has %s", source, strings.Join(known, ", "))
}
