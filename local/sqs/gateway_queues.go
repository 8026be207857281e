package sqs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vinci-go/vinci/local/gateway"
)

// textMap is a map of strings. As AWS does, it takes numbers and truth values for
// the strings that mean them, and leaves out what is null.
type textMap map[string]string

func (m *textMap) UnmarshalJSON(b []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	out := make(textMap, len(fields))
	for name, raw := range fields {
		switch raw[0] {
		case '"':
			var s string
			if err := json.Unmarshal(raw, &s); err != nil {
				return err
			}
			out[name] = s
		case '{', '[':
			return errors.New(name + " is a structure where a string is expected")
		case 'n': // null
		default:
			out[name] = string(raw)
		}
	}
	*m = out
	return nil
}

type createQueueInput struct {
	QueueName  string
	Attributes textMap
	Tags       textMap `json:"tags"`
}

type queueURLOutput struct{ QueueUrl string }

func (s *Service) createQueue(ctx context.Context, _ gateway.Caller, in createQueueInput) (queueURLOutput, error) {
	if _, err := s.CreateQueue(ctx, in.QueueName, in.Attributes, in.Tags); err != nil {
		return queueURLOutput{}, err
	}
	return queueURLOutput{s.url(in.QueueName)}, nil
}

func (s *Service) deleteQueue(ctx context.Context, _ gateway.Caller, in queueInput) (struct{}, error) {
	arn, err := s.arnOf(in.QueueUrl)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.DeleteQueue(ctx, arn)
}

type getQueueURLInput struct{ QueueName, QueueOwnerAWSAccountId string }

func (s *Service) getQueueURL(_ context.Context, _ gateway.Caller, in getQueueURLInput) (queueURLOutput, error) {
	if in.QueueName == "" {
		return queueURLOutput{}, errMissing("QueueName")
	}
	if in.QueueOwnerAWSAccountId != "" && in.QueueOwnerAWSAccountId != s.opts.Account || !s.Exists(s.arn(in.QueueName)) {
		return queueURLOutput{}, errNoQueue()
	}
	return queueURLOutput{s.url(in.QueueName)}, nil
}

type getQueueAttributesInput struct {
	QueueUrl       string
	AttributeNames []string
}

type getQueueAttributesOutput struct {
	Attributes map[string]string `json:",omitempty"`
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
func (s *Service) getQueueAttributes(_ context.Context, _ gateway.Caller, in getQueueAttributesInput) (getQueueAttributesOutput, error) {
	arn, err := s.arnOf(in.QueueUrl)
	if err != nil {
		return getQueueAttributesOutput{}, err
	}
	for _, name := range in.AttributeNames {
		if !slices.Contains(queueAttributes, name) {
			return getQueueAttributesOutput{}, errAttributeName("Unknown Attribute %s.", name)
		}
	}
	q, err := s.open(arn)
	if err != nil {
		return getQueueAttributesOutput{}, err
	}
	defer q.mu.Unlock()
	all := q.config.attributes()
	visible, inFlight, delayed := q.counts(s.opts.Now())
	maps.Copy(all, map[string]string{
		"QueueArn":                              q.arn,
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(inFlight),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(delayed),
		"CreatedTimestamp":                      strconv.FormatInt(q.created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(q.modified.Unix(), 10),
	})
	if slices.Contains(in.AttributeNames, attrAll) {
		return getQueueAttributesOutput{all}, nil
	}
	maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(in.AttributeNames, name) })
	return getQueueAttributesOutput{all}, nil
}

type setQueueAttributesInput struct {
	QueueUrl   string
	Attributes textMap
}

func (s *Service) setQueueAttributes(ctx context.Context, _ gateway.Caller, in setQueueAttributesInput) (struct{}, error) {
	arn, err := s.arnOf(in.QueueUrl)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.SetQueueAttributes(ctx, arn, in.Attributes)
}

type listQueuesInput struct {
	QueueNamePrefix string
	MaxResults      *int
	NextToken       string
}

type listQueuesOutput struct {
	QueueUrls []string `json:",omitempty"`
	NextToken string   `json:",omitempty"`
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html
func (s *Service) listQueues(_ context.Context, _ gateway.Caller, in listQueuesInput) (listQueuesOutput, error) {
	var names []string
	for _, c := range s.configs() {
		if strings.HasPrefix(c.Name, in.QueueNamePrefix) {
			names = append(names, c.Name)
		}
	}
	page, next, err := paginate(names, in.MaxResults, in.NextToken)
	return listQueuesOutput{s.urls(page), next}, err
}

func (s *Service) urls(names []string) []string {
	urls := make([]string, len(names))
	for i, name := range names {
		urls[i] = s.url(name)
	}
	return urls
}

// paginate returns the page behind the name that the token says, and the next
// token: as in AWS only when the caller asked for pages. Names are in order.
func paginate(names []string, limit *int, token string) (page []string, next string, err error) {
	n := 1000
	if limit != nil {
		if n = *limit; n < 1 || n > 1000 {
			return nil, "", errRange("MaxResults", n, 1, 1000)
		}
	}
	start := 0
	if token != "" {
		last, err := base64.StdEncoding.DecodeString(token)
		if err != nil {
			return nil, "", errValue("Invalid or expired next token.")
		}
		start, _ = slices.BinarySearch(names, string(last)+"\x00")
	}
	page = names[start:min(start+n, len(names))]
	if limit != nil && start+n < len(names) {
		next = base64.StdEncoding.EncodeToString([]byte(page[len(page)-1]))
	}
	return page, next, nil
}

type listDeadLetterSourceQueuesInput struct {
	QueueUrl   string
	MaxResults *int
	NextToken  string
}

type listDeadLetterSourceQueuesOutput struct {
	QueueUrls []string `json:"queueUrls"`
	NextToken string   `json:",omitempty"`
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListDeadLetterSourceQueues.html
func (s *Service) listDeadLetterSourceQueues(_ context.Context, _ gateway.Caller, in listDeadLetterSourceQueuesInput) (listDeadLetterSourceQueuesOutput, error) {
	q, _, err := s.byURL(in.QueueUrl)
	if err != nil {
		return listDeadLetterSourceQueuesOutput{}, err
	}
	var names []string
	for _, c := range s.sources(q.arn) {
		names = append(names, c.Name)
	}
	page, next, err := paginate(names, in.MaxResults, in.NextToken)
	return listDeadLetterSourceQueuesOutput{s.urls(page), next}, err
}

type queueInput struct{ QueueUrl string }

type listQueueTagsOutput struct {
	Tags map[string]string `json:",omitempty"`
}

func (s *Service) listQueueTags(_ context.Context, _ gateway.Caller, in queueInput) (listQueueTagsOutput, error) {
	_, config, err := s.byURL(in.QueueUrl)
	if err != nil {
		return listQueueTagsOutput{}, err
	}
	return listQueueTagsOutput{config.Tags}, nil
}

type tagQueueInput struct {
	QueueUrl string
	Tags     textMap
}

func (s *Service) tagQueue(ctx context.Context, _ gateway.Caller, in tagQueueInput) (struct{}, error) {
	arn, err := s.arnOf(in.QueueUrl)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.TagQueue(ctx, arn, in.Tags)
}

type untagQueueInput struct {
	QueueUrl string
	TagKeys  []string
}

func (s *Service) untagQueue(ctx context.Context, _ gateway.Caller, in untagQueueInput) (struct{}, error) {
	arn, err := s.arnOf(in.QueueUrl)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.UntagQueue(ctx, arn, in.TagKeys)
}

func (s *Service) purgeQueue(ctx context.Context, _ gateway.Caller, in queueInput) (struct{}, error) {
	arn, err := s.arnOf(in.QueueUrl)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.Purge(ctx, arn)
}
