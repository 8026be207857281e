package httpapi

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// event is a request in payload format 2.0
// (http-api-develop-integrations-lambda in the developer guide).
type event struct {
	Version               string            `json:"version"`
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies,omitempty"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext        requestContext    `json:"requestContext"`
	PathParameters        map[string]string `json:"pathParameters,omitempty"`
	Body                  string            `json:"body,omitempty"`
	IsBase64Encoded       bool              `json:"isBase64Encoded"`
}

type requestContext struct {
	AccountID    string      `json:"accountId"`
	APIID        string      `json:"apiId"`
	Authorizer   *identity   `json:"authorizer,omitempty"`
	DomainName   string      `json:"domainName"`
	DomainPrefix string      `json:"domainPrefix"`
	HTTP         httpContext `json:"http"`
	RequestID    string      `json:"requestId"`
	RouteKey     string      `json:"routeKey"`
	Stage        string      `json:"stage"`
	Time         string      `json:"time"`
	TimeEpoch    int64       `json:"timeEpoch"`
}

type httpContext struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// hopByHop headers are between client and gateway and not for the function.
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "Content-Length": true,
}

// requestPath is the decoded path of a request. A question mark that was encoded
// ends it: API Gateway decodes a path and then reads it as the beginning of a URL.
func requestPath(u *url.URL) string {
	path, _, _ := strings.Cut(u.Path, "?")
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // of OPTIONS *, and of an absolute URL without one
	}
	return path
}

// newEvent translates a request whose body was read.
func newEvent(c *Config, r *http.Request, body []byte, path string, m match, id string) event {
	now := c.Now().UTC()
	source := r.RemoteAddr
	if host, _, err := net.SplitHostPort(source); err == nil {
		source = host
	}
	prefix, _, _ := strings.Cut(r.Host, ".")
	e := event{
		Version:               "2.0",
		RouteKey:              m.route.Key,
		RawPath:               path,
		RawQueryString:        r.URL.RawQuery,
		Cookies:               cookies(r.Header),
		Headers:               headers(r, len(body), source, now),
		QueryStringParameters: queryParameters(r.URL.RawQuery),
		PathParameters:        m.variables,
		RequestContext: requestContext{
			AccountID: c.Account, APIID: c.ID, DomainName: r.Host, DomainPrefix: prefix,
			HTTP: httpContext{
				Method: r.Method, Path: path, Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent(),
			},
			RequestID: id, RouteKey: m.route.Key, Stage: c.Stage,
			Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
		},
	}
	if len(body) > 0 {
		if isText(r.Header.Get("Content-Type")) && utf8.Valid(body) {
			e.Body = string(body)
		} else {
			e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
		}
	}
	return e
}

// marshal makes no escapes for HTML, as AWS does not: they would count towards
// Lambda's payload limit.
func (e event) marshal() []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		panic(err) // texts, numbers and maps of texts always marshal
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}

// isText reports whether API Gateway takes a body of this type for text.
func isText(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(contentType, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	switch media {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(media, "text/")
}

// headers are lower-cased, and joined by a comma where there are several of a
// name, with those that API Gateway adds. Cookies have a field of their own.
func headers(r *http.Request, length int, source string, now time.Time) map[string]string {
	all := make(map[string]string, len(r.Header)+6)
	for name, values := range r.Header {
		if name != "Cookie" && !hopByHop[http.CanonicalHeaderKey(name)] {
			all[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	all["host"] = r.Host
	all["content-length"] = strconv.Itoa(length)
	if before := all["x-forwarded-for"]; before != "" {
		source = before + ", " + source
	}
	all["x-forwarded-for"] = source
	all["x-forwarded-proto"] = "http"
	all["x-forwarded-port"] = "80"
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		all["x-forwarded-port"] = port
	}
	if _, traced := all["x-amzn-trace-id"]; !traced {
		all["x-amzn-trace-id"] = "Root=1-" + strconv.FormatInt(now.Unix(), 16) + "-" + hex.EncodeToString(random(12))
	}
	return all
}

func cookies(h http.Header) []string {
	var all []string
	for _, line := range h.Values("Cookie") {
		for c := range strings.SplitSeq(line, ";") {
			if c = strings.TrimSpace(c); c != "" {
				all = append(all, c)
			}
		}
	}
	return all
}

// queryParameters are decoded, and joined by a comma where there are several of
// a name. What cannot be decoded stays as it is.
func queryParameters(raw string) map[string]string {
	var all map[string]string
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescape(name), unescape(value)
		if all == nil {
			all = map[string]string{}
		}
		if before, ok := all[name]; ok {
			value = before + "," + value
		}
		all[name] = value
	}
	return all
}

func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// newRequestID looks like API Gateway's.
func newRequestID() string { return base64.StdEncoding.EncodeToString(random(11)) }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}
