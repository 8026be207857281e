package githubaccess

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/local/iam"
)

var update = flag.Bool("update", false, "write the golden files")

func shop() Options {
	return Options{App: "shop", Owner: "octo-org", Repo: "Shop.web", Environments: []Environment{
		{"preview", PullRequests}, {"staging", "staging"}, {"production", "production"}}}
}

// numbered is the newer kind of repository, in an account that knows GitHub.
func numbered() Options {
	o := shop()
	o.OwnerID, o.RepoID, o.ExistingProvider, o.Qualifier = "123456", "456789", true, "own"
	o.Environments = o.Environments[2:]
	return o
}

func TestTemplate(t *testing.T) {
	for name, o := range map[string]Options{"all.json": shop(), "existing.json": numbered()} {
		got, err := Template(o)
		if err != nil {
			t.Fatal(err)
		}
		file := "testdata/" + name
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s (go test -update writes it):\n%s", file, got)
		}
	}
}

type role struct {
	Trust    json.RawMessage `json:"AssumeRolePolicyDocument"`
	Policies []struct{ PolicyDocument json.RawMessage }
}

// roleOf reads a role from the template, with the account's values in place.
func roleOf(t *testing.T, o Options, id string) role {
	t.Helper()
	b, err := Template(o)
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct{ Properties json.RawMessage }
	}
	if err := json.Unmarshal(b, &template); err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(template.Resources[id].Properties, &tree); err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	b, err = json.Marshal(resolve(tree))
	if err != nil {
		t.Fatal(err)
	}
	var r role
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// resolve does what CloudFormation would in account 111122223333, eu-west-1.
func resolve(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = resolve(v[i])
		}
	case map[string]any:
		if format, ok := v["Fn::Sub"].(string); ok {
			return strings.NewReplacer("${AWS::Partition}", "aws", "${AWS::AccountId}", "111122223333", "${AWS::Region}", "eu-west-1",
				"${Releases.Arn}", "arn:aws:s3:::releases").Replace(format)
		}
		if list, ok := v["Fn::GetAtt"].([]any); ok {
			return map[string]string{"Releases": "arn:aws:s3:::releases"}[list[0].(string)]
		}
		if v["Ref"] == "GitHub" {
			return providerARN
		}
		for key := range v {
			v[key] = resolve(v[key])
		}
	}
	return v
}

const providerARN = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"

// trusts asks IAM's own rules whether a token may become the role. The evaluator
// knows no federated principals: who it is is compared here, what the token must say
// is judged as the conditions of any other statement.
func trusts(t *testing.T, r role, token map[string][]string) bool {
	t.Helper()
	var doc struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal(r.Trust, &doc); err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Statement {
		if got := fmt.Sprint(s["Principal"]); got != fmt.Sprint(map[string]any{"Federated": providerARN}) {
			t.Errorf("the role trusts %s", got)
		}
		delete(s, "Principal")
		s["Resource"] = "*"
	}
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	d, err := iam.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return iam.Policies{d}.Decide(iam.Need{Action: "sts:AssumeRoleWithWebIdentity", Resource: "*", Context: token}).Outcome == iam.Allowed
}

func TestTrust(t *testing.T) {
	tests := []struct {
		subject, audience string
		want              bool
	}{
		{"repo:octo-org/Shop.web:environment:production", "sts.amazonaws.com", true},
		{"repo:octo-org/Shop.web:environment:production", "https://github.com/octo-org", false},
		{"repo:octo-org/Shop.web:environment:staging", "sts.amazonaws.com", false},
		{"repo:octo-org/Shop.web:environment:Production", "sts.amazonaws.com", false},
		{"repo:octo-org/Shop.web:environment:production2", "sts.amazonaws.com", false},
		{"repo:octo-org/Shop.web:ref:refs/heads/main", "sts.amazonaws.com", false},
		{"repo:octo-org/Shop.web:pull_request", "sts.amazonaws.com", false},
		{"repo:octo-org/shop.web:environment:production", "sts.amazonaws.com", false},
		{"repo:octo-org/Shop-web:environment:production", "sts.amazonaws.com", false},
		{"repo:somebody/Shop.web:environment:production", "sts.amazonaws.com", false},
		{"repo:octo-org@1/Shop.web@2:environment:production", "sts.amazonaws.com", false},
		{"", "sts.amazonaws.com", false},
	}
	production := roleOf(t, shop(), "RoleProduction")
	for _, tt := range tests {
		token := map[string][]string{Issuer + ":sub": {tt.subject}, Issuer + ":aud": {tt.audience}}
		if got := trusts(t, production, token); got != tt.want {
			t.Errorf("%s for %s: %v, want %v", tt.subject, tt.audience, got, tt.want)
		}
	}
	if trusts(t, production, nil) {
		t.Error("a token that says nothing is trusted")
	}
	own := map[string][]string{Issuer + ":sub": {"repo:octo-org@123456/Shop.web@456789:environment:production"}, Issuer + ":aud": {audience}}
	if !trusts(t, roleOf(t, numbered(), "RoleProduction"), own) {
		t.Error("with GitHub's numbers the own token is not trusted")
	}
	own[Issuer+":sub"] = []string{"repo:octo-org/Shop.web:environment:production"}
	if trusts(t, roleOf(t, numbered(), "RoleProduction"), own) {
		t.Error("with GitHub's numbers one without is trusted")
	}
}

func TestRights(t *testing.T) {
	deploy := "arn:aws:iam::111122223333:role/cdk-hnb659fds-deploy-role-111122223333-eu-west-1"
	tag := func(kind string) map[string][]string {
		return map[string][]string{"iam:ResourceTag/aws-cdk:bootstrap-role": {kind}}
	}
	prefix := func(key string) map[string][]string { return map[string][]string{"s3:prefix": {key}} }
	table := func(name string) string { return "arn:aws:dynamodb:eu-west-1:111122223333:table/" + name }
	tests := []struct {
		role, action, resource string
		context                map[string][]string
		want                   bool
	}{
		{"RoleStaging", "sts:AssumeRole", deploy, tag("deploy"), true},
		{"RoleStaging", "sts:AssumeRole", deploy, nil, false},
		{"RoleStaging", "sts:AssumeRole", deploy, tag("cloudformation-exec"), false},
		{"RoleStaging", "sts:AssumeRole", strings.Replace(deploy, "eu-west-1", "us-east-1", 1), tag("deploy"), false},
		{"RoleStaging", "sts:AssumeRole", "arn:aws:iam::111122223333:role/admin", tag("deploy"), false},
		{"RoleStaging", "cloudwatch:DescribeAlarms", "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:*", nil, true},
		{"RoleStaging", "cloudwatch:PutMetricAlarm", "*", nil, false},
		{"RoleStaging", "s3:PutObject", "arn:aws:s3:::releases/shop/staging.tar.gz", nil, true},
		{"RoleStaging", "s3:PutObject", "arn:aws:s3:::releases/shop/production.tar.gz", nil, false},
		{"RoleStaging", "s3:DeleteObject", "arn:aws:s3:::releases/shop/staging.tar.gz", nil, false},
		{"RoleStaging", "s3:ListBucket", "arn:aws:s3:::releases", prefix("shop/staging.tar.gz"), true},
		{"RoleStaging", "s3:ListBucket", "arn:aws:s3:::releases", prefix("shop/production.tar.gz"), false},
		{"RoleStaging", "s3:ListBucket", "arn:aws:s3:::releases", nil, false},
		{"RoleStaging", "dynamodb:Query", table("shop-staging-deliveries"), nil, true},
		{"RoleStaging", "dynamodb:Query", table("shop-staging-users"), nil, false},
		{"RoleStaging", "dynamodb:Query", table("shop-production-deliveries"), nil, false},
		{"RoleStaging", "dynamodb:PutItem", table("shop-staging-deliveries"), nil, false},
		{"RoleStaging", "cloudformation:ListStacks", "*", nil, false},
		{"RolePreview", "dynamodb:Query", table("shop-pr12-deliveries"), nil, true},
		{"RolePreview", "dynamodb:Query", table("shop-production-deliveries"), nil, false},
		{"RolePreview", "dynamodb:Query", table("shop-pr12-users"), nil, false},
		{"RolePreview", "cloudformation:ListStacks", "*", nil, true},
		{"RolePreview", "cloudformation:DeleteStack", "*", nil, false},
		{"RolePreview", "s3:PutObject", "arn:aws:s3:::releases/shop/production.tar.gz", nil, false},
		{"RoleProduction", "s3:GetObject", "arn:aws:s3:::releases/shop/production.tar.gz", nil, true},
	}
	for _, tt := range tests {
		r := roleOf(t, shop(), tt.role)
		var policies iam.Policies
		for _, p := range r.Policies {
			d, err := iam.Parse(p.PolicyDocument)
			if err != nil {
				t.Fatal(err)
			}
			policies = append(policies, d)
		}
		got := policies.Decide(iam.Need{Action: tt.action, Resource: tt.resource, Context: tt.context}).Outcome == iam.Allowed
		if got != tt.want {
			t.Errorf("%s: %s on %s with %v: %v, want %v", tt.role, tt.action, tt.resource, tt.context, got, tt.want)
		}
	}
}

// The statements on every resource are known, and are these.
func TestWildcards(t *testing.T) {
	reasons := map[string]string{
		"ReadAlarms": "DescribeAlarms by a name's beginning is judged as a question about all alarms",
		"ListStacks": "ListStacks knows no resource",
	}
	for _, id := range []string{"RolePreview", "RoleStaging", "RoleProduction"} {
		for _, p := range roleOf(t, shop(), id).Policies {
			var doc struct {
				Statement []struct {
					Sid              string
					Action, Resource any
				}
			}
			if err := json.Unmarshal(p.PolicyDocument, &doc); err != nil {
				t.Fatal(err)
			}
			for _, s := range doc.Statement {
				if strings.Contains(fmt.Sprint(s.Action), "*") {
					t.Errorf("%s %s: actions %v", id, s.Sid, s.Action)
				}
				if s.Resource == "*" && reasons[s.Sid] == "" {
					t.Errorf("%s %s is allowed on *, without a reason", id, s.Sid)
				}
			}
		}
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name string
		edit func(*Options)
		says string // empty: allowed
	}{
		{"right", func(*Options) {}, ""},
		{"numbers", func(o *Options) { o.OwnerID, o.RepoID = "1", "2" }, ""},
		{"no repository", func(o *Options) { o.Repo = "" }, `repository "octo-org/"`},
		{"a whole address", func(o *Options) { o.Owner = "https://github.com/x" }, "OWNER/REPO"},
		{"a wildcard", func(o *Options) { o.Repo = "*" }, "OWNER/REPO"},
		{"a colon", func(o *Options) { o.Repo = "a:environment" }, "OWNER/REPO"},
		{"half the numbers", func(o *Options) { o.OwnerID = "1" }, "OWNER_ID/REPO_ID"},
		{"names for numbers", func(o *Options) { o.OwnerID, o.RepoID = "a", "b" }, "OWNER_ID/REPO_ID"},
		{"the application", func(o *Options) { o.App = "Shop" }, "application name"},
		{"no environment", func(o *Options) { o.Environments = nil }, "no environment"},
		{"environment's name", func(o *Options) { o.Environments[0].Name = "a/b" }, `environment "a/b"`},
		{"one logical id", func(o *Options) { o.Environments[0].Name = "stagIng" }, "capitals"},
		{"one deployment twice", func(o *Options) { o.Environments[2].Deployment = "staging" }, "two environments deploy it"},
		{"a pull request's deployment", func(o *Options) { o.Environments[2].Deployment = "pr7" }, "say pr*"},
		{"a deployment's id", func(o *Options) { o.Environments[2].Deployment = "Prod" }, "deployment id"},
		{"qualifier", func(o *Options) { o.Qualifier = "a-b" }, "qualifier"},
	}
	for _, tt := range tests {
		o := shop()
		tt.edit(&o)
		_, err := Template(o)
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
		}
	}
}
