package sqs

import "time"

// VisibilityTimeout is how long the queue hides a message that was received, as it
// is configured now; false when there is no such queue.
func (s *Service) VisibilityTimeout(arn string) (time.Duration, bool) {
	_, c, err := s.find(arn)
	if err != nil {
		return 0, false
	}
	return c.VisibilityTimeout, true
}
