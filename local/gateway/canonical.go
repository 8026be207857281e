package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/textproto"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// canonicalURI is the path as it stands in the request, each byte of it escaped
// again: every service but S3 wants it so.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func canonicalURI(r *http.Request) string {
	p := r.URL.EscapedPath()
	if p == "" {
		p = "/"
	}
	return escape(p, true)
}

// normalizedURI is canonicalURI without empty and dot segments, which some clients
// sign and the Go SDK does not; "" when that makes no difference.
func normalizedURI(r *http.Request) string {
	p := r.URL.EscapedPath()
	if !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		return ""
	}
	clean := path.Clean("/" + p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return escape(clean, true)
}

// canonicalRequest is the text whose hash is signed, and whether it could be made:
// not when SignedHeaders is not in order, which no client sends. A name that comes
// twice could blow it up without end.
func canonicalRequest(b []byte, r *http.Request, s *signature, uri string, body []byte) ([]byte, bool) {
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = append(b, uri...)
	b = append(b, '\n')
	var ok bool
	if b, ok = appendQuery(b, r, s); !ok {
		return b, false
	}
	b = append(b, '\n')
	last := ""
	for rest := s.signedHeaders; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, ";")
		if name <= last {
			return b, false
		}
		last = name
		b = append(b, name...)
		b = append(b, ':')
		b = appendHeader(b, r, name)
		b = append(b, '\n')
	}
	b = append(b, '\n')
	b = append(b, s.signedHeaders...)
	b = append(b, '\n')
	if payloadHash(r, s) == unsignedPayload {
		return append(b, unsignedPayload...), true
	}
	// Whatever hash the client says: the one of the body that came counts.
	sum := sha256.Sum256(body)
	return hex.AppendEncode(b, sum[:]), true
}

func payloadHash(r *http.Request, s *signature) string {
	if h := r.Header.Get("X-Amz-Content-Sha256"); h != "" || !s.presigned {
		return h
	}
	return s.query.Get("X-Amz-Content-Sha256")
}

// appendQuery appends the parameters, sorted after they are encoded, without the
// signature itself. A query that cannot be read is refused: who reads it further
// on would see less than was signed.
func appendQuery(b []byte, r *http.Request, s *signature) ([]byte, bool) {
	if r.URL.RawQuery == "" {
		return b, true
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return b, false
	}
	pairs := make([][2]string, 0, len(query))
	for key, values := range query {
		if s.presigned && key == "X-Amz-Signature" {
			continue
		}
		key = escape(key, false)
		for _, v := range values {
			pairs = append(pairs, [2]string{key, escape(v, false)})
		}
	}
	slices.SortFunc(pairs, func(x, y [2]string) int {
		if x[0] != y[0] {
			return strings.Compare(x[0], y[0])
		}
		return strings.Compare(x[1], y[1])
	})
	for i, p := range pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p[0]...)
		b = append(b, '=')
		b = append(b, p[1]...)
	}
	return b, true
}

// appendHeader appends a header's values with single spaces, joined by commas.
func appendHeader(b []byte, r *http.Request, name string) []byte {
	switch name {
	case "host":
		return appendTrimmed(b, r.Host)
	case "content-length":
		if r.ContentLength >= 0 {
			return strconv.AppendInt(b, r.ContentLength, 10)
		}
	}
	for i, v := range r.Header[textproto.CanonicalMIMEHeaderKey(name)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTrimmed(b, v)
	}
	return b
}

func appendTrimmed(b []byte, v string) []byte {
	v = strings.TrimSpace(v)
	for i := range len(v) {
		if v[i] == ' ' && v[i-1] == ' ' { // v does not begin with a space
			continue
		}
		b = append(b, v[i])
	}
	return b
}

// escape encodes every byte but letters, digits and "-._~"; slash leaves "/" too.
func escape(s string, slash bool) string {
	plain := func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~' || slash && c == '/'
	}
	n := 0
	for i := range len(s) {
		if !plain(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	const digits = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+2*n)
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}
