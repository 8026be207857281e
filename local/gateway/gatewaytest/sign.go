package gatewaytest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/vinci-go/vinci/local/gateway"
)

// Sign signs a request with the SDK's own signer, now and for us-east-1. Headers
// must be set before, and body is the whole body. service is the name in the
// credential scope, as "sqs".
func Sign(t testing.TB, r *http.Request, keys gateway.Keys, service, body string) {
	t.Helper()
	SignAt(t, r, keys, service, body, time.Now())
}

// SignAt is Sign at a time.
func SignAt(t testing.TB, r *http.Request, keys gateway.Keys, service, body string, at time.Time) {
	t.Helper()
	sum := sha256.Sum256([]byte(body))
	credentials := aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey, SessionToken: keys.SessionToken}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, hex.EncodeToString(sum[:]), service, gateway.DefaultRegion, at); err != nil {
		t.Fatal(err)
	}
}
