package scenario

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Request is one request to the API. Of all fields only Method and Path are needed.
type Request struct {
	Method, Path string
	Tenant       string
	Key          string // the idempotency key
	Body         any    // sent as JSON
	Header       http.Header

	// Unsigned leaves the signature away, as whoever calls a public route does.
	Unsigned bool
}

// Call sends one unsigned request to the API, to a public route, and decodes the
// answer into out.
func (s *Stage) Call(ctx context.Context, method, path string, in, out any, wantStatus int) error {
	return s.Do(ctx, Request{Method: method, Path: path, Body: in, Unsigned: true}, out, wantStatus)
}

// Do sends a request and decodes the answer into out, unless that is nil. Another
// status than the wanted one is a *[StatusError].
func (s *Stage) Do(ctx context.Context, r Request, out any, wantStatus int) error {
	status, answer, err := s.Answer(ctx, r)
	if err != nil {
		return err
	}
	if status != wantStatus {
		return &StatusError{Request: r, Status: status, Wanted: wantStatus, Answer: string(answer)}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s %s: decode the answer: %w", r.Method, r.Path, err)
	}
	return nil
}

// StatusError is an answer with another status than the wanted one.
type StatusError struct {
	Request        Request
	Status, Wanted int
	Answer         string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s: status %d, wanted %d: %s", e.Request.Method, e.Request.Path, e.Status, e.Wanted, e.Answer)
}

// insist is Do, again and again under chaos, until the API answers or ctx ends. Of a
// request that was not answered nobody knows whether it happened. A later one says so
// with 409, and then done is true and out untouched.
func (s *Stage) insist(ctx context.Context, r Request, out any, wantStatus int) (done bool, err error) {
	for tries := 1; ; tries++ {
		err := s.Do(ctx, r, out, wantStatus)
		if err == nil || !s.insists {
			return false, err
		}
		var refused *StatusError
		if errors.As(err, &refused) && refused.Status < 500 {
			if refused.Status == http.StatusConflict && tries > 1 {
				return true, nil
			}
			return false, err
		}
		if wait(ctx) != nil {
			return false, fmt.Errorf("tried %d times: %w", tries, err)
		}
	}
}

// Answer sends a request and returns status and body of whatever is answered. It is
// signed with the developer's own credentials.
func (s *Stage) Answer(ctx context.Context, r Request) (status int, answer []byte, err error) {
	var body []byte
	if r.Body != nil {
		if body, err = json.Marshal(r.Body); err != nil {
			return 0, nil, fmt.Errorf("%s %s: %w", r.Method, r.Path, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, s.API+r.Path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("%s %s: %w", r.Method, r.Path, err)
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	if r.Tenant != "" {
		req.Header.Set("X-Tenant-Id", r.Tenant)
	}
	if r.Key != "" {
		req.Header.Set("Idempotency-Key", r.Key)
	}
	if !r.Unsigned {
		if err := s.sign(ctx, req, body); err != nil {
			return 0, nil, fmt.Errorf("%s %s: sign it: %w", r.Method, r.Path, err)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err // it names method and URL
	}
	defer resp.Body.Close() // nothing is left in it
	if answer, err = io.ReadAll(resp.Body); err != nil {
		return 0, nil, fmt.Errorf("%s %s: read the answer: %w", r.Method, r.Path, err)
	}
	return resp.StatusCode, answer, nil
}

// sign signs a complete request as IAM-authorized routes want it.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
func (s *Stage) sign(ctx context.Context, r *http.Request, body []byte) error {
	keys, err := s.config.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	return s.signer.SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), "execute-api", s.config.Region, time.Now())
}
