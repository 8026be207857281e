package gateway

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/vinci-go/vinci/local/iam"
)

const algorithm = "AWS4-HMAC-SHA256"

// authenticate finds out who calls, with AWS's errors when nobody known does.
func (g *gateway) authenticate(r *http.Request) (Caller, iam.Policies, error) {
	id, err := accessKeyID(r)
	if err != nil {
		return Caller{}, nil, err
	}
	caller, policies, ok := g.Credentials.lookup(id)
	if !ok && g.Open {
		return Caller{AccessKeyID: id, Owner: true, Account: g.Credentials.account}, nil, nil
	}
	if !ok {
		return Caller{}, nil, &Error{Code: "UnrecognizedClientException", Namespace: coral, QueryCode: "InvalidClientTokenId",
			Message: "The security token included in the request is invalid."}
	}
	return caller, policies, nil
}

// accessKeyID reads the access key id from the Authorization header, or from the
// query of a presigned URL.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
func accessKeyID(r *http.Request) (string, error) {
	credential := ""
	if header := r.Header.Get("Authorization"); header != "" {
		rest, ok := strings.CutPrefix(header, algorithm)
		if !ok {
			return "", incompleteSignature("the Authorization header must begin with " + algorithm)
		}
		for _, part := range strings.FieldsFunc(rest, func(c rune) bool { return c == ',' || c == ' ' }) {
			if v, ok := strings.CutPrefix(part, "Credential="); ok {
				credential = v
			}
		}
		if credential == "" {
			return "", incompleteSignature("the Authorization header requires 'Credential' parameter")
		}
	} else if credential = r.URL.Query().Get("X-Amz-Credential"); credential == "" {
		return "", &Error{Code: "MissingAuthenticationTokenException", Namespace: coral, QueryCode: "MissingAuthenticationToken", Message: "Request is missing Authentication Token"}
	}
	// AKID/date/region/service/aws4_request
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[0] == "" {
		return "", incompleteSignature("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term")
	}
	return parts[0], nil
}

func incompleteSignature(why string) error {
	return &Error{Code: "IncompleteSignatureException", Namespace: coral, QueryCode: "IncompleteSignature", Message: why}
}

// authorize judges every need and answers with AWS's refusal when one is not
// allowed; it returns that decision.
func (g *gateway) authorize(w http.ResponseWriter, r *Request, resources ResourcePolicies, policies iam.Policies, needs []iam.Need) *iam.Decision {
	who := iam.Principal{RoleARN: r.Caller.RoleARN, SessionARN: r.Caller.ARN(), Account: r.Caller.Account}
	for _, n := range needs {
		var policy *iam.Document
		if resources != nil {
			policy = resources.ResourcePolicy(n.Resource)
		}
		d := iam.Evaluate(policies, policy, who, n)
		if d.Allowed() {
			continue
		}
		g.Logger.Warn("call denied by IAM", "caller", r.Caller.ARN(), "action", n.Action, "resource", n.Resource, "why", d.Explain(), "request_id", r.ID)
		WriteError(w, r, AccessDenied(r.Caller, d))
		return &d
	}
	return nil
}

// AccessDenied is AWS's refusal of a call, followed by what AWS does not tell: the
// statement that is missing, or the one that denies.
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
