package local

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/httpapi"
	"github.com/vinci-go/vinci/local/iam"
)

// apiSignatures judges requests to routes with IAM authorization by the same keys
// and policies as calls at the gateway.
type apiSignatures struct {
	credentials *gateway.Credentials
	region      string
	now         func() time.Time
	logger      *slog.Logger
}

var _ httpapi.Signatures = (*apiSignatures)(nil)

// Authorize lets the owner and every role through that may do what is needed. Keys
// that nobody issued are refused here even when the gateway is open: what they
// stand for at an HTTP API nobody can say.
func (s *apiSignatures) Authorize(r *http.Request, body []byte, need iam.Need) (gateway.Caller, error) {
	caller, policies, err := s.credentials.Authenticate(r, body, gateway.Scope{Region: s.region, Service: "execute-api", Now: s.now()})
	if err != nil || caller.Owner {
		return caller, err
	}
	d := iam.Evaluate(policies, nil, iam.Principal{RoleARN: caller.RoleARN, SessionARN: caller.ARN(), Account: caller.Account}, need)
	if d.Allowed() {
		return caller, nil
	}
	s.logger.Warn("request denied by IAM", "caller", caller.ARN(), "action", need.Action, "resource", need.Resource, "why", d.Explain())
	return caller, gateway.AccessDenied(caller, d)
}
