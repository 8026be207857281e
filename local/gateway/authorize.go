package gateway

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/vinci-go/vinci/local/iam"
)

// authorize judges every need and answers with AWS's refusal when one is not
// allowed; it returns that decision.
func (g *gateway) authorize(w http.ResponseWriter, r *Request, resources ResourcePolicies, policies iam.Policies, needs []iam.Need) *iam.Decision {
	who := iam.Principal{RoleARN: r.Caller.RoleARN, SessionARN: r.Caller.ARN(), Account: r.Caller.Account}
	for _, n := range needs {
		n.More = g.globalKeys(r.Caller, n.More)
		var policy *iam.Document
		if resources != nil {
			policy = resources.ResourcePolicy(n.Resource)
		}
		d := iam.Evaluate(policies, policy, who, n)
		if d.Allowed() {
			continue
		}
		if g.Hint != nil {
			d.Hint = g.Hint(r.Caller, d)
		}
		g.Logger.Warn("call denied by IAM", "caller", r.Caller.ARN(), "action", n.Action, "resource", n.Resource, "why", d.Explain(), "request_id", r.ID)
		WriteError(w, r, AccessDenied(r.Caller, d))
		return &d
	}
	return nil
}

// AccessDenied is AWS's refusal of a call, followed by what AWS does not tell: the
// statement that is missing and the decision's hint, or the statement that denies.
func AccessDenied(c Caller, d iam.Decision) *Error {
	return &Error{
		Code: "AccessDeniedException", Namespace: coral, QueryCode: "AccessDenied",
		Message: fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s (local runtime: %s)", c.ARN(), d.Need.Action, d.Need.Resource, d.Reason(), d.Explain()),
	}
}

// readBody reads the whole body, with AWS's error when it is over the limit.
func (g *gateway) readBody(w http.ResponseWriter, r *Request) error {
	limit := max(g.MaxBody, r.limit)
	if n := r.HTTP.ContentLength; n > 0 && n <= limit {
		r.Body = make([]byte, n)
		if _, err := io.ReadFull(r.HTTP.Body, r.Body); err != nil {
			return Malformed(fmt.Errorf("it ended before its Content-Length of %d bytes: %w", n, err))
		}
		return nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.HTTP.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return &Error{Code: "RequestEntityTooLargeException", Namespace: coral, QueryCode: "RequestEntityTooLarge", Status: http.StatusRequestEntityTooLarge,
			Message: fmt.Sprintf("The request body is over the limit of %d bytes", limit)}
	case err != nil:
		return Malformed(err)
	}
	r.Body = body
	return nil
}

func randomID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
