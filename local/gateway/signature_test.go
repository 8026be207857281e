package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/local/gateway"
)

var signedAt = time.Date(2026, 11, 20, 23, 58, 0, 0, time.UTC)

// draft is a request before it is signed.
type draft struct {
	method, path string
	query        url.Values
	header       http.Header
	body         string
	keys         gateway.Keys
	service      string
	region       string
	at           time.Time
	presign      bool
	expires      int  // seconds, of a presigned URL; 0 for none
	unsigned     bool // the payload
}

func newDraft(keys gateway.Keys) draft {
	return draft{method: "POST", path: "/", header: http.Header{"X-Amz-Target": {"AmazonSQS.SendMessage"}, "Content-Type": {"application/x-amz-json-1.0"}},
		query: url.Values{}, body: `{"a":1}`, keys: keys, service: "sqs", region: "us-east-1", at: signedAt}
}

type fatal interface{ Fatal(...any) }

// signed signs a draft with the SDK's signer.
func (d draft) signed(t fatal) *http.Request {
	query := url.Values{}
	for k, v := range d.query {
		query[k] = v
	}
	if d.presign && d.expires != 0 {
		query.Set("X-Amz-Expires", strconv.Itoa(d.expires))
	}
	r, err := http.NewRequest(d.method, "http://sqs.example.com", strings.NewReader(d.body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Path, r.URL.RawQuery, r.Header = d.path, query.Encode(), d.header.Clone()
	hash := hex.EncodeToString(sum(d.body))
	if d.unsigned {
		hash = "UNSIGNED-PAYLOAD"
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	keys := aws.Credentials{AccessKeyID: d.keys.AccessKeyID, SecretAccessKey: d.keys.SecretAccessKey, SessionToken: d.keys.SessionToken}
	if !d.presign {
		if err := v4.NewSigner().SignHTTP(context.Background(), keys, r, hash, d.service, d.region, d.at); err != nil {
			t.Fatal(err)
		}
		return r
	}
	to, header, err := v4.NewSigner().PresignHTTP(context.Background(), keys, r, hash, d.service, d.region, d.at)
	if err != nil {
		t.Fatal(err)
	}
	if r.URL, err = url.Parse(to); err != nil {
		t.Fatal(err)
	}
	header.Del("Host")
	r.Header = header
	return r
}

func sum(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:]
}

// arrives is a request as a server sees it: written to the wire and read again.
func arrives(t fatal, r *http.Request) (*http.Request, []byte) {
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got, body
}

func scope(now time.Time) gateway.Scope {
	return gateway.Scope{Region: "us-east-1", Service: "sqs", Now: now}
}

func code(err error) string {
	if e, ok := errors.AsType[*gateway.Error](err); ok {
		return e.Code
	}
	return ""
}

// What the SDK signs is accepted, whatever the request; with any one thing changed
// it is not.
func TestSignaturesOfTheSDK(t *testing.T) {
	credentials := gateway.NewCredentials(gateway.CredentialsOptions{})
	owner, role, other := credentials.Owner(), credentials.Issue(roleARN, "f"), credentials.Issue(roleARN, "g")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ -~é☃]{0,12}`)
		d := newDraft(rapid.SampledFrom([]gateway.Keys{owner, role}).Draw(t, "keys"))
		d.method = rapid.SampledFrom([]string{"POST", "GET", "PUT", "DELETE"}).Draw(t, "method")
		d.path = "/" + rapid.StringMatching(`([a-zA-Z0-9 :*~%&=+;,@()'☃-]{0,6}/){0,3}[a-z%+ .]{0,4}`).Draw(t, "path")
		for range rapid.IntRange(0, 4).Draw(t, "parameters") {
			d.query.Add(rapid.SampledFrom([]string{"a", "A", "a-b", "a b", "ä", "a/"}).Draw(t, "parameter"), text.Draw(t, "value"))
		}
		for range rapid.IntRange(0, 3).Draw(t, "headers") {
			d.header.Add(rapid.SampledFrom([]string{"X-One", "X-Two", "X-Amz-Thing"}).Draw(t, "header"), rapid.StringMatching(`[ -~]{0,12}`).Draw(t, "value"))
		}
		d.body = text.Draw(t, "body")
		d.presign, d.unsigned = rapid.Bool().Draw(t, "presign"), rapid.Bool().Draw(t, "unsigned")
		now := d.at.Add(time.Duration(rapid.IntRange(-300, 300).Draw(t, "skew")) * time.Second)

		r, body := arrives(t, d.signed(t))
		caller, _, err := credentials.Authenticate(r, body, scope(now))
		if err != nil {
			t.Fatalf("refused: %v\n%s %s\n%v", err, r.Method, r.URL, r.Header)
		}
		if caller.AccessKeyID != d.keys.AccessKeyID || caller.Owner != (d.keys == owner) {
			t.Fatalf("caller %+v", caller)
		}

		what := rapid.SampledFrom(changes).Draw(t, "change")
		r, body = arrives(t, d.signed(t))
		if body, ok := what.change(d, other, r, body); ok {
			if _, _, err := credentials.Authenticate(r, body, scope(now)); !slices.Contains(what.codes, code(err)) {
				t.Fatalf("%s: got %v, want one of %v\n%s %s\n%v", what, err, what.codes, r.Method, r.URL, r.Header)
			}
		}
	})
}

// change is one thing to do to a signed request; it does nothing when the request
// has not what it changes.
type change struct {
	name   string
	change func(d draft, other gateway.Keys, r *http.Request, body []byte) ([]byte, bool)
	codes  []string
}

func (c change) String() string { return c.name }

var mismatch = []string{"InvalidSignatureException"}

// replace edits the signature's own words, where they stand.
func replace(r *http.Request, old, replacement string) bool {
	was := r.Header.Get("Authorization") + r.URL.RawQuery
	if h := r.Header.Get("Authorization"); h != "" {
		r.Header.Set("Authorization", strings.Replace(h, old, replacement, 1))
	} else {
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, url.QueryEscape(old), url.QueryEscape(replacement), 1)
	}
	return was != r.Header.Get("Authorization")+r.URL.RawQuery
}

var changes = []change{
	{"method", func(_ draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		r.Method = "PATCH"
		return body, true
	}, mismatch},
	{"path", func(_ draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		r.URL.Path += "x"
		r.URL.RawPath = ""
		return body, true
	}, mismatch},
	{"parameter", func(_ draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery+"&a=more", "&")
		return body, true
	}, mismatch},
	{"a parameter that Go does not read", func(_ draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery+"&a;b", "&")
		return body, true
	}, mismatch},
	{"value of a header", func(_ draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		r.Header.Set("Content-Type", "text/plain")
		return body, true
	}, mismatch},
	{"one more value", func(d draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		r.Header.Add("X-One", "more")
		return body, d.header.Get("X-One") != "" // it is signed only if it was there
	}, mismatch},
	{"a header taken away", func(_ draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		r.Header.Del("Content-Type")
		return body, true
	}, mismatch},
	{"host", func(_ draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		r.Host = "sns.example.com"
		return body, true
	}, mismatch},
	{"body", func(d draft, _ gateway.Keys, _ *http.Request, body []byte) ([]byte, bool) {
		return append(body, ' '), !d.unsigned
	}, mismatch},
	{"time", func(d draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		later := d.at.Add(time.Second).Format("20060102T150405Z")
		if d.presign {
			return body, replace(r, d.at.Format("20060102T150405Z"), later)
		}
		r.Header.Set("X-Amz-Date", later)
		return body, true
	}, mismatch},
	{"no time", func(d draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		r.Header.Del("X-Amz-Date")
		return body, !d.presign
	}, []string{"IncompleteSignatureException"}},
	{"signature", func(_ draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		_, text, _ := strings.Cut(r.Header.Get("Authorization")+"&"+r.URL.RawQuery, "Signature=")
		first := text[:4]
		flipped := strings.Map(func(c rune) rune { return map[bool]rune{true: '1', false: '0'}[c == '0'] }, first)
		return body, replace(r, "Signature="+first, "Signature="+flipped) || replaceRaw(r, "Signature="+first, "Signature="+flipped)
	}, mismatch},
	{"another session's key", func(d draft, other gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		return body, replace(r, d.keys.AccessKeyID, other.AccessKeyID)
	}, []string{"UnrecognizedClientException"}},
	{"token", func(d draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		if d.presign {
			return body, replaceRaw(r, "X-Amz-Security-Token=", "X-Amz-Security-Token=x")
		}
		r.Header.Set("X-Amz-Security-Token", d.keys.SessionToken+"x")
		return body, true
	}, []string{"UnrecognizedClientException"}},
	{"no token", func(d draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		if d.presign {
			return body, replaceRaw(r, "X-Amz-Security-Token", "X-Amz-Other")
		}
		r.Header.Del("X-Amz-Security-Token")
		return body, d.keys.SessionToken != ""
	}, []string{"UnrecognizedClientException"}},
	{"day of the scope", scoped("/20261120/", "/20261121/"), mismatch},
	{"region of the scope", scoped("/us-east-1/", "/eu-west-1/"), mismatch},
	{"service of the scope", scoped("/sqs/", "/sns/"), mismatch},
	{"terminator of the scope", scoped("/aws4_request", "/aws5_request"), mismatch},
	{"an element of the scope less", scoped("/us-east-1/", "/"), []string{"IncompleteSignatureException"}},
	{"host is not signed", func(_ draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		return body, replace(r, "host;", "") || replaceRaw(r, "X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=x-one")
	}, mismatch},
	{"a header signed twice", func(_ draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		return body, replace(r, "host", "host;host") || replaceRaw(r, "X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host%3Bhost")
	}, mismatch},
}

func scoped(old, replacement string) func(draft, gateway.Keys, *http.Request, []byte) ([]byte, bool) {
	return func(_ draft, _ gateway.Keys, r *http.Request, body []byte) ([]byte, bool) {
		return body, replace(r, old, replacement)
	}
}

func replaceRaw(r *http.Request, old, replacement string) bool {
	was := r.URL.RawQuery
	r.URL.RawQuery = strings.Replace(was, old, replacement, 1)
	return was != r.URL.RawQuery
}

// Messages and codes as AWS's documentation and answers have them.
func TestSignatureErrors(t *testing.T) {
	now := signedAt
	credentials := gateway.NewCredentials(gateway.CredentialsOptions{})
	owner, role := credentials.Owner(), credentials.Issue(roleARN, "f")
	const doesNotMatch = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	header := func(value string) func(*draft, *http.Request) {
		return func(_ *draft, r *http.Request) { r.Header.Set("Authorization", value) }
	}
	for _, c := range []struct {
		name          string
		draft         func(*draft)
		after         func(*draft, *http.Request)
		code, message string // the message's beginning
	}{
		{"five minutes ago", func(d *draft) { d.at = now.Add(-5 * time.Minute) }, nil, "", ""},
		{"in five minutes", func(d *draft) { d.at = now.Add(5 * time.Minute) }, nil, "", ""}, // on the next day
		{"too old", func(d *draft) { d.at = now.Add(-301 * time.Second) }, nil, "InvalidSignatureException",
			"Signature expired: 20261120T235259Z is now earlier than 20261120T235300Z (20261120T235800Z - 5 min.)"},
		{"too new", func(d *draft) { d.at = now.Add(301 * time.Second) }, nil, "InvalidSignatureException",
			"Signature not yet current: 20261121T000301Z is still later than 20261121T000300Z (20261120T235800Z + 5 min.)"},
		{"a Date header", nil, func(d *draft, r *http.Request) {
			r.Header.Del("X-Amz-Date")
			r.Header.Set("Date", d.at.Format(http.TimeFormat))
		}, "InvalidSignatureException", "'Date' must be a 'SignedHeader' in the AWS Authorization."},
		{"presigned, in time", func(d *draft) { d.presign, d.expires, d.at = true, 900, now.Add(-15*time.Minute) }, nil, "", ""},
		{"presigned, expired", func(d *draft) { d.presign, d.expires, d.at = true, 900, now.Add(-901*time.Second) }, nil, "InvalidSignatureException",
			"Signature expired: 20261120T234259Z is now earlier than 20261120T234300Z (20261120T235800Z - 15 min.)"},
		{"presigned, expired after seconds", func(d *draft) { d.presign, d.expires, d.at = true, 10, now.Add(-11*time.Second) }, nil, "InvalidSignatureException",
			"Signature expired: 20261120T235749Z is now earlier than 20261120T235750Z (20261120T235800Z - 10 sec.)"},
		{"presigned without an end", func(d *draft) { d.presign, d.at = true, now.Add(-301*time.Second) }, nil, "InvalidSignatureException", "Signature expired: "},
		{"presigned for eight days", func(d *draft) { d.presign, d.expires = true, 8*24*3600 }, nil, "IncompleteSignatureException", "X-Amz-Expires must be less than a week"},
		{"presigned, ends before", func(d *draft) { d.presign, d.expires = true, -1 }, nil, "IncompleteSignatureException", "X-Amz-Expires must be non-negative"},
		{"a wrong secret", func(d *draft) { d.keys.SecretAccessKey += "x" }, nil, "InvalidSignatureException", doesNotMatch},
		{"an unknown key", func(d *draft) { d.keys = nobody }, nil, "UnrecognizedClientException", "The security token included in the request is invalid."},
		{"a role without its token", func(d *draft) { d.keys = role; d.keys.SessionToken = "" }, nil, "UnrecognizedClientException", "The security token included in the request is invalid."},
		{"a role with its token", func(d *draft) { d.keys = role }, nil, "", ""},
		{"an owner with a token", func(d *draft) { d.keys.SessionToken = "x" }, nil, "UnrecognizedClientException", "The security token included in the request is invalid."},
		{"another region", func(d *draft) { d.region = "eu-west-1" }, nil, "InvalidSignatureException", "Credential should be scoped to a valid Region, not 'eu-west-1'."},
		{"another service", func(d *draft) { d.service = "s3" }, nil, "InvalidSignatureException", "Credential should be scoped to correct service: 'sqs'."},
		{"another terminator", nil, func(_ *draft, r *http.Request) { replace(r, "aws4_request", "x") }, "InvalidSignatureException", "Credential should be scoped with a valid terminator: 'aws4_request', not 'x'."},
		{"another day", nil, func(_ *draft, r *http.Request) { replace(r, "/20261120/", "/20261119/") }, "InvalidSignatureException",
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261119' != '20261120', from '20261120T235800Z'."},
		{"everything about the scope", func(d *draft) { d.region, d.service = "x", "y" }, nil, "InvalidSignatureException",
			"Credential should be scoped to a valid Region, not 'x'. Credential should be scoped to correct service: 'sqs'."},
		{"not signed", nil, func(_ *draft, r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationTokenException", "Request is missing Authentication Token"},
		{"nothing of a signature", nil, func(_ *draft, r *http.Request) {
			r.Header.Set("Authorization", "Basic abc")
			r.Header.Del("X-Amz-Date")
		}, "IncompleteSignatureException", "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. " +
			"Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) Authorization="},
		{"a part of it", nil, header("AWS4-HMAC-SHA256 Credential=a/b/c/d/e"), "IncompleteSignatureException", "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. (Hashed"},
		{"no equal sign", nil, header("AWS4-HMAC-SHA256 Credential"), "IncompleteSignatureException", "Invalid key=value pair (missing equal-sign) in Authorization header: 'Credential'."},
		{"a short credential", nil, header("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0"), "IncompleteSignatureException",
			"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'"},
		{"a date of another form", nil, func(_ *draft, r *http.Request) { r.Header.Set("X-Amz-Date", "2026-11-20") }, "IncompleteSignatureException", "Date must be in ISO-8601 'basic format'. Got '2026-11-20'."},
		{"presigned, half of it", func(d *draft) { d.presign = true }, func(_ *draft, r *http.Request) {
			q := r.URL.Query()
			q.Del("X-Amz-Signature")
			q.Del("X-Amz-Date")
			r.URL.RawQuery = q.Encode()
		}, "IncompleteSignatureException", "AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."},
		{"presigned, another algorithm", func(d *draft) { d.presign = true }, func(_ *draft, r *http.Request) { replaceRaw(r, "AWS4-HMAC-SHA256", "AWS4-ECDSA") }, "IncompleteSignatureException", "Unsupported AWS 'algorithm': 'AWS4-ECDSA'."},
		{"host is not signed", nil, func(_ *draft, r *http.Request) { replace(r, "host;", "") }, "InvalidSignatureException", "'Host' must be a 'SignedHeader' in the AWS Authorization."},
		{"the token is not signed", func(d *draft) { d.keys = role }, func(_ *draft, r *http.Request) { replace(r, ";x-amz-security-token", "") }, "InvalidSignatureException",
			"'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization."},
		{"a path with dots, as boto signs it", func(d *draft) { d.path = "/a/c" }, func(_ *draft, r *http.Request) { r.URL.Path = "/a/./b/..//c" }, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDraft(owner)
			if c.draft != nil {
				c.draft(&d)
			}
			r := d.signed(t)
			if c.after != nil {
				c.after(&d, r)
			}
			r, body := arrives(t, r)
			_, _, err := credentials.Authenticate(r, body, scope(now))
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			e, ok := errors.AsType[*gateway.Error](err)
			if !ok || e.Code != c.code || !strings.HasPrefix(e.Message, c.message) {
				t.Fatalf("got %v;\nwant %s: %s", err, c.code, c.message)
			}
		})
	}
}

// STS may be called at its endpoint for all regions.
func TestSTSIsGlobal(t *testing.T) {
	credentials := gateway.NewCredentials(gateway.CredentialsOptions{})
	d := newDraft(credentials.Owner())
	d.service = "sts"
	r, body := arrives(t, d.signed(t))
	if _, _, err := credentials.Authenticate(r, body, gateway.Scope{Region: "eu-west-1", Service: "sts", Now: signedAt}); err != nil {
		t.Error(err)
	}
	d.service = "sqs"
	r, body = arrives(t, d.signed(t))
	if _, _, err := credentials.Authenticate(r, body, gateway.Scope{Region: "eu-west-1", Service: "sqs", Now: signedAt}); code(err) != "InvalidSignatureException" {
		t.Error(err)
	}
}

// In the open mode nothing of a stranger's signature counts but its key; an issued
// key is verified as ever.
func TestOpenVerifiesIssuedKeys(t *testing.T) {
	credentials := gateway.NewCredentials(gateway.CredentialsOptions{})
	open := scope(signedAt)
	open.Open = true
	for _, c := range []struct {
		name, authorization, code string
	}{
		{"LocalStack's habit", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0", ""},
		{"only a credential", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request", ""},
		{"no credential", "AWS4-HMAC-SHA256 Signature=0", "IncompleteSignatureException"},
		{"an issued key, falsely signed", "AWS4-HMAC-SHA256 Credential=" + credentials.Owner().AccessKeyID + "/20261120/us-east-1/sqs/aws4_request, SignedHeaders=host;x-amz-date, Signature=0", "InvalidSignatureException"},
		{"nothing", "", "MissingAuthenticationTokenException"},
	} {
		r, body := arrives(t, newDraft(credentials.Owner()).signed(t))
		r.Header.Del("Authorization")
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		caller, _, err := credentials.Authenticate(r, body, open)
		if code(err) != c.code || c.code == "" && !caller.Owner {
			t.Errorf("%s: %+v, %v; want %q", c.name, caller, err, c.code)
		}
	}
}

// BenchmarkAuthenticate is what it costs to verify a call's signature.
func BenchmarkAuthenticate(b *testing.B) {
	credentials := gateway.NewCredentials(gateway.CredentialsOptions{})
	for _, size := range []int{300, 10_000, 256 << 10} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			d := newDraft(credentials.Issue(roleARN, "f"))
			d.body = strings.Repeat("x", size)
			r, body := arrives(b, d.signed(b))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := credentials.Authenticate(r, body, scope(signedAt)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
