package rulepack

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/privilege"
)

const (
	typeLogGroup = "AWS::Logs::LogGroup"

	pageLogs        = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html"
	pageLimits      = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
	pagePermissions = "https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html"
)

// maxEnvironment is the size of a function's variables together, in bytes.
const maxEnvironment = 4 * 1024

func functionRules() []Rule {
	return []Rule{
		{
			ID: "vinci/log-retention", Page: pageLogs,
			What: "a log group says how long it keeps, and a function has one in the template", Why: "logs are kept and paid for ever otherwise; Lambda makes a missing group itself", check: (*inspection).logRetention,
		},
		{
			ID: "vinci/function-environment", Page: pageLimits, Hard: true,
			What: "a function's environment variables have at most 4 KB", Why: "Lambda takes no more", check: (*inspection).functionEnvironment,
		},
		{
			ID: "vinci/function-source", Page: pagePermissions,
			What: "a service may invoke a function for one source only (SourceArn)", Why: "anybody's rule, API or bucket could invoke it otherwise", check: (*inspection).functionSource,
		},
	}
}

func (in *inspection) logRetention() {
	for _, g := range in.all(typeLogGroup) {
		if g.Properties["RetentionInDays"] == nil {
			in.found(g, finding{what: g.title("log group") + ": it keeps everything for ever", allowed: "RetentionInDays", mend: "set it"})
		}
	}
	for _, f := range in.all(typeFunction) {
		if at(f.Properties["LoggingConfig"], "LogGroup") != nil || in.hasLambdasGroup(f) {
			continue
		}
		in.found(f, finding{
			what:    f.title("function") + ": Lambda makes its log group, which keeps everything for ever",
			allowed: "a log group with RetentionInDays, named in LoggingConfig",
			mend:    "make an AWS::Logs::LogGroup (LogGroup of awslambda.FunctionProps)",
		})
	}
}

// hasLambdasGroup reports whether the group that Lambda logs to by itself is in a
// template: by the function's name, or by a reference to the function, which is how
// awslambda.Function makes it.
func (in *inspection) hasLambdasGroup(f *resource) bool {
	const folder = "/aws/lambda/"
	if name := f.named(); name != "" && in.byName[typeLogGroup+" "+folder+name] != nil {
		return true
	}
	return slices.ContainsFunc(f.stack.resources, func(g *resource) bool {
		return g.Type == typeLogGroup && privilege.Text(g.Properties["LogGroupName"]) == folder+"${"+f.id+"}"
	})
}

func (in *inspection) functionEnvironment() {
	for _, f := range in.all(typeFunction) {
		variables, _ := at(f.Properties["Environment"], "Variables").(map[string]any)
		n := 0
		for key, value := range variables {
			n += len(key) + len(in.expanded(f.stack, value))
		}
		if n > maxEnvironment {
			in.found(f, finding{
				what: fmt.Sprintf("%s: its environment variables have %d bytes", f.title("function"), n), allowed: fmt.Sprintf("%d bytes, names and values together", maxEnvironment), mend: "keep what is long in a table, or in SSM's Parameter Store",
			})
		}
	}
}

func (in *inspection) functionSource() {
	for _, p := range in.all("AWS::Lambda::Permission") {
		principal := privilege.Text(p.Properties["Principal"])
		if p.Properties["SourceArn"] != nil || p.Properties["EventSourceToken"] != nil || p.Properties["PrincipalOrgID"] != nil {
			continue
		}
		if principal == "*" || strings.Contains(principal, ".amazonaws.") || strings.HasSuffix(principal, ".amazon.com") {
			in.found(p, finding{
				what: fmt.Sprintf("%s lets %s invoke a function for any source", p.title("permission"), principal), allowed: "SourceArn", mend: "name the rule, API or bucket that may invoke it",
			})
		}
	}
}

// expanded is a value as it is deployed, as far as the template says it: for
// lengths. What CloudFormation puts in is taken at its usual length, and at its
// longest where AWS says one.
func (in *inspection) expanded(s *stack, v any) string {
	text := privilege.Text(v)
	if m, ok := v.(map[string]any); ok && expression(m) {
		for _, kind := range []string{typeQueue, typeTable, typeGlobalTable, typeFunction, typeLogGroup, typeRole, typeRule, "AWS::SNS::Topic", "AWS::Events::EventBus"} {
			if r := in.of(s, v, kind); r != nil {
				name := r.named()
				if name == "" { // CloudFormation makes one of stack, logical id and 12 characters
					name = (s.name + "-" + r.id + "-123456789012")
					name = name[:min(len(name), 64)]
				}
				if m["Ref"] != nil {
					return name
				}
				return "arn:aws:service:ap-southeast-1:123456789012:resource/" + name
			}
		}
	}
	for _, pseudo := range pseudoParameters {
		text = strings.ReplaceAll(text, "${"+pseudo[0]+"}", pseudo[1])
	}
	return text
}

var pseudoParameters = [...][2]string{
	{"AWS::Partition", "aws"}, {"AWS::Region", "ap-southeast-1"}, {"AWS::AccountId", "123456789012"}, {"AWS::URLSuffix", "amazonaws.com"},
}

// assumedBy reports whether a role is one that a service may take on.
func assumedBy(r *resource, service string) bool {
	statements, err := privilege.Read(r.Properties["AssumeRolePolicyDocument"])
	return err == nil && slices.ContainsFunc(statements, func(s privilege.Statement) bool {
		return s.Effect == "Allow" && slices.Contains(privilege.List(at(s.Principal, "Service")), any(service))
	})
}
