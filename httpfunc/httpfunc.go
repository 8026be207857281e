package httpfunc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"

	"github.com/vinci-go/vinci/event/httpflow"
	"github.com/vinci-go/vinci/internal/names"
)

// Start runs a handler in AWS Lambda, behind an HTTP API. It is the last call of a
// function's main, and it does not return. When the environment is wrong it logs what
// is, and the process exits with status 1.
func Start(handler http.Handler) {
	f, err := fromEnv(os.Getenv, handler)
	if err != nil {
		slog.New(slog.NewJSONHandler(os.Stderr, nil)).Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(f.handle)
}

// function answers events with a handler.
type function struct {
	handler http.Handler
	maxBody int // bytes
}

// fromEnv takes the limit from the environment. It may not be there yet: an update
// brings a function's code first and its environment a moment later.
func fromEnv(getenv func(string) string, handler http.Handler) (*function, error) {
	maxBody := names.DefaultMaxBody
	if text := getenv(names.EnvMaxBody); text != "" {
		var err error
		if maxBody, err = strconv.Atoi(text); err != nil || maxBody < 1 {
			return nil, fmt.Errorf("environment variable %s is %q, and must be a number of bytes from 1: constructs.HTTPAPI sets it", names.EnvMaxBody, text)
		}
	}
	return &function{handler: answering(handler), maxBody: maxBody}, nil
}

// answering makes the status of an answer what net/http makes it: the first one that is
// said that is the answer's, and 200 when the handler says nothing. API Gateway takes one
// answer, so what is only on the way to it (1xx) is left out.
func answering(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{ResponseWriter: w}
		handler.ServeHTTP(a, r)
		a.WriteHeader(http.StatusOK)
	})
}

type answer struct {
	http.ResponseWriter
	said bool
}

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	if !a.said && status >= http.StatusOK {
		a.said = true
		a.ResponseWriter.WriteHeader(status)
	}
}

// Write implements [http.ResponseWriter].
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.ResponseWriter.Write(b)
}

func (f *function) handle(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	if bodyLength(&e) > f.maxBody {
		return tooLarge(f.maxBody), nil
	}
	if c, ok := callerOf(e.RequestContext.Authorizer); ok {
		ctx = httpflow.WithCaller(ctx, c)
	}
	r, err := newRequest(ctx, &e)
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	w := core.NewProxyResponseWriterV2()
	f.handler.ServeHTTP(w, r)
	return w.GetProxyResponse()
}

// bodyLength is how long the body is that the client sent.
func bodyLength(e *events.APIGatewayV2HTTPRequest) int {
	if !e.IsBase64Encoded {
		return len(e.Body)
	}
	return base64.RawStdEncoding.DecodedLen(len(strings.TrimRight(e.Body, "=")))
}

// tooLarge is the answer to a body over the limit.
func tooLarge(limit int) events.APIGatewayV2HTTPResponse {
	// A struct of strings and an int always encodes.
	body, _ := json.Marshal(struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{http.StatusText(http.StatusRequestEntityTooLarge), http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is over %d bytes", limit)})
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusRequestEntityTooLarge,
		Headers:    map[string]string{"content-type": "application/problem+json"},
		Body:       string(body),
	}
}

// callerOf is who API Gateway's authorizer has verified.
func callerOf(a *events.APIGatewayV2HTTPRequestContextAuthorizerDescription) (httpflow.Caller, bool) {
	switch {
	case a == nil:
		return httpflow.Caller{}, false
	case a.IAM != nil:
		return httpflow.Caller{Scheme: httpflow.IAM, Principal: a.IAM.UserARN, AccountID: a.IAM.AccountID}, true
	case a.JWT != nil:
		c := httpflow.Caller{Scheme: httpflow.JWT, Principal: a.JWT.Claims["sub"], Issuer: a.JWT.Claims["iss"], Claims: a.JWT.Claims, Scopes: a.JWT.Scopes}
		if c.Principal == "" {
			c.Principal = a.JWT.Claims["client_id"]
		}
		return c, true
	}
	return httpflow.Caller{}, false
}
