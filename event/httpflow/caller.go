package httpflow

import "context"

// Scheme is how a caller has shown who it is.
type Scheme string

// The schemes.
const (
	IAM Scheme = "IAM" // a request signed with AWS credentials
	JWT Scheme = "JWT" // a token of an identity provider
)

// Caller is who a request comes from, as what stands in front of the program has
// verified it: API Gateway does, and package httpfunc puts it into the context. A
// client cannot choose any of it.
type Caller struct {
	Scheme Scheme

	// Principal is the token's subject (its claim sub, or client_id when it has none),
	// or the ARN of who signed: arn:aws:sts::123456789012:assumed-role/<role>/<session>.
	// An event takes 256 bytes of it; a longer one fails the commit.
	Principal string

	AccountID string            // of IAM: the AWS account of who signed
	Issuer    string            // of JWT: the claim iss
	Claims    map[string]string // of JWT: all claims, as texts
	Scopes    []string          // of JWT: those of the route's that the token has
}

type callerKey struct{}

// WithCaller returns a context that carries a verified caller. Besides package
// httpfunc only tests have a reason to call it.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom returns the verified caller of a request, and false on a public route,
// where nobody was asked.
func CallerFrom(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}
