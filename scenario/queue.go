package scenario

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/local/synth"
)

// Deployment is the deployment that runs on this machine.
var Deployment = names.Deployment{App: domain.Application, ID: synth.Deployment}

// Empty reports whether the subscription's queue holds no message, neither
// waiting nor in flight.
func (s *Stage) Empty(ctx context.Context, sub *bus.Definition) (bool, error) {
	queue := Deployment.Queue(sub.Name)
	url, err := s.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(queue)})
	if err != nil {
		return false, fmt.Errorf("find queue %s: %w", queue, err)
	}
	out, err := s.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: url.QueueUrl,
		AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameApproximateNumberOfMessages,
			types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
		},
	})
	if err != nil {
		return false, fmt.Errorf("look at queue %s: %w", queue, err)
	}
	for _, n := range out.Attributes {
		if n != "0" {
			return false, nil
		}
	}
	return true, nil
}
