package dynamodb

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
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	targetTables  = "DynamoDB_20120810"
	targetStreams = "DynamoDBStreams_20120810"

	contentType = "application/x-amz-json-1.0"

	// pooled is how many idle connections are kept. Every function and mapping
	// that writes at once needs one; opening one costs as much as a small write.
	pooled = 256
)

// signer puts on a request what the endpoint wants to see of a caller. The
// gateway has judged the real caller already.
type signer func(ctx context.Context, r *http.Request, body []byte) error

// unsigned is for the engine: it wants the headers to be there and does not look
// at the values.
func unsigned(_ context.Context, r *http.Request, _ []byte) error {
	r.Header["X-Amz-Date"] = unsignedDate
	r.Header["Authorization"] = unsignedAuthorization
	return nil
}

var (
	unsignedDate          = []string{"20260101T000000Z"}
	unsignedAuthorization = []string{"AWS4-HMAC-SHA256 Credential=vinci/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"}
)

// signed is for endpoints that we do not know. One key for all callers, because
// DynamoDB Local keeps a database for each access key id.
func signed(region string, now func() time.Time) signer {
	keys := aws.Credentials{AccessKeyID: "vinci", SecretAccessKey: "vinci"}
	s := v4.NewSigner()
	return func(ctx context.Context, r *http.Request, body []byte) error {
		sum := sha256.Sum256(body)
		return s.SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), "dynamodb", region, now())
	}
}

// client speaks to the engine or the endpoint.
type client struct {
	url       string
	sign      signer
	transport *http.Transport
}

func newClient(url string, sign signer) *client {
	return &client{url: url, sign: sign, transport: &http.Transport{
		MaxIdleConns:        pooled,
		MaxIdleConnsPerHost: pooled,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true, // answers pass unchanged
	}}
}

func (c *client) close() { c.transport.CloseIdleConnections() }

type answer struct {
	status int
	header http.Header
	body   []byte
}

// forwarded are the request headers that an answer can depend on.
var forwarded = []string{"Content-Type", "X-Amz-Target", "Accept-Encoding", "User-Agent"}

// post sends one request and reads the whole answer.
func (c *client) post(ctx context.Context, header http.Header, body []byte) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, k := range forwarded {
		if v, ok := header[k]; ok {
			req.Header[k] = v
		}
	}
	if err := c.sign(ctx, req, body); err != nil {
		return nil, fmt.Errorf("sign the request: %w", err)
	}
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	a := &answer{status: res.StatusCode, header: res.Header}
	if n := res.ContentLength; n >= 0 {
		a.body = make([]byte, n)
		_, err = io.ReadFull(res.Body, a.body)
	} else {
		a.body, err = io.ReadAll(res.Body)
	}
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return a, nil
}

// apiError is an error answer to one of our own calls.
type apiError struct {
	operation, code, message string
}

func (e *apiError) Error() string { return e.operation + ": " + e.code + ": " + e.message }

func isCode(err error, code string) bool {
	var e *apiError
	return errors.As(err, &e) && e.code == code
}

// call makes a call of our own. in and out are encoded with encoding/json.
func (c *client) call(ctx context.Context, target, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: encode: %w", operation, err)
	}
	a, err := c.post(ctx, http.Header{"Content-Type": {contentType}, "X-Amz-Target": {target + "." + operation}}, body)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	if a.status != http.StatusOK {
		var e struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal(a.body, &e); err != nil || e.Type == "" {
			return fmt.Errorf("%s: status %d: %.200q", operation, a.status, a.body)
		}
		return &apiError{operation, e.Type[strings.LastIndexByte(e.Type, '#')+1:], e.Message}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return fmt.Errorf("%s: decode the answer: %w", operation, err)
	}
	return nil
}
