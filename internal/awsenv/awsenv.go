package awsenv

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// The variables that are read.
const (
	Region          = "AWS_REGION"
	AccessKeyID     = "AWS_ACCESS_KEY_ID"
	SecretAccessKey = "AWS_SECRET_ACCESS_KEY"
	SessionToken    = "AWS_SESSION_TOKEN"
	EndpointURL     = "AWS_ENDPOINT_URL" // of every service; set by the local runtime
)

// Config reads the environment through getenv: os.Getenv in a program, a literal
// in a test. Missing credentials are an error of the first call, which names
// the variables.
func Config(getenv func(string) string) aws.Config {
	c := aws.Config{
		Region: getenv(Region),
		Credentials: credentials{aws.Credentials{
			AccessKeyID:     getenv(AccessKeyID),
			SecretAccessKey: getenv(SecretAccessKey),
			SessionToken:    getenv(SessionToken),
			Source:          "environment",
		}},
		HTTPClient: httpClient(),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				// The SDK's 20 seconds are longer than most functions may run.
				o.MaxBackoff = 2 * time.Second
			})
		},
	}
	if url := getenv(EndpointURL); url != "" {
		c.BaseEndpoint = aws.String(url)
	}
	return c
}

// credentials are those of the process: they do not change.
type credentials struct{ of aws.Credentials }

var errNoCredentials = errors.New("no AWS credentials: " + AccessKeyID + " and " + SecretAccessKey + " must be set, as Lambda does")

// Retrieve implements [aws.CredentialsProvider].
func (c credentials) Retrieve(context.Context) (aws.Credentials, error) {
	if !c.of.HasKeys() {
		return aws.Credentials{}, errNoCredentials
	}
	return c.of, nil
}

// httpClient keeps connections for the many small requests of a function, and
// gives up on an endpoint that does not answer well before a function would.
func httpClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			ForceAttemptHTTP2:     true,
			MaxIdleConns:          100,
			MaxIdleConnsPerHost:   100,
			IdleConnTimeout:       90 * time.Second,
			TLSHandshakeTimeout:   3 * time.Second,
			ResponseHeaderTimeout: 10 * time.Second,
			ExpectContinueTimeout: time.Second,
		},
		// A redirect would send a signed request elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
