package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
)

// Error is an AWS error answer. Services return it for everything that a client
// did wrong.
type Error struct {
	// Code is the error's name without its namespace, as
	// "ResourceNotFoundException".
	Code    string
	Message string
	// Status is the HTTP status; 0 means 400.
	Status int
	// QueryCode is SQS's older name of the error, which its clients still compare
	// with ("AWS.SimpleQueueService.NonExistentQueue"); "" means Code. Other
	// services do not use it.
	QueryCode string
	// Namespace is what stands before "#" in __type; "" means the service's own.
	Namespace string
}

// Error is the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// coral is the namespace of errors that AWS's service framework raises before the
// service itself sees the call.
const coral = "com.amazon.coral.service"

const unknownOperation = "UnknownOperationException"

// UnknownOperation is AWS's answer to an operation that a service does not have.
// The gateway logs it, because it usually means that the local runtime does not
// serve it yet.
func UnknownOperation(operation string) *Error {
	return &Error{Code: unknownOperation, Message: "operation " + operation + " is not served by the local runtime", Namespace: coral}
}

// Malformed is AWS's answer to a body that is not what the operation takes.
func Malformed(err error) *Error {
	return &Error{Code: "SerializationException", Message: "the body could not be read: " + err.Error(), Namespace: coral}
}

const internalFailure = "InternalFailure"

// asError returns err as an AWS error. What is none was not of the client's
// making: a 500.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: internalFailure, Message: err.Error(), Status: http.StatusInternalServerError}
}

func (e *Error) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// targetDynamoDB is how the targets of DynamoDB and of its streams begin.
const (
	targetDynamoDB = "DynamoDB"
	targetSQS      = "AmazonSQS"
)

func targetPrefix(r *http.Request) string {
	prefix, _, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return prefix
}

func contentType(r *Request) string {
	if r.REST {
		return "application/json"
	}
	if ct := r.HTTP.Header.Get("Content-Type"); strings.HasPrefix(ct, "application/x-amz-json-1.1") {
		return "application/x-amz-json-1.1"
	}
	return "application/x-amz-json-1.0"
}

// WriteError answers with err in the shape of the service that was called. An
// error that is no [*Error] becomes a 500: nothing of the client's making.
func WriteError(w http.ResponseWriter, r *Request, err error) {
	e := asError(err)
	if r.REST {
		writeRESTError(w, r, e)
		return
	}
	status := e.status()
	if e.Code == internalFailure && strings.HasPrefix(targetPrefix(r.HTTP), targetDynamoDB) {
		e = &Error{Code: "InternalServerError", Message: e.Message, Status: status} // DynamoDB's name of it
	}
	kind := e.Code
	prefix := targetPrefix(r.HTTP)
	switch {
	case e.Namespace != "":
		kind = e.Namespace + "#" + kind
	case strings.HasPrefix(prefix, targetDynamoDB):
		kind = "com.amazonaws.dynamodb.v20120810#" + kind
	case prefix == targetSQS:
		kind = "com.amazonaws.sqs#" + kind
	}
	if prefix == targetSQS {
		code, fault := e.QueryCode, "Sender"
		if code == "" {
			code = e.Code
		}
		if status >= http.StatusInternalServerError {
			fault = "Receiver"
		}
		w.Header().Set("X-Amzn-Query-Error", code+";"+fault)
	}
	w.Header().Set("X-Amzn-Errortype", e.Code)
	write(w, r, status, struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{kind, e.Message})
}

// restStatus is the status of errors that come before the service sees the call.
// REST services answer them as HTTP would, the JSON protocols with 400.
func restStatus(code string) int {
	switch code {
	case "AccessDeniedException", "ExpiredTokenException", "IncompleteSignatureException", "InvalidSignatureException", "MissingAuthenticationTokenException", "UnrecognizedClientException":
		return http.StatusForbidden
	case unknownOperation:
		return http.StatusNotFound
	default:
		return http.StatusBadRequest
	}
}

// writeRESTError answers in the shape of Lambda's errors. Clients look for the
// message under either of two names, depending on the error.
//
// https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
func writeRESTError(w http.ResponseWriter, r *Request, e *Error) {
	status, fault, code := e.Status, "User", e.Code
	if status == 0 {
		status = restStatus(code)
	}
	if status >= http.StatusInternalServerError {
		fault = "Service"
	}
	if code == internalFailure {
		code = "ServiceException" // Lambda's name of it
	}
	w.Header().Set("X-Amzn-Errortype", code)
	write(w, r, status, struct {
		Type    string `json:"Type"`
		Message string `json:"Message"`
		Lower   string `json:"message"`
	}{fault, e.Message, e.Message})
}

// WriteJSON answers with v and status 200. v must be something that encoding/json
// can encode; nil is the empty object.
func WriteJSON(w http.ResponseWriter, r *Request, v any) {
	if v == nil {
		v = struct{}{}
	}
	write(w, r, http.StatusOK, v)
}

func write(w http.ResponseWriter, r *Request, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status = http.StatusInternalServerError
		body = []byte(`{"__type":"InternalFailure","message":` + strconv.Quote(fmt.Sprintf("the answer could not be encoded: %v", err)) + `}`)
	}
	h := w.Header()
	h.Set("Content-Type", contentType(r))
	h.Set("X-Amzn-Requestid", r.ID)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if strings.HasPrefix(targetPrefix(r.HTTP), targetDynamoDB) {
		h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)) // SDKs verify it
	}
	w.WriteHeader(status)
	// A client that hung up has no use for the error, and neither do we.
	_, _ = w.Write(body)
}
