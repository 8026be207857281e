package sqs

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
)

type getQueueURLInput struct{ QueueName, QueueOwnerAWSAccountId string }

type getQueueURLOutput struct{ QueueUrl string }

func (s *Service) getQueueURL(_ context.Context, _ gateway.Caller, in getQueueURLInput) (getQueueURLOutput, error) {
	if in.QueueName == "" {
		return getQueueURLOutput{}, errMissing("QueueName")
	}
	if in.QueueOwnerAWSAccountId != "" && in.QueueOwnerAWSAccountId != s.opts.Account || !s.Exists(s.arn(in.QueueName)) {
		return getQueueURLOutput{}, errNoQueue()
	}
	return getQueueURLOutput{QueueUrl: s.url(in.QueueName)}, nil
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
			return getQueueAttributesOutput{}, &gateway.Error{Code: "InvalidAttributeName", Message: "Unknown Attribute " + name + "."}
		}
	}
	q, err := s.open(arn)
	if err != nil {
		return getQueueAttributesOutput{}, err
	}
	defer q.mu.Unlock()
	all := q.attributes(s.opts.Now())
	if slices.Contains(in.AttributeNames, "All") {
		return getQueueAttributesOutput{Attributes: all}, nil
	}
	maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(in.AttributeNames, name) })
	return getQueueAttributesOutput{Attributes: all}, nil
}

// queueAttributes are the names that GetQueueAttributes takes. Those that belong
// to FIFO queues and to KMS never have a value here.
var queueAttributes = []string{"All", "QueueArn", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
	"ApproximateNumberOfMessagesDelayed", "CreatedTimestamp", "LastModifiedTimestamp", "VisibilityTimeout", "MaximumMessageSize",
	"MessageRetentionPeriod", "DelaySeconds", "ReceiveMessageWaitTimeSeconds", "Policy", "RedrivePolicy", "RedriveAllowPolicy",
	"SqsManagedSseEnabled", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds",
	"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"}

// attributes wants q.mu held.
func (q *queue) attributes(now time.Time) map[string]string {
	visible, inFlight, delayed := q.counts(now)
	c := &q.config
	wholeSeconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	all := map[string]string{
		"QueueArn":                              q.arn,
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(inFlight),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(delayed),
		"CreatedTimestamp":                      strconv.FormatInt(q.created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(q.modified.Unix(), 10),
		"VisibilityTimeout":                     wholeSeconds(c.VisibilityTimeout),
		"MaximumMessageSize":                    strconv.Itoa(c.MaxMessageSize),
		"MessageRetentionPeriod":                wholeSeconds(c.MessageRetention),
		"DelaySeconds":                          wholeSeconds(c.Delay),
		"ReceiveMessageWaitTimeSeconds":         wholeSeconds(c.ReceiveWait),
		"SqsManagedSseEnabled":                  "true",
	}
	if c.Policy != nil {
		all["Policy"] = policyJSON(c.Policy)
	}
	if c.DeadLetterARN != "" {
		b, err := json.Marshal(struct {
			DeadLetterTargetArn string `json:"deadLetterTargetArn"`
			MaxReceiveCount     int    `json:"maxReceiveCount"`
		}{c.DeadLetterARN, c.MaxReceiveCount})
		if err != nil {
			panic("sqs: a redrive policy could not be encoded: " + err.Error()) // a string and a number always can
		}
		all["RedrivePolicy"] = string(b)
	}
	return all
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
	names := s.names(func(c *QueueConfig) bool { return strings.HasPrefix(c.Name, in.QueueNamePrefix) })
	page, next, err := paginate(names, in.MaxResults, in.NextToken)
	if err != nil {
		return listQueuesOutput{}, err
	}
	out := listQueuesOutput{NextToken: next}
	for _, name := range page {
		out.QueueUrls = append(out.QueueUrls, s.url(name))
	}
	return out, nil
}

// names are the served queues that f picks, in order.
func (s *Service) names(f func(*QueueConfig) bool) []string {
	s.mu.RLock()
	queues := slices.Collect(maps.Values(s.queues))
	s.mu.RUnlock()
	var names []string
	for _, q := range queues {
		q.mu.Lock()
		if q.active && f(&q.config) {
			names = append(names, q.config.Name)
		}
		q.mu.Unlock()
	}
	slices.Sort(names)
	return names
}

// paginate returns the page behind the name that token is, and the next token:
// as in AWS only when the caller asked for pages.
func paginate(names []string, limit *int, token string) (page []string, next string, err error) {
	n := 1000
	if limit != nil {
		if n = *limit; n < 1 || n > 1000 {
			return nil, "", errRange("MaxResults", n, 1, 1000)
		}
	}
	start, _ := slices.BinarySearch(names, token+"\x00")
	if token == "" {
		start = 0
	}
	page = names[start:min(start+n, len(names))]
	if limit != nil && start+n < len(names) {
		next = page[len(page)-1]
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

func (s *Service) listDeadLetterSourceQueues(_ context.Context, _ gateway.Caller, in listDeadLetterSourceQueuesInput) (listDeadLetterSourceQueuesOutput, error) {
	q, _, err := s.byURL(in.QueueUrl)
	if err != nil {
		return listDeadLetterSourceQueuesOutput{}, err
	}
	names := s.names(func(c *QueueConfig) bool { return c.DeadLetterARN == q.arn })
	page, next, err := paginate(names, in.MaxResults, in.NextToken)
	out := listDeadLetterSourceQueuesOutput{QueueUrls: []string{}, NextToken: next}
	for _, name := range page {
		out.QueueUrls = append(out.QueueUrls, s.url(name))
	}
	return out, err
}

type queueInput struct{ QueueUrl string }

type listQueueTagsOutput struct {
	Tags map[string]string `json:",omitempty"`
}

func (s *Service) listQueueTags(_ context.Context, _ gateway.Caller, in queueInput) (listQueueTagsOutput, error) {
	_, config, err := s.byURL(in.QueueUrl)
	return listQueueTagsOutput{Tags: config.Tags}, err
}

func (s *Service) purgeQueue(ctx context.Context, _ gateway.Caller, in queueInput) (struct{}, error) {
	arn, err := s.arnOf(in.QueueUrl)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.Purge(ctx, arn)
}
