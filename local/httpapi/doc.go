// Package httpapi serves an API Gateway HTTP API in front of Lambda functions
// (integration AWS_PROXY, payload format 2.0).
//
//	api, err := httpapi.New(httpapi.Config{ID: "a1b2c3", Routes: []httpapi.Route{
//		{Key: "POST /users", FunctionARN: arn},
//		{Key: "$default", FunctionARN: arn},
//	}}, functions)
//	http.Serve(listener, api)
//
// # Routes
//
// The most specific path wins: segment by segment, a literal before {name}
// before {name+}; then $default. On one path a route of the request's method wins
// over ANY. A path variable needs at least one character, and a trailing slash
// is part of the path: GET /users does not serve /users/. Nothing answers HEAD or
// OPTIONS unless a route does.
//
// # What a function sees
//
// The path, its variables and the query parameters are decoded, rawQueryString
// is not. As API Gateway does, the path is decoded before it is routed, so %2F is a
// slash, and a decoded question mark ends it. A body is text when its content
// type is text/*, application/json, application/xml or application/javascript;
// any other, form data and no type too, comes in base64. The address in
// domainName and x-forwarded-proto is the local one, so that links that a
// function makes work.
//
// # What a client sees
//
//	404 Not Found                 no route
//	413 Request Entity Too Large  a body over 10 MB, or an event over Lambda's 6 MB
//	431 Request Header Fields Too Large  a request line and header values over 10,240
//	                              bytes together (AWS documents the limit, not the status)
//	429 Too Many Requests         the route's [Throttle]; nobody is asked who calls then
//	500 Internal Server Error     the function failed, or its answer is malformed
//	503 Service Unavailable       no answer within 30 s, or reserved concurrency is used up
//
// The function's own time-out is a failure, a 500; when the integration's time is
// up the function runs on. An answer with a statusCode is an answer in format 2.0;
// any other is the body of a 200 with content type application/json.
//
// # Who may call
//
// A route asks nobody (NONE), a JWT authorizer, or IAM. A JWT authorizer fetches the
// issuer's keys over HTTP(S) when a token first needs them and keeps them for two
// hours; only RSA signatures count. The function finds the claims, as texts, in
// requestContext.authorizer.jwt. With AWS_IAM the request is signed for the service
// execute-api, and the signer's policies must allow execute-api:Invoke on the route.
// Both refuse as API Gateway does:
//
//	401 Unauthorized   no token, or one that is not valid: www-authenticate says why
//	403 Forbidden      no scope of the route's, no good signature, or no permission
//
// With a [CORS] configuration the API answers preflight requests itself, and its
// headers replace those that functions answer with.
//
// Lambda authorizers are not served; New refuses a route that wants one. Each route
// has a bucket of its own; an account's limit over all APIs is not kept.
//
// Rules come from the API Gateway developer guide: http-api-develop-routes,
// http-api-develop-integrations-lambda, http-api-quotas, http-api-jwt-authorizer,
// http-api-access-control-iam, http-api-cors,
// http-api-throttling.
package httpapi
