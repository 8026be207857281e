package rulepack

import (
	"fmt"
	"unicode/utf8"

	"github.com/vinci-go/vinci/internal/names"
)

const (
	typeTable       = "AWS::DynamoDB::Table"
	typeGlobalTable = "AWS::DynamoDB::GlobalTable"

	pageStackLimits = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
	pageNames       = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html"
)

// CloudFormation's limits of one template, on its page.
const (
	maxResources = 500
	maxTemplate  = 1_000_000 // bytes: AWS says 1 MB, and not which
	maxSections  = 200       // of outputs, of parameters, of mappings
)

// nameLimits is how long a name may be. The pages are those of each type in the
// template reference or the API reference.
var nameLimits = [...]struct {
	of, property string
	max          int
}{
	{typeQueue, "QueueName", names.MaxQueue},
	{typeTable, "TableName", names.MaxTable},
	{typeGlobalTable, "TableName", names.MaxTable},
	{typeFunction, "FunctionName", 64},
	{"AWS::Lambda::LayerVersion", "LayerName", 140},
	{typeRole, "RoleName", 64},
	{"AWS::IAM::Policy", "PolicyName", 128},
	{"AWS::IAM::ManagedPolicy", "ManagedPolicyName", 128},
	{typeRule, "Name", 64},
	{"AWS::Events::EventBus", "Name", 256},
	{"AWS::Events::Archive", "ArchiveName", 48},
	{"AWS::Scheduler::Schedule", "Name", 64},
	{"AWS::SNS::Topic", "TopicName", 256},
	{typeLogGroup, "LogGroupName", 512},
	{"AWS::CloudWatch::Alarm", "AlarmName", 255},
	{"AWS::CloudWatch::CompositeAlarm", "AlarmName", 255},
	{"AWS::CloudWatch::Dashboard", "DashboardName", 255},
	{"AWS::S3::Bucket", "BucketName", 63},
	{"AWS::StepFunctions::StateMachine", "StateMachineName", 80},
}

func limitRules() []Rule {
	return []Rule{
		{
			ID: "vinci/name-length", Page: pageNames, Hard: true,
			What: "a name is as long as AWS takes it", Why: "a deployment fails in its middle otherwise", check: (*inspection).nameLength,
		},
		{
			ID: "vinci/stack-resources", Page: pageStackLimits, Hard: true,
			What: fmt.Sprintf("a stack has at most %d resources; from 450 on there is a note", maxResources), Why: "CloudFormation takes no more", check: (*inspection).stackResources,
		},
		{
			ID: "vinci/stack-size", Page: pageStackLimits, Hard: true,
			What: "a template has at most 1 MB", Why: "CloudFormation takes no more", check: (*inspection).stackSize,
		},
		{
			ID: "vinci/stack-sections", Page: pageStackLimits, Hard: true,
			What: fmt.Sprintf("a template has at most %d outputs, parameters and mappings, of each", maxSections), Why: "CloudFormation takes no more", check: (*inspection).stackSections,
		},
	}
}

func (in *inspection) nameLength() {
	for _, r := range in.all() {
		for _, limit := range nameLimits {
			name, ok := r.Properties[limit.property].(string)
			if n := utf8.RuneCountInString(name); limit.of == r.Type && ok && n > limit.max {
				in.found(r, finding{
					what: fmt.Sprintf("%s %q has %d characters", limit.property, name, n), allowed: fmt.Sprintf("%d characters for %s", limit.max, r.Type), mend: "shorten it",
				})
			}
		}
	}
	for _, s := range in.stacks {
		if n := len(s.name); n > names.MaxStack && !s.nested {
			in.foundStack(s, finding{what: fmt.Sprintf("stack %q has %d characters", s.name, n), allowed: fmt.Sprintf("%d characters for a stack", names.MaxStack), mend: "shorten it"})
		}
	}
}

func (in *inspection) stackResources() {
	for _, s := range in.stacks {
		in.notice("resources of stack "+s.name, len(s.resources), maxResources)
		if n := len(s.resources); n > maxResources {
			in.foundStack(s, finding{
				what: fmt.Sprintf("stack %q has %d resources", s.name, n), allowed: fmt.Sprintf("%d resources a stack", maxResources), mend: "divide it: ApplicationProps.Layout for subscriptions, AddStack for what is your own",
			})
		}
	}
}

func (in *inspection) stackSize() {
	for _, s := range in.stacks {
		in.notice("bytes of the template of stack "+s.name, s.size, maxTemplate)
		if s.size > maxTemplate {
			in.foundStack(s, finding{
				what: fmt.Sprintf("the template of stack %q has %d bytes", s.name, s.size), allowed: fmt.Sprintf("1 MB (%d bytes)", maxTemplate), mend: "divide the stack; keep what is long (code, definitions) in an asset",
			})
		}
	}
}

func (in *inspection) stackSections() {
	for _, s := range in.stacks {
		for _, section := range []struct {
			name string
			n    int
		}{{"outputs", len(s.template.Outputs)}, {"parameters", len(s.template.Parameters)}, {"mappings", len(s.template.Mappings)}} {
			in.notice(section.name+" of stack "+s.name, section.n, maxSections)
			if section.n > maxSections {
				in.foundStack(s, finding{
					what: fmt.Sprintf("stack %q has %d %s", s.name, section.n, section.name), allowed: fmt.Sprintf("%d %s a stack", maxSections, section.name), mend: "divide it",
				})
			}
		}
	}
}
