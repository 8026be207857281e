package sqs

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

var (
	_ gateway.Service          = (*Service)(nil)
	_ gateway.ResourcePolicies = (*Service)(nil)
)

// operation is one operation of the API.
type operation struct {
	action string // what IAM must allow on the queue
	serve  func(s *Service, ctx context.Context, c gateway.Caller, body []byte) (any, error)
}

// operations are those that are served. The variable is never written to.
var operations = map[string]operation{
	"SendMessage":                  {"SendMessage", handler((*Service).sendMessage)},
	"SendMessageBatch":             {"SendMessage", handler((*Service).sendMessageBatch)},
	"ReceiveMessage":               {"ReceiveMessage", handler((*Service).receiveMessage)},
	"DeleteMessage":                {"DeleteMessage", handler((*Service).deleteMessage)},
	"DeleteMessageBatch":           {"DeleteMessage", handler((*Service).deleteMessageBatch)},
	"ChangeMessageVisibility":      {"ChangeMessageVisibility", handler((*Service).changeMessageVisibility)},
	"ChangeMessageVisibilityBatch": {"ChangeMessageVisibility", handler((*Service).changeMessageVisibilityBatch)},
	"GetQueueUrl":                  {"GetQueueUrl", handler((*Service).getQueueURL)},
	"GetQueueAttributes":           {"GetQueueAttributes", handler((*Service).getQueueAttributes)},
	"ListQueues":                   {"ListQueues", handler((*Service).listQueues)},
	"ListQueueTags":                {"ListQueueTags", handler((*Service).listQueueTags)},
	"ListDeadLetterSourceQueues":   {"ListDeadLetterSourceQueues", handler((*Service).listDeadLetterSourceQueues)},
	"PurgeQueue":                   {"PurgeQueue", handler((*Service).purgeQueue)},
}

// handler makes an operation of a method that takes its request decoded.
func handler[I, O any](f func(*Service, context.Context, gateway.Caller, I) (O, error)) func(*Service, context.Context, gateway.Caller, []byte) (any, error) {
	return func(s *Service, ctx context.Context, c gateway.Caller, body []byte) (any, error) {
		var in I
		if err := decode(body, &in); err != nil {
			return nil, err
		}
		return f(s, ctx, c, in)
	}
}

func decode(body []byte, v any) error {
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, v); err != nil {
		return gateway.Malformed(err)
	}
	return nil
}

// Prefixes is what X-Amz-Target begins with.
func (s *Service) Prefixes() []string { return []string{"AmazonSQS"} }

// Needs is the action on the queue that the call names.
func (s *Service) Needs(name string, body []byte) ([]iam.Need, error) {
	o, ok := operations[name]
	if !ok {
		return nil, gateway.UnknownOperation(name)
	}
	var in struct{ QueueUrl, QueueName string }
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	queue := in.QueueName
	switch {
	case name == "ListQueues":
		queue = "*"
	case name != "GetQueueUrl":
		arn, err := s.arnOf(in.QueueUrl)
		if err != nil {
			return nil, err
		}
		return []iam.Need{{Action: "sqs:" + o.action, Resource: arn}}, nil
	}
	return []iam.Need{{Action: "sqs:" + o.action, Resource: s.arn(queue)}}, nil
}

// Serve answers a call.
func (s *Service) Serve(w http.ResponseWriter, r *gateway.Request) {
	o, ok := operations[r.Operation]
	if !ok {
		gateway.WriteError(w, r, gateway.UnknownOperation(r.Operation))
		return
	}
	out, err := o.serve(s, r.HTTP.Context(), r.Caller, r.Body)
	if err != nil {
		gateway.WriteError(w, r, err)
		return
	}
	gateway.WriteJSON(w, r, out)
}

// arnOf reads a queue URL. Whatever its host, its path ends in the account and
// the queue's name.
func (s *Service) arnOf(queueURL string) (string, error) {
	if queueURL == "" {
		return "", errMissing("QueueUrl")
	}
	u, err := url.Parse(queueURL)
	if err != nil {
		return "", errAddress(queueURL)
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) < 2 {
		return "", errAddress(queueURL)
	}
	account, name := parts[len(parts)-2], parts[len(parts)-1]
	return "arn:aws:sqs:" + s.opts.Region + ":" + account + ":" + name, nil
}

func errAddress(queueURL string) error {
	return &gateway.Error{Code: "InvalidAddress", Message: "The address " + queueURL + " is not valid for this endpoint: a queue URL ends in /ACCOUNT/QUEUE."}
}

func (s *Service) url(name string) string {
	return strings.TrimSuffix(s.opts.Endpoint(), "/") + "/" + s.opts.Account + "/" + name
}

// sender is the SenderId of what the caller sends: AWS shows the caller's unique
// id; here it is the role's session or the account.
func sender(c gateway.Caller) string {
	if c.RoleARN == "" {
		return ""
	}
	return c.RoleARN[strings.LastIndexByte(c.RoleARN, '/')+1:] + ":" + c.Session
}
