package privilege

import (
	"slices"
	"strings"
)

// Unrestricted is an action that takes no resource: a statement that allows it has
// to say "*".
type Unrestricted struct {
	Action string // xray:PutTraceSegments
	Reason string
	Page   string // where AWS says that it takes no resource
}

const (
	xrayPage = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html"
	xrayWhy  = "a segment belongs to the account, not to a resource: X-Ray has no ARN for it"
)

// AnyResource is the whole list of what may be allowed on "*", by action. A new
// line needs a page of AWS's that says that the action takes no resource.
func AnyResource() []Unrestricted {
	return []Unrestricted{
		{"xray:GetSamplingRules", "sampling rules are read as a whole: the action takes no resource", xrayPage},
		{"xray:GetSamplingTargets", "the quotas of all sampling rules come together: the action takes no resource", xrayPage},
		{"xray:PutTelemetryRecords", xrayWhy, xrayPage},
		{"xray:PutTraceSegments", xrayWhy, xrayPage},
	}
}

// mayBeAnywhere reports whether the list has an action. IAM reads actions without
// regard to case.
func mayBeAnywhere(action string) bool {
	return slices.ContainsFunc(AnyResource(), func(u Unrestricted) bool { return strings.EqualFold(u.Action, action) })
}
