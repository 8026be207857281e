package local

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/lambda"
)

// polledQueues are queues as event source mappings may use them: with the role of
// the function that they feed. A role that lost a permission loses its messages
// no more than on AWS: they stay in the queue.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
func (r *Runtime) polledQueues(q lambda.Queues) lambda.Queues { return &judgedQueues{q, r} }

type judgedQueues struct {
	lambda.Queues
	runtime *Runtime
}

func (q *judgedQueues) Receive(ctx context.Context, queueARN string, max int, wait time.Duration) ([]lambda.Message, error) {
	// The poller looks at the queue's attributes, too, to know how many pollers to run.
	if err := q.runtime.judgePoll(ctx, "AmazonSQS", queueARN, "sqs:ReceiveMessage", "sqs:GetQueueAttributes"); err != nil {
		return nil, err
	}
	return q.Queues.Receive(ctx, queueARN, max, wait)
}

// ChangeVisibility is for package chaos, which makes messages come again.
func (q *judgedQueues) ChangeVisibility(ctx context.Context, queueARN, receiptHandle string, d time.Duration) error {
	return q.runtime.sqs.ChangeVisibility(ctx, queueARN, receiptHandle, d)
}

func (q *judgedQueues) Delete(ctx context.Context, queueARN string, receiptHandles ...string) error {
	if err := q.runtime.judgePoll(ctx, "AmazonSQS", queueARN, "sqs:DeleteMessage"); err != nil {
		return err
	}
	return q.Queues.Delete(ctx, queueARN, receiptHandles...)
}

// Send is for the failure destination.
func (q *judgedQueues) Send(ctx context.Context, queueARN, body string) error {
	if err := q.runtime.judgePoll(ctx, "AmazonSQS", queueARN, "sqs:SendMessage"); err != nil {
		return err
	}
	return q.Queues.Send(ctx, queueARN, body)
}

// polledStreams are streams as event source mappings may use them.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-create.html
func (r *Runtime) polledStreams(s lambda.LatestStreams) lambda.LatestStreams {
	return &judgedStreams{s, r}
}

type judgedStreams struct {
	lambda.LatestStreams
	runtime *Runtime
}

func (s *judgedStreams) ReadStream(ctx context.Context, tableName, from string, max int, wait time.Duration) ([]lambda.StreamRecord, string, error) {
	for _, t := range s.runtime.plan.Load().tables {
		if t.Name != tableName || t.StreamARN == "" {
			continue
		}
		if err := s.runtime.judgePoll(ctx, "DynamoDBStreams_20120810", t.StreamARN, "dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"); err != nil {
			return nil, from, err
		}
	}
	return s.LatestStreams.ReadStream(ctx, tableName, from, max, wait)
}

// judgePoll asks whether the role of the function whose mapping calls may do all
// of the actions. A role that the assembly does not have has no policies to ask:
// it is of a function that an SDK call made.
func (r *Runtime) judgePoll(ctx context.Context, service, resource string, actions ...string) error {
	function, ok := lambda.PollsFor(ctx)
	if !ok {
		return nil
	}
	role := r.roleOf(function)
	policies, ok := r.credentials.Policies(role)
	if !ok {
		return nil
	}
	caller := gateway.Caller{RoleARN: role, Session: function, Account: r.config.Account}
	who := iam.Principal{RoleARN: role, SessionARN: caller.ARN(), Account: r.config.Account}
	for _, action := range actions {
		need := iam.Need{Action: action, Resource: resource}
		_, operation, _ := strings.Cut(action, ":")
		d := iam.Evaluate(policies, r.sqs.ResourcePolicy(resource), who, need)
		call := gateway.Call{Caller: caller, Service: service, Operation: operation, Needs: []iam.Need{need}}
		if !d.Allowed() {
			d.Hint = r.hint(caller, d)
			call.Denied = &d
		}
		if r.config.Polls != nil {
			r.config.Polls(call)
		}
		if !d.Allowed() {
			return fmt.Errorf("lambda may not poll for function %s: %w", function, gateway.AccessDenied(caller, d))
		}
	}
	return nil
}

func (r *Runtime) roleOf(function string) string {
	return r.lambda.RoleOf(function)
}
