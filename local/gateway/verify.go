package gateway

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/iam"
)

// skew is how far a call's time may be from ours.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
const skew = 5 * time.Minute

// Scope is where a call arrives: what its signature must be made for.
type Scope struct {
	Region string
	// Service is the signing name, as "sqs". "" means any.
	Service string
	// Now is the time at which the call is judged.
	Now time.Time
	// Open lets unknown access key ids in as the owner, without a look at the
	// signature.
	Open bool
}

// Authenticate finds out who made a call, from its signature (version 4), and what
// the caller's role allows. body is the whole body. Errors are [*Error]s in AWS's
// words: for a call that is not signed, a key that nobody issued, a session token
// that is missing, wrong or expired, a signature of another time, region or
// service, or one that does not match. It is safe for concurrent use.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
func (c *Credentials) Authenticate(r *http.Request, body []byte, scope Scope) (Caller, iam.Policies, error) {
	s, err := readSignature(r)
	known, ok := c.lookup(s.accessKeyID)
	if !ok && scope.Open && s.accessKeyID != "" {
		return Caller{AccessKeyID: s.accessKeyID, Owner: true, Account: c.account}, nil, nil
	}
	switch {
	case err != nil:
		return Caller{}, nil, err
	case !ok || subtle.ConstantTimeCompare([]byte(known.keys.SessionToken), []byte(s.token)) == 0:
		return Caller{}, nil, &Error{Code: "UnrecognizedClientException", Namespace: coral, QueryCode: "InvalidClientTokenId",
			Message: "The security token included in the request is invalid."}
	case !known.expires.IsZero() && !scope.Now.Before(known.expires):
		return Caller{}, nil, &Error{Code: "ExpiredTokenException", Namespace: coral, QueryCode: "ExpiredToken",
			Message: "The security token included in the request is expired"}
	}
	for _, check := range []func(*http.Request, *signature, Scope) error{checkHeaders, checkScope, checkTime} {
		if err := check(r, s, scope); err != nil {
			return Caller{}, nil, err
		}
	}
	key := c.signing.get(signingKeyOf{known.keys.SecretAccessKey, s.day, s.region, s.service})
	if !matches(key[:], r, s, canonicalURI(r), body) {
		if uri := normalizedURI(r); uri == "" || !matches(key[:], r, s, uri, body) {
			return Caller{}, nil, invalidSignature("The request signature we calculated does not match the signature you provided. " +
				"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
		}
	}
	return known.caller, known.policies, nil
}

func invalidSignature(why string) error {
	return &Error{Code: "InvalidSignatureException", Namespace: coral, QueryCode: "SignatureDoesNotMatch", Message: why}
}

func matches(key []byte, r *http.Request, s *signature, uri string, body []byte) bool {
	canonical, ok := canonicalRequest(make([]byte, 0, 1024), r, s, uri, body)
	return ok && subtle.ConstantTimeCompare(sign(key, s, canonical), []byte(s.signature)) == 1
}

// checkHeaders wants the headers signed that would otherwise let a signature be
// used elsewhere, at another time, or with another session.
func checkHeaders(r *http.Request, s *signature, _ Scope) error {
	must := []string{"host"}
	if !s.presigned {
		date := "x-amz-date"
		if r.Header.Get(date) == "" {
			date = "date"
		}
		must = append(must, date)
		if s.token != "" {
			must = append(must, "x-amz-security-token")
		}
	}
	signed := strings.Split(s.signedHeaders, ";")
	var why []string
	for _, name := range must {
		if !slices.Contains(signed, name) {
			why = append(why, fmt.Sprintf("'%s' must be a 'SignedHeader' in the AWS Authorization.", http.CanonicalHeaderKey(name)))
		}
	}
	if len(why) > 0 {
		return invalidSignature(strings.Join(why, " "))
	}
	return nil
}

// checkScope compares the credential scope with where and when the call arrives.
func checkScope(_ *http.Request, s *signature, scope Scope) error {
	var why []string
	// STS has an endpoint for all regions that is signed for the first.
	if s.region != scope.Region && (s.service != "sts" || s.region != DefaultRegion) {
		why = append(why, fmt.Sprintf("Credential should be scoped to a valid Region, not '%s'.", s.region))
	}
	if scope.Service != "" && s.service != scope.Service {
		why = append(why, fmt.Sprintf("Credential should be scoped to correct service: '%s'.", scope.Service))
	}
	if s.terminator != terminator {
		why = append(why, fmt.Sprintf("Credential should be scoped with a valid terminator: '%s', not '%s'.", terminator, s.terminator))
	}
	if day := s.at.UTC().Format(amzDay); s.day != day {
		why = append(why, fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", s.day, day, s.date))
	}
	if len(why) > 0 {
		return invalidSignature(strings.Join(why, " "))
	}
	return nil
}

func checkTime(_ *http.Request, s *signature, scope Scope) error {
	life := skew
	if s.presigned && s.query.Has("X-Amz-Expires") {
		life = s.expires
	}
	now := scope.Now.UTC().Truncate(time.Second) // as fine as the signature's
	at := s.at.UTC()
	if earliest := now.Add(-life); at.Before(earliest) {
		return invalidSignature(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %s.)", at.Format(amzTime), earliest.Format(amzTime), now.Format(amzTime), span(life)))
	}
	if latest := now.Add(skew); at.After(latest) {
		return invalidSignature(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %s.)", at.Format(amzTime), latest.Format(amzTime), now.Format(amzTime), span(skew)))
	}
	return nil
}

func span(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d sec", d/time.Second)
}
