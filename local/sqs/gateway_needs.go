package sqs

import (
	"maps"
	"slices"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

// needsInput is what of a request says which queues it is about.
type needsInput struct {
	QueueUrl, QueueName, SourceArn, DestinationArn, TaskHandle string
	Tags                                                       textMap // also CreateQueue's "tags": encoding/json knows no case
	TagKeys                                                    []string
}

// Needs are the permissions that AWS asks for: the operation's own action on the
// queue, sqs:TagQueue beside sqs:CreateQueue with tags, and for message move
// tasks those on the messages that they receive, delete and send.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
func (s *Service) Needs(name string, body []byte) ([]iam.Need, error) {
	o, ok := operations[name]
	if !ok {
		return nil, gateway.UnknownOperation(name)
	}
	var in needsInput
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	switch name {
	case "ListQueues": // knows no resource
		return []iam.Need{{Action: "sqs:ListQueues", Resource: "*"}}, nil
	case "GetQueueUrl":
		return []iam.Need{s.need(o.action, s.arn(in.QueueName))}, nil
	case "CreateQueue":
		return s.needsOfCreate(&in), nil
	case "StartMessageMoveTask":
		return s.needsOfMove(o.action, &in), nil
	case "ListMessageMoveTasks":
		return s.needsEach(in.SourceArn, o.action, "GetQueueAttributes"), nil
	case "CancelMessageMoveTask":
		h, ok := readTaskHandle(in.TaskHandle)
		if !ok {
			return nil, errValue("Value for parameter TaskHandle is invalid.")
		}
		return s.needsEach(h.SourceARN, o.action, "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"), nil
	}
	arn, err := s.arnOf(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	n := s.need(o.action, arn)
	if name == "TagQueue" || name == "UntagQueue" {
		n.Context = withRequestTags(n.Context, in.Tags, in.TagKeys)
	}
	return []iam.Need{n}, nil
}

// need is an action on a queue, with the queue's tags as condition keys.
func (s *Service) need(action, arn string) iam.Need {
	n := iam.Need{Action: "sqs:" + action, Resource: arn}
	_, c, err := s.find(arn)
	if err != nil || len(c.Tags) == 0 { // that it does not exist is told to who is allowed to know
		return n
	}
	n.Context = make(map[string][]string, len(c.Tags))
	for key, value := range c.Tags {
		n.Context["aws:ResourceTag/"+key] = []string{value}
	}
	return n
}

func (s *Service) needsEach(arn string, actions ...string) []iam.Need {
	needs := make([]iam.Need, len(actions))
	for i, a := range actions {
		needs[i] = s.need(a, arn)
	}
	return needs
}

func (s *Service) needsOfCreate(in *needsInput) []iam.Need {
	needs := s.needsEach(s.arn(in.QueueName), "CreateQueue")
	if len(in.Tags) > 0 {
		needs = append(needs, s.need("TagQueue", s.arn(in.QueueName)))
	}
	for i := range needs {
		needs[i].Context = withRequestTags(needs[i].Context, in.Tags, nil)
	}
	return needs
}

// needsOfMove asks for sending to the destination, or to each queue that messages
// go back to when there is none.
func (s *Service) needsOfMove(action string, in *needsInput) []iam.Need {
	needs := s.needsEach(in.SourceArn, action, "ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
	if in.DestinationArn != "" {
		return append(needs, s.need("SendMessage", in.DestinationArn))
	}
	for _, c := range s.sources(in.SourceArn) {
		needs = append(needs, s.need("SendMessage", c.ARN))
	}
	return needs
}

// withRequestTags adds the condition keys of a request's tags.
func withRequestTags(context map[string][]string, tags textMap, keys []string) map[string][]string {
	keys = append(slices.Sorted(maps.Keys(tags)), keys...)
	if len(keys) == 0 {
		return context
	}
	if context == nil {
		context = make(map[string][]string, len(keys)+1)
	}
	context["aws:TagKeys"] = keys
	for key, value := range tags {
		context["aws:RequestTag/"+key] = []string{value}
	}
	return context
}
