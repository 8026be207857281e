package rulepack

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/privilege"
)

const (
	typeQueue = "AWS::SQS::Queue"

	pageQueueSSE    = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html"
	pageQueueTLS    = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html"
	pageQueueDLQ    = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"
	pageQueueKeeps  = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html"
	pageQueueDeputy = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
)

// deadLetterRetention is SQS's most, in seconds: 14 days. defaultRetention is what a
// queue has that says nothing: 4 days.
const (
	deadLetterRetention = 14 * 24 * 60 * 60
	defaultRetention    = 4 * 24 * 60 * 60
)

func queueRules() []Rule {
	return []Rule{
		{
			ID: "vinci/queue-encryption", Page: pageQueueSSE,
			What: "a queue is encrypted at rest", Why: "messages hold what events hold", check: (*inspection).queueEncryption,
		},
		{
			ID: "vinci/queue-tls", Page: pageQueueTLS,
			What: "a queue's policy refuses requests without TLS", Why: "messages would be readable on their way", check: (*inspection).queueTLS,
		},
		{
			ID: "vinci/queue-source", Page: pageQueueDeputy,
			What: "a queue's policy lets a service send for one source only (aws:SourceArn)", Why: "a rule or topic of anybody's could fill the queue otherwise", check: (*inspection).queueSource,
		},
		{
			ID: "vinci/queue-dead-letters", Page: pageQueueKeeps,
			What: "a dead-letter queue keeps longer than its queue, and is of its type", Why: "a standard queue counts from when a message was first sent: it could be gone as soon as it arrives", check: (*inspection).queueDeadLetters,
		},
		{
			ID: "vinci/dlq-retention", Page: pageQueueDLQ,
			What: "a queue of what failed keeps 14 days, SQS's most", Why: "people need the time to look and to mend", check: (*inspection).deadLetterRetention,
		},
	}
}

func (in *inspection) queueEncryption() {
	for _, q := range in.all(typeQueue) {
		sse := q.Properties["SqsManagedSseEnabled"] // absent: SQS turns it on
		if sse != nil && !is(sse) && q.Properties["KmsMasterKeyId"] == nil {
			in.found(q, finding{
				what: q.title("queue") + ": encryption at rest is turned off", allowed: "SqsManagedSseEnabled, or a KmsMasterKeyId", mend: "set SqsManagedSseEnabled to true",
			})
		}
	}
}

// policies are the statements of the queue policies that are on a queue.
func (in *inspection) policies(q *resource) []privilege.Statement {
	var all []privilege.Statement
	for _, p := range in.all("AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy") {
		for _, queue := range slices.Concat(privilege.List(p.Properties["Queues"]), privilege.List(p.Properties["Queue"])) {
			if in.of(p.stack, queue, typeQueue) == q {
				all = append(all, in.statements(p, p.Properties["PolicyDocument"])...)
			}
		}
	}
	return all
}

// statements are those of a document. CloudFormation would refuse one that is none,
// and so is it told.
func (in *inspection) statements(r *resource, document any) []privilege.Statement {
	all, err := privilege.Read(document)
	if err != nil {
		in.found(r, finding{what: r.title("policy") + ": " + err.Error(), allowed: "a policy document", mend: "correct it"})
	}
	return all
}

func (in *inspection) queueTLS() {
	for _, q := range in.all(typeQueue) {
		if !slices.ContainsFunc(in.policies(q), refusesPlain) {
			in.found(q, finding{
				what:    q.title("queue") + ": requests without TLS are not refused",
				allowed: "a queue policy that denies sqs:* to everybody when aws:SecureTransport is false",
				mend:    "set EnforceSSL of awssqs.QueueProps, or add an AWS::SQS::QueuePolicy",
			})
		}
	}
}

func refusesPlain(s privilege.Statement) bool {
	everybody := s.Principal == "*" || at(s.Principal, "AWS") == "*"
	everything := slices.ContainsFunc(s.Actions, func(a string) bool { return a == "*" || strings.EqualFold(a, "sqs:*") })
	secure := at(s.Condition, "Bool", "aws:SecureTransport")
	return s.Effect == "Deny" && everybody && everything && (secure == "false" || secure == false)
}

func (in *inspection) queueSource() {
	for _, q := range in.all(typeQueue) {
		for _, s := range in.policies(q) {
			for _, service := range privilege.List(at(s.Principal, "Service")) {
				if s.Effect == "Allow" && !hasCondition(s.Condition, "aws:SourceArn") {
					in.found(q, finding{
						what:    fmt.Sprintf("%s: its policy lets %s send for any source", q.title("queue"), privilege.Text(service)),
						allowed: "a condition on aws:SourceArn",
						mend:    "name the rule, topic or bucket that may send: ArnEquals aws:SourceArn",
					})
				}
			}
		}
	}
}

// hasCondition reports whether a statement has a condition on a key. IAM reads keys
// without regard to case.
func hasCondition(condition map[string]any, key string) bool {
	for _, operator := range condition {
		m, _ := operator.(map[string]any)
		for k := range m {
			if strings.EqualFold(k, key) {
				return true
			}
		}
	}
	return false
}

func (in *inspection) queueDeadLetters() {
	for _, q := range in.all(typeQueue) {
		dead := in.of(q.stack, at(q.Properties["RedrivePolicy"], "deadLetterTargetArn"), typeQueue)
		if dead == nil {
			continue
		}
		if fifo(q) != fifo(dead) {
			in.found(q, finding{
				what:    fmt.Sprintf("%s: one of it and its dead-letter %s is a FIFO queue", q.title("queue"), dead.title("queue")),
				allowed: "a dead-letter queue of the same type", mend: "make both FIFO queues, or none",
			})
		}
		keeps, known := number(q.Properties["MessageRetentionPeriod"], defaultRetention)
		longer, also := number(dead.Properties["MessageRetentionPeriod"], defaultRetention)
		if known && also && !fifo(q) && longer <= keeps {
			in.found(q, finding{
				what:    fmt.Sprintf("%s keeps messages for %.0f s, and its dead-letter %s for %.0f s from the same time", q.title("queue"), keeps, dead.title("queue"), longer),
				allowed: "a dead-letter queue that keeps longer than its queue", mend: fmt.Sprintf("let the dead-letter queue keep for %d s, and the queue for less", deadLetterRetention),
			})
		}
	}
}

func fifo(q *resource) bool {
	return q.Properties["FifoQueue"] != nil && is(q.Properties["FifoQueue"]) || strings.HasSuffix(q.named(), ".fifo")
}

// failed are the queues that hold what failed, and for whom.
func (in *inspection) failed() []failedQueue {
	var all []failedQueue
	add := func(r *resource, arn any, what string) {
		if q := in.of(r.stack, arn, typeQueue); q != nil {
			all = append(all, failedQueue{q, what + " " + r.stack.name + "/" + r.id})
		}
	}
	for _, r := range in.all() {
		switch r.Type {
		case typeQueue:
			add(r, at(r.Properties["RedrivePolicy"], "deadLetterTargetArn"), "queue")
		case typeRule:
			for _, target := range privilege.List(r.Properties["Targets"]) {
				add(r, at(target, "DeadLetterConfig", "Arn"), "rule")
			}
		case typeMapping:
			add(r, at(r.Properties["DestinationConfig"], "OnFailure", "Destination"), "mapping")
		case typeFunction:
			add(r, at(r.Properties["DeadLetterConfig"], "TargetArn"), "function")
		case "AWS::Lambda::EventInvokeConfig":
			add(r, at(r.Properties["DestinationConfig"], "OnFailure", "Destination"), "asynchronous invocation")
		case "AWS::SNS::Subscription":
			add(r, at(r.Properties["RedrivePolicy"], "deadLetterTargetArn"), "subscription of a topic")
		case "AWS::Scheduler::Schedule":
			add(r, at(r.Properties["Target"], "DeadLetterConfig", "Arn"), "schedule")
		}
	}
	return all
}

type failedQueue struct {
	queue *resource
	of    string
}

func (in *inspection) deadLetterRetention() {
	told := map[*resource]bool{}
	for _, f := range in.failed() {
		keeps, known := number(f.queue.Properties["MessageRetentionPeriod"], defaultRetention)
		if known && keeps < deadLetterRetention && !told[f.queue] {
			told[f.queue] = true
			in.found(f.queue, finding{
				what:    fmt.Sprintf("%s holds what failed of %s, and keeps it for %.0f s", f.queue.title("queue"), f.of, keeps),
				allowed: fmt.Sprintf("MessageRetentionPeriod %d (14 days)", deadLetterRetention), mend: "set it",
			})
		}
	}
}
