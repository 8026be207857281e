package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// response is a function's answer, ready to be sent.
type response struct {
	status  int
	headers map[string]string
	cookies []string
	body    []byte
}

// readResponse reads a function's answer. An object with a statusCode is an
// answer in format 2.0; anything else is the body itself, as JSON, whether it is
// JSON or not. Names are case-sensitive, as in AWS and unlike in encoding/json.
func readResponse(payload []byte) (response, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(payload, &fields) != nil || fields["statusCode"] == nil {
		return response{
			status:  http.StatusOK,
			headers: map[string]string{"content-type": "application/json"},
			body:    payload,
		}, nil
	}
	var (
		r       = response{headers: map[string]string{}}
		raw     map[string]json.RawMessage
		body    *string
		encoded bool
		errs    []error
	)
	field := func(name string, into any) {
		if value, ok := fields[name]; ok {
			if err := json.Unmarshal(value, into); err != nil {
				errs = append(errs, fmt.Errorf("%s is %s: %w", name, value, err))
			}
		}
	}
	field("statusCode", &r.status)
	field("headers", &raw)
	field("cookies", &r.cookies)
	field("body", &body)
	field("isBase64Encoded", &encoded)
	if len(errs) == 0 && (r.status < 200 || r.status > 599) {
		errs = append(errs, fmt.Errorf("statusCode is %d; allowed is 200 to 599", r.status))
	}
	for name, value := range raw {
		text, err := headerText(value)
		if err != nil {
			errs = append(errs, fmt.Errorf("header %s: %w", name, err))
		}
		r.headers[name] = text
	}
	if body != nil {
		r.body = []byte(*body)
	}
	if encoded && body != nil {
		var err error
		if r.body, err = base64.StdEncoding.DecodeString(*body); err != nil {
			errs = append(errs, fmt.Errorf("body is not base64: %w", err))
		}
	}
	return r, errors.Join(errs...)
}

// headerText takes a text, a number or a boolean.
func headerText(value json.RawMessage) (string, error) {
	var text string
	if err := json.Unmarshal(value, &text); err == nil {
		return text, nil
	}
	if value = bytes.TrimSpace(value); value[0] == '{' || value[0] == '[' {
		return "", fmt.Errorf("%s is no text", value)
	}
	return string(value), nil
}

// write sends the response. An error means that the client is gone.
func (r response) write(w http.ResponseWriter, requestID string) error {
	h := w.Header()
	for name, value := range r.headers {
		if !hopByHop[http.CanonicalHeaderKey(name)] {
			h.Set(name, value)
		}
	}
	for _, c := range r.cookies {
		h.Add("Set-Cookie", c)
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "text/plain; charset=utf-8")
	}
	h.Set("Apigw-Requestid", requestID)
	if r.status == http.StatusNoContent || r.status == http.StatusNotModified {
		w.WriteHeader(r.status) // these have no body
		return nil
	}
	h.Set("Content-Length", strconv.Itoa(len(r.body)))
	w.WriteHeader(r.status)
	_, err := w.Write(r.body)
	return err
}

// problem is an answer of API Gateway's own.
func problem(status int) response {
	return response{
		status:  status,
		headers: map[string]string{"content-type": "application/json"},
		body:    fmt.Appendf(nil, `{"message":%q}`, http.StatusText(status)),
	}
}
