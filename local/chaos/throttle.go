package chaos

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/vinci-go/vinci/local/gateway"
)

// The prefixes of X-Amz-Target.
const (
	tables  = "DynamoDB_20120810"
	streams = "DynamoDBStreams_20120810"
	queues  = "AmazonSQS"
	events  = "AWSEvents"
)

// throttle refuses the call as its service does, and returns the error's code.
func throttle(w http.ResponseWriter, r *gateway.Request, service string) string {
	if service == "" {
		return tooManyRequests(w, r)
	}
	e := refusal(service, r.Operation)
	gateway.WriteError(w, r, e)
	return e.Code
}

func refusal(service, operation string) *gateway.Error {
	switch {
	case service == tables && onItems(operation):
		return &gateway.Error{Code: "ProvisionedThroughputExceededException",
			Message: "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API."}
	case service == streams && operation == "GetRecords":
		return &gateway.Error{Code: "LimitExceededException", Message: "Rate exceeded for the shard of the stream."}
	case service == queues:
		return &gateway.Error{Code: "RequestThrottled", Message: "The request was denied due to request throttling.", Status: http.StatusForbidden}
	}
	return &gateway.Error{Code: "ThrottlingException", Message: "Rate exceeded"}
}

// onItems reports whether an operation uses a table's throughput.
func onItems(operation string) bool {
	return strings.HasSuffix(operation, "Item") || strings.HasSuffix(operation, "Items") || operation == "Query" || operation == "Scan"
}

// tooManyRequests is Lambda's refusal.
func tooManyRequests(w http.ResponseWriter, r *gateway.Request) string {
	const code = "TooManyRequestsException"
	body, err := json.Marshal(struct {
		Type    string
		Reason  string
		Message string `json:"message"`
	}{"User", "ReservedFunctionConcurrentInvocationLimitExceeded", "Rate Exceeded."})
	if err != nil {
		panic(err) // strings always marshal
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Errortype", code)
	h.Set("X-Amzn-Requestid", r.ID)
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = w.Write(body) // a client that hung up has no use for the error
	return code
}
