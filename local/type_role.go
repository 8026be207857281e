package local

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

type role struct {
	resource *assembly.Resource
	trust    json.RawMessage
	session  time.Duration // the longest, 0 for the default
	policies iam.Policies
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
type roleProperties struct {
	AssumeRolePolicyDocument json.RawMessage `cfn:",required"`
	Policies                 []struct {
		PolicyName     string          `cfn:",required"`
		PolicyDocument json.RawMessage `cfn:",required"`
	}
	ManagedPolicyArns []string
	Description       label
	Path              label // the assembly has read it
	RoleName          label // the assembly has read it
	Tags              label

	MaxSessionDuration int // seconds; a function's own credentials do not expire here
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-policy.html
type policyProperties struct {
	PolicyName     string          `cfn:",required"`
	PolicyDocument json.RawMessage `cfn:",required"`
	Roles          []string
}

func (p *planner) readRole(r *assembly.Resource) {
	var props roleProperties
	if !decode(&p.report, r, &props) {
		return
	}
	ro := &role{resource: r, trust: props.AssumeRolePolicyDocument, session: time.Duration(props.MaxSessionDuration) * time.Second}
	for i, policy := range props.Policies {
		p.addPolicy(ro, r, fmt.Sprintf("Policies[%d].PolicyDocument", i), policy.PolicyName, policy.PolicyDocument)
	}
	for i, arn := range props.ManagedPolicyArns {
		document, ok := managedPolicies()[managedName(arn)]
		if !ok {
			p.report.fail(r, fmt.Sprintf("ManagedPolicyArns[%d]", i),
				"what %s allows is known only to AWS: write the statements into the role (known here are %s)", arn, managedNames())
			continue
		}
		p.addPolicy(ro, r, fmt.Sprintf("ManagedPolicyArns[%d]", i), managedName(arn), json.RawMessage(document))
	}
	p.roles[r.ARN] = ro
	p.rolesByName[r.Name] = ro
}

// readPolicy adds a policy that stands beside its roles. The roles may come
// later: a policy need not refer to them by Ref.
func (p *planner) readPolicy(r *assembly.Resource) {
	var props policyProperties
	if !decode(&p.report, r, &props) {
		return
	}
	p.later = append(p.later, func() {
		for i, name := range props.Roles {
			ro, ok := p.rolesByName[name]
			if !ok {
				p.missing(r, fmt.Sprintf("Roles[%d]", i), name, "this assembly has no role %q", name)
				continue
			}
			p.addPolicy(ro, r, "PolicyDocument", props.PolicyName, props.PolicyDocument)
		}
	})
}

func (p *planner) addPolicy(ro *role, r *assembly.Resource, property, name string, document json.RawMessage) {
	d, err := iam.Parse(document)
	if err != nil {
		p.report.fail(r, property, "%v", err)
		return
	}
	d.Name = r.Where() + " " + name
	ro.policies = append(ro.policies, d)
}

func (p *planner) finishRoles() {
	for arn, ro := range p.roles {
		p.plan.roles[arn] = ro.policies
		d, err := iam.ParseResource(ro.trust)
		if err != nil {
			// A function that has the role reports it. Others' roles are not taken here.
			p.report.noEffect(ro.resource, "AssumeRolePolicyDocument", "nobody can take the role with STS here: "+err.Error())
			continue
		}
		d.Name = ro.resource.Where() + " trust"
		p.plan.trusts[arn] = gateway.Trust{Policy: d, MaxSession: ro.session}
	}
}

// roleAllows says whether the role may do each of the actions on the resource;
// it gives the first decision that says no.
func (p *planner) roleAllows(roleARN, resource string, actions ...string) *iam.Decision {
	ro, ok := p.roles[roleARN]
	if !ok {
		return nil // reported where the role is named
	}
	for _, action := range actions {
		if d := ro.policies.Decide(iam.Need{Action: action, Resource: resource}); !d.Allowed() {
			return &d
		}
	}
	return nil
}

// trusts says whether Lambda may take the role for a function.
func (p *planner) trusts(ro *role, functionARN string) error {
	const service = "lambda.amazonaws.com"
	d, err := iam.ParseResource(ro.trust)
	if err != nil {
		return err
	}
	decision := d.DecideFor(iam.Principal{Service: service}, iam.Need{
		Action: "sts:AssumeRole", Resource: ro.resource.ARN,
		Context: map[string][]string{"aws:SourceAccount": {p.env.Account}, "aws:SourceArn": {functionARN}},
	})
	if !decision.Allowed() {
		return fmt.Errorf("its AssumeRolePolicyDocument does not let %s take it", service)
	}
	return nil
}
