package local

import (
	"encoding/json"
	"time"

	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/sqs"
)

type queue struct {
	resource *assembly.Resource
	config   sqs.QueueConfig
	policyOf *assembly.Resource // the AWS::SQS::QueuePolicy that set its policy
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
type queueProperties struct {
	ContentBasedDeduplication     bool
	DeduplicationScope            string
	DelaySeconds                  int
	FifoQueue                     bool
	FifoThroughputLimit           string
	MaximumMessageSize            *int
	MessageRetentionPeriod        *int
	QueueName                     label // the assembly has read it
	ReceiveMessageWaitTimeSeconds int
	RedriveAllowPolicy            *struct {
		RedrivePermission string   `cfn:"redrivePermission,required"`
		SourceQueueArns   []string `cfn:"sourceQueueArns"`
	}
	RedrivePolicy *struct {
		DeadLetterTargetArn string `cfn:"deadLetterTargetArn,required"`
		MaxReceiveCount     int    `cfn:"maxReceiveCount,required"`
	}
	VisibilityTimeout *int
	Tags              []struct {
		Key   string `cfn:",required"`
		Value string `cfn:",required"`
	}

	KmsDataKeyReusePeriodSeconds noEffect `why:"messages are not encrypted here"`
	KmsMasterKeyId               noEffect `why:"messages are not encrypted here"`
	SqsManagedSseEnabled         noEffect `why:"messages are not encrypted here"`
}

// SQS's defaults, where CloudFormation leaves a property out.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
const (
	defaultVisibility  = 30 * time.Second
	defaultRetention   = 4 * 24 * time.Hour
	defaultMessageSize = 1 << 20
)

func (p *planner) readQueue(r *assembly.Resource) {
	var props queueProperties
	if !decode(&p.report, r, &props) {
		return
	}
	c := sqs.QueueConfig{
		Name: r.Name, ARN: r.ARN,
		VisibilityTimeout: secondsOr(props.VisibilityTimeout, defaultVisibility),
		MessageRetention:  secondsOr(props.MessageRetentionPeriod, defaultRetention),
		Delay:             time.Duration(props.DelaySeconds) * time.Second,
		ReceiveWait:       time.Duration(props.ReceiveMessageWaitTimeSeconds) * time.Second,
		MaxMessageSize:    defaultMessageSize,
		FIFO:              props.FifoQueue, ContentBasedDeduplication: props.ContentBasedDeduplication,
		DeduplicationScope: props.DeduplicationScope, FifoThroughputLimit: props.FifoThroughputLimit,
	}
	if props.MaximumMessageSize != nil {
		c.MaxMessageSize = *props.MaximumMessageSize
	}
	if props.RedrivePolicy != nil {
		c.DeadLetterARN = props.RedrivePolicy.DeadLetterTargetArn
		c.MaxReceiveCount = props.RedrivePolicy.MaxReceiveCount
	}
	if a := props.RedriveAllowPolicy; a != nil {
		c.RedriveAllow = &sqs.RedriveAllow{Permission: a.RedrivePermission, Sources: a.SourceQueueArns}
	}
	for _, t := range props.Tags {
		if c.Tags == nil {
			c.Tags = map[string]string{}
		}
		c.Tags[t.Key] = t.Value
	}
	if err := c.Validate(); err != nil {
		p.report.fail(r, "", "%v", err)
		return
	}
	p.queues[r.ARN] = &queue{resource: r, config: c}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queuepolicy.html
type queuePolicyProperties struct {
	PolicyDocument json.RawMessage `cfn:",required"`
	Queues         []string        `cfn:",required"` // URLs
}

func (p *planner) readQueuePolicy(r *assembly.Resource) {
	var props queuePolicyProperties
	if !decode(&p.report, r, &props) {
		return
	}
	d, err := iam.ParseResource(props.PolicyDocument)
	if err != nil {
		p.report.fail(r, "PolicyDocument", "%v", err)
		return
	}
	d.Name = r.Where()
	p.later = append(p.later, func() {
		for _, url := range props.Queues {
			q := p.queueByURL(url)
			switch {
			case q == nil:
				p.missing(r, "Queues", url, "this assembly has no queue with the URL %s", url)
			case q.policyOf != nil:
				// Each CloudFormation resource sets the queue's one policy.
				p.report.fail(r, "Queues", "queue %s has the policy %s already: a queue has one policy, and the last would win", q.config.Name, q.policyOf.Where())
			default:
				q.policyOf, q.config.Policy = r, &d
			}
		}
	})
}

func (p *planner) queueByURL(url string) *queue {
	for _, q := range p.queues {
		if q.resource.Ref == url {
			return q
		}
	}
	return nil
}

func (p *planner) finishQueues() {
	for _, q := range sorted(p.queues) {
		if dlq := q.config.DeadLetterARN; dlq != "" {
			if dead, ok := p.queues[dlq]; !ok {
				p.missing(q.resource, "RedrivePolicy.deadLetterTargetArn", dlq, "this assembly has no queue %q", dlq)
			} else if !dead.config.AllowsSource(q.config.ARN) {
				p.report.fail(q.resource, "RedrivePolicy.deadLetterTargetArn", "the RedriveAllowPolicy of %s does not allow this queue", dead.resource.Where())
			}
		}
		p.plan.queues = append(p.plan.queues, q.config)
	}
}

func secondsOr(n *int, otherwise time.Duration) time.Duration {
	if n == nil {
		return otherwise
	}
	return time.Duration(*n) * time.Second
}
