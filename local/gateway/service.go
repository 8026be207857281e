package gateway

import (
	"net/http"
	"strings"

	"github.com/vinci-go/vinci/local/iam"
)

// Caller is who made a call, as its access key id says.
type Caller struct {
	AccessKeyID string
	// RoleARN is the role whose credentials were used; "" for the owner.
	RoleARN string
	// Session is the role session's name: the function's, when a function calls.
	Session string
	// Owner is set for the developer's own credentials, which may do everything.
	Owner bool
	// Account is the local account's id.
	Account string
}

// ARN is the caller as AWS names it in messages: a role's session, or the
// account's root for the owner.
func (c Caller) ARN() string {
	if c.RoleARN == "" {
		return "arn:aws:iam::" + c.Account + ":root"
	}
	role := c.RoleARN[strings.LastIndexByte(c.RoleARN, '/')+1:]
	return "arn:aws:sts::" + c.account() + ":assumed-role/" + role + "/" + c.Session
}

// UserID is the caller's unique id, as GetCallerIdentity and API Gateway tell it.
func (c Caller) UserID() string {
	if c.RoleARN == "" {
		return c.Account
	}
	return c.AccessKeyID + ":" + c.Session
}

func (c Caller) account() string {
	if c.Account != "" || c.RoleARN == "" {
		return c.Account
	}
	if parts := strings.Split(c.RoleARN, ":"); len(parts) > 4 {
		return parts[4]
	}
	return ""
}

// Request is one call that IAM has let through.
type Request struct {
	HTTP      *http.Request
	Body      []byte // the whole body; HTTP.Body is spent
	Operation string // as "PutItem"
	Caller    Caller
	ID        string // also in the answer's x-amzn-requestid
	// REST is set for a call of a [RESTService]. Its errors have another shape.
	REST bool

	limit int64 // of the body, when it is more than Options.MaxBody
}

// Service is one AWS service behind the gateway. Its methods are called from many
// goroutines at once.
type Service interface {
	// Prefixes are the parts of X-Amz-Target before the dot that it serves.
	Prefixes() []string
	// Needs is what IAM must allow for the call, one entry for each action and
	// resource; none when the operation needs no permission. The body is not
	// validated yet. An [*Error] is answered as it is (UnknownOperation for an
	// operation that the service does not know), any other error as a
	// SerializationException: the body could not be read.
	Needs(operation string, body []byte) ([]iam.Need, error)
	// Serve answers the call.
	Serve(w http.ResponseWriter, r *Request)
}

// RESTService is a service whose operations are told by method and path (REST-JSON), as Lambda's are.
// Its methods are called from many goroutines at once.
type RESTService interface {
	// Route is the operation of a call, false for a path that is not the service's.
	Route(method, path string) (operation string, ok bool)
	// RESTNeeds is what IAM must allow; r.HTTP has path and query, r.Body the whole body. Errors as in Service.Needs.
	RESTNeeds(r *Request) ([]iam.Need, error)
	// Serve answers a call that IAM has allowed.
	Serve(w http.ResponseWriter, r *Request)
}

// ResourcePolicies may be implemented by a [Service] or [RESTService] whose resources have
// policies of their own (queues). A role's call is then judged by both: either
// may allow, each may deny.
type ResourcePolicies interface {
	// ResourcePolicy is the policy of the resource with that ARN, nil for none.
	ResourcePolicy(arn string) *iam.Document
}
