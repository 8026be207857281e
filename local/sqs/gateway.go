package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/vinci-go/vinci/local/gateway"
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

// operations are all of the API. The variable is never written to.
var operations = map[string]operation{
	"AddPermission":                {"AddPermission", handler((*Service).addPermission)},
	"CancelMessageMoveTask":        {"CancelMessageMoveTask", handler((*Service).cancelMessageMoveTask)},
	"ChangeMessageVisibility":      {"ChangeMessageVisibility", handler((*Service).changeMessageVisibility)},
	"ChangeMessageVisibilityBatch": {"ChangeMessageVisibility", handler((*Service).changeMessageVisibilityBatch)},
	"CreateQueue":                  {"CreateQueue", handler((*Service).createQueue)},
	"DeleteMessage":                {"DeleteMessage", handler((*Service).deleteMessage)},
	"DeleteMessageBatch":           {"DeleteMessage", handler((*Service).deleteMessageBatch)},
	"DeleteQueue":                  {"DeleteQueue", handler((*Service).deleteQueue)},
	"GetQueueAttributes":           {"GetQueueAttributes", handler((*Service).getQueueAttributes)},
	"GetQueueUrl":                  {"GetQueueUrl", handler((*Service).getQueueURL)},
	"ListDeadLetterSourceQueues":   {"ListDeadLetterSourceQueues", handler((*Service).listDeadLetterSourceQueues)},
	"ListMessageMoveTasks":         {"ListMessageMoveTasks", handler((*Service).listMessageMoveTasks)},
	"ListQueueTags":                {"ListQueueTags", handler((*Service).listQueueTags)},
	"ListQueues":                   {"ListQueues", handler((*Service).listQueues)},
	"PurgeQueue":                   {"PurgeQueue", handler((*Service).purgeQueue)},
	"ReceiveMessage":               {"ReceiveMessage", handler((*Service).receiveMessage)},
	"RemovePermission":             {"RemovePermission", handler((*Service).removePermission)},
	"SendMessage":                  {"SendMessage", handler((*Service).sendMessage)},
	"SendMessageBatch":             {"SendMessage", handler((*Service).sendMessageBatch)},
	"SetQueueAttributes":           {"SetQueueAttributes", handler((*Service).setQueueAttributes)},
	"StartMessageMoveTask":         {"StartMessageMoveTask", handler((*Service).startMessageMoveTask)},
	"TagQueue":                     {"TagQueue", handler((*Service).tagQueue)},
	"UntagQueue":                   {"UntagQueue", handler((*Service).untagQueue)},
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
	// encoding/json would replace what is no UTF-8, in a message's body too.
	if !utf8.Valid(body) {
		return gateway.Malformed(errors.New("it is not UTF-8"))
	}
	return nil
}

// Prefixes is what X-Amz-Target begins with.
func (s *Service) Prefixes() []string { return []string{"AmazonSQS"} }

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
// the queue's name. As AWS does, it takes a queue's name alone, too.
func (s *Service) arnOf(queueURL string) (string, error) {
	if queueURL == "" {
		return "", errMissing("QueueUrl")
	}
	if !strings.Contains(queueURL, "/") && validName(queueURL, isFIFOName(queueURL)) {
		return s.arn(queueURL), nil
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
	return &gateway.Error{Code: "InvalidAddress", Status: http.StatusNotFound, Message: "The address " + queueURL + " is not valid for this endpoint: a queue URL ends in /ACCOUNT/QUEUE."}
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
