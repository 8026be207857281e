// Package httpfunc runs a net/http handler as the function of an HTTP API.
//
//	func main() { httpfunc.Start(handler) }
//
// API Gateway asks each route's authorizer before it calls the function. What that has
// verified is in the request's context: [httpflow.CallerFrom], and with
// [httpflow.Handler] it is the actor of all events that the request causes.
//
// A handler sees the path that API Gateway has routed, character by character, so a
// mux of the same routes takes the way that was authorized. Headers that came several
// times are one value, joined by commas. Request.RemoteAddr is the client's address,
// without a port. A body that is larger than the API allows (MaxBodyBytes of the
// constructs' APIProps) is answered with 413 and a problem document (RFC 9457); the
// handler is not called.
//
// The API speaks payload format 2.0:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
//
// [httpflow.CallerFrom]: https://pkg.go.dev/github.com/vinci-go/vinci/event/httpflow#CallerFrom
// [httpflow.Handler]: https://pkg.go.dev/github.com/vinci-go/vinci/event/httpflow#Handler
package httpfunc
