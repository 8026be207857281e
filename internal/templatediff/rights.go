package templatediff

import (
	"maps"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/privilege"
)

// right is one thing that a statement of a policy says, so small that it is in
// another policy or is not.
type right struct {
	effect, principal, action, resource, condition string
}

func (r right) String() string {
	var parts []string
	if r.principal != "" {
		parts = append(parts, r.principal+" may")
	}
	parts = append(parts, r.action)
	if r.resource != "" {
		parts = append(parts, "on "+r.resource)
	}
	if r.condition != "" {
		parts = append(parts, "if "+r.condition)
	}
	return strings.Join(parts, " ")
}

// rights are all that the policies of a resource say: its own policies, its trust
// policy, and the policy of a queue, topic, bus or bucket.
func rights(r *Resource) map[right]bool {
	out := map[right]bool{}
	if r == nil {
		return out
	}
	if r.Type == "AWS::Lambda::Permission" {
		p := r.Properties
		var conditions []string
		for _, key := range []string{"EventSourceToken", "FunctionUrlAuthType", "InvokedViaFunctionUrl", "PrincipalOrgID", "SourceAccount", "SourceArn"} {
			if p[key] != nil {
				conditions = append(conditions, key+" is "+text(p[key]))
			}
		}
		out[right{"Allow", plain(p["Principal"]), plain(p["Action"]), plain(p["FunctionName"]), strings.Join(conditions, " and ")}] = true
		return out
	}
	collect(r.Properties, out)
	return out
}

// collect finds every policy document below a value.
func collect(v any, out map[right]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			collect(e, out)
		}
	case map[string]any:
		statements, ok := v["Statement"]
		if !ok {
			for _, e := range v {
				collect(e, out)
			}
			return
		}
		for _, s := range privilege.List(statements) {
			statement, ok := s.(map[string]any)
			if !ok {
				continue
			}
			base := right{effect: plain(statement["Effect"]), condition: text(statement["Condition"])}
			for _, p := range principals(statement) {
				for _, a := range either(statement, "Action", "NotAction") {
					for _, res := range either(statement, "Resource", "NotResource") {
						one := base
						one.principal, one.action, one.resource = p, a, res
						out[one] = true
					}
				}
			}
		}
	}
}

// principals are those of a statement, one each: {"AWS": ["a", "b"]} are two.
func principals(statement map[string]any) []string {
	var out []string
	for _, key := range []string{"Principal", "NotPrincipal"} {
		prefix := ""
		if key == "NotPrincipal" {
			prefix = "all but "
		}
		switch p := statement[key].(type) {
		case nil:
		case map[string]any:
			for _, kind := range slices.Sorted(maps.Keys(p)) {
				for _, e := range privilege.List(p[kind]) {
					out = append(out, prefix+kind+" "+plain(e))
				}
			}
		default:
			out = append(out, prefix+plain(p))
		}
	}
	if out == nil {
		return []string{""}
	}
	return out
}

func either(statement map[string]any, key, not string) []string {
	var out []string
	for _, e := range privilege.List(statement[key]) {
		out = append(out, plain(e))
	}
	for _, e := range privilege.List(statement[not]) {
		out = append(out, "all but "+plain(e))
	}
	if out == nil {
		return []string{""}
	}
	return out
}

// plain is a string without its quotes, and anything else as JSON.
func plain(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return text(v)
}

// judgeRights warns of what is allowed and was not, of denials that are gone, and of
// routes that are open to all. Of a policy that is new only what is wider than anybody
// needs is told: that it allows anything at all is no news.
func (r *ResourceDiff) judgeRights(old, now *Resource) {
	before, after := rights(old), rights(now)
	for _, x := range sorted(after) {
		if before[x] || x.effect != "Allow" {
			continue
		}
		switch {
		case old != nil:
			r.warn(Rights, "newly allowed: %s", x)
		case x.action == "*" || strings.HasSuffix(x.action, ":*") || strings.HasPrefix(x.action, "all but "):
			r.warn(Rights, "allows every action of a kind: %s", x)
		case x.resource == "*" || strings.HasPrefix(x.resource, "all but "):
			r.warn(Rights, "allows it on every resource: %s", x)
		case (x.principal == "*" || x.principal == "AWS *") && x.condition == "":
			r.warn(Rights, "allows it to everybody: %s", x)
		}
	}
	for _, x := range sorted(before) {
		if x.effect == "Deny" && !after[x] && now != nil {
			r.warn(Rights, "no longer denied: %s", x)
		}
	}
	if r.Type == "AWS::ApiGatewayV2::Route" && now != nil {
		open := func(res *Resource) bool {
			kind := plain(res.Properties["AuthorizationType"])
			return kind == "" || kind == "NONE"
		}
		route := plain(now.Properties["RouteKey"])
		switch {
		case !open(now):
		case old == nil:
			r.warn(Rights, "everybody may call the route %s", route)
		case !open(old):
			r.warn(Rights, "everybody may call the route %s: its authorizer is gone", route)
		}
	}
	if old != nil && now != nil && r.Type == "AWS::IAM::Role" {
		for _, arn := range privilege.List(now.Properties["ManagedPolicyArns"]) {
			if !slices.ContainsFunc(privilege.List(old.Properties["ManagedPolicyArns"]), func(e any) bool { return text(e) == text(arn) }) {
				r.warn(Rights, "newly allowed: all of the managed policy %s", plain(arn))
			}
		}
		if old.Properties["PermissionsBoundary"] != nil && text(old.Properties["PermissionsBoundary"]) != text(now.Properties["PermissionsBoundary"]) {
			r.warn(Rights, "its permissions boundary is another one, or gone")
		}
	}
}

func sorted(rights map[right]bool) []right {
	return slices.SortedFunc(maps.Keys(rights), func(a, b right) int {
		return strings.Compare(a.String()+a.effect, b.String()+b.effect)
	})
}
