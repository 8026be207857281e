package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"

	// amzTime is ISO 8601's basic format, amzDay its date.
	amzTime = "20060102T150405Z"
	amzDay  = "20060102"

	unsignedPayload = "UNSIGNED-PAYLOAD"

	// maxExpires is the longest life of a presigned URL.
	maxExpires = 7 * 24 * time.Hour
)

// signature is what a call says of its own signature, by headers or, when it is
// presigned, in its query.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
type signature struct {
	credential    string // as written
	accessKeyID   string
	day           string // as 20260102
	region        string
	service       string
	terminator    string
	signedHeaders string // as written, "host;x-amz-date"
	signature     string // hexadecimal
	date          string // as written
	at            time.Time
	token         string
	presigned     bool
	expires       time.Duration // of a presigned URL; 0 when it does not say
	query         url.Values    // of a presigned URL
}

// readSignature finds the signature of a call. When it is incomplete, the access
// key id is still there if one could be read: in the open mode it is enough.
func readSignature(r *http.Request) (*signature, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		return readHeader(r, header)
	}
	if !strings.Contains(r.URL.RawQuery, "X-Amz-") {
		return &signature{}, missingToken()
	}
	query := r.URL.Query()
	for _, name := range queryParameters {
		if query.Has(name) {
			return readQuery(query)
		}
	}
	return &signature{}, missingToken()
}

func missingToken() error {
	return &Error{Code: "MissingAuthenticationTokenException", Namespace: coral, QueryCode: "MissingAuthenticationToken", Message: "Request is missing Authentication Token"}
}

func incompleteSignature(why string) error {
	return &Error{Code: "IncompleteSignatureException", Namespace: coral, QueryCode: "IncompleteSignature", Message: why}
}

// readHeader reads an Authorization header. AWS tells all that is missing at once,
// and shows the header hashed.
func readHeader(r *http.Request, header string) (*signature, error) {
	s := &signature{date: r.Header.Get("X-Amz-Date"), token: r.Header.Get("X-Amz-Security-Token")}
	if s.date == "" {
		s.date = r.Header.Get("Date")
	}
	if rest, ok := strings.CutPrefix(header, algorithm); ok && (rest == "" || rest[0] == ' ') {
		for rest != "" {
			var part string
			part, rest, _ = strings.Cut(rest, ",")
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			name, value, ok := strings.Cut(part, "=")
			if !ok {
				return s, incompleteSignature(fmt.Sprintf("Invalid key=value pair (missing equal-sign) in Authorization header: '%s'.", part))
			}
			switch name {
			case "Credential":
				s.credential = value
			case "SignedHeaders":
				s.signedHeaders = value
			case "Signature":
				s.signature = value
			}
		}
	}
	var why []string
	for _, p := range []struct{ name, value string }{{"Credential", s.credential}, {"Signature", s.signature}, {"SignedHeaders", s.signedHeaders}} {
		if p.value == "" {
			why = append(why, "Authorization header requires '"+p.name+"' parameter.")
		}
	}
	if s.date == "" {
		why = append(why, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if len(why) > 0 {
		s.readCredential() // for the open mode; what is wrong with it is told below or not at all
		sum := sha256.Sum256([]byte(header))
		return s, incompleteSignature(strings.Join(why, " ") + " (Hashed with SHA-256 and encoded with Base64) Authorization=" + base64.StdEncoding.EncodeToString(sum[:]))
	}
	return s, s.finish()
}

// queryParameters are those that a presigned URL must have.
var queryParameters = [...]string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"}

func readQuery(query url.Values) (*signature, error) {
	s := &signature{
		presigned: true, query: query,
		credential: query.Get("X-Amz-Credential"), signature: query.Get("X-Amz-Signature"),
		signedHeaders: query.Get("X-Amz-SignedHeaders"), date: query.Get("X-Amz-Date"), token: query.Get("X-Amz-Security-Token"),
	}
	var why []string
	for _, name := range queryParameters {
		if query.Get(name) == "" {
			why = append(why, "AWS query-string parameters must include '"+name+"'.")
		}
	}
	if len(why) > 0 {
		s.readCredential()
		return s, incompleteSignature(strings.Join(why, " ") + " Re-examine the query-string parameters.")
	}
	if got := query.Get("X-Amz-Algorithm"); got != algorithm {
		s.readCredential()
		return s, incompleteSignature(fmt.Sprintf("Unsupported AWS 'algorithm': '%s'.", got))
	}
	if err := s.finish(); err != nil {
		return s, err
	}
	if text := query.Get("X-Amz-Expires"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil:
			return s, incompleteSignature("X-Amz-Expires should be a number")
		case n < 0:
			return s, incompleteSignature("X-Amz-Expires must be non-negative")
		case n > int64(maxExpires/time.Second):
			return s, incompleteSignature(fmt.Sprintf("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than %d seconds", maxExpires/time.Second))
		}
		s.expires = time.Duration(n) * time.Second
	}
	return s, nil
}

// readCredential splits AKID/date/region/service/aws4_request.
func (s *signature) readCredential() bool {
	parts := strings.Split(s.credential, "/")
	if len(parts) != 5 || parts[0] == "" {
		return false
	}
	s.accessKeyID, s.day, s.region, s.service, s.terminator = parts[0], parts[1], parts[2], parts[3], parts[4]
	return true
}

func (s *signature) finish() error {
	if !s.readCredential() {
		return incompleteSignature(fmt.Sprintf("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", s.credential))
	}
	var err error
	if s.at, err = time.Parse(amzTime, s.date); err == nil {
		return nil
	}
	if s.at, err = http.ParseTime(s.date); err == nil && !s.presigned { // a Date header has HTTP's format
		s.date = s.at.UTC().Format(amzTime)
		return nil
	}
	return incompleteSignature(fmt.Sprintf("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", s.date))
}
