package sqs

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// TagQueue adds tags, and changes those that are there.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_TagQueue.html
func (s *Service) TagQueue(_ context.Context, queueARN string, tags map[string]string) error {
	return s.reconfigure(queueARN, func(c *QueueConfig) (err error) {
		if len(tags) == 0 {
			return errMissing("Tags")
		}
		c.Tags, err = addTags(c.Tags, tags)
		return err
	})
}

// UntagQueue removes tags. One that is not there is no error.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_UntagQueue.html
func (s *Service) UntagQueue(_ context.Context, queueARN string, keys []string) error {
	return s.reconfigure(queueARN, func(c *QueueConfig) error {
		if len(keys) == 0 {
			return errMissing("TagKeys")
		}
		maps.DeleteFunc(c.Tags, func(key, _ string) bool { return slices.Contains(keys, key) })
		return nil
	})
}

// addTags refuses what AWS refuses: keys of more than 128 characters, values of
// more than 256, more than 50 in all, and keys that begin with aws:.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
func addTags(old, tags map[string]string) (map[string]string, error) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		switch {
		case key == "" || utf8.RuneCountInString(key) > 128:
			return nil, errValue("Tag keys must be between 1 and 128 characters in length.")
		case utf8.RuneCountInString(value) > 256:
			return nil, errValue("Tag values must be between 0 and 256 characters in length.")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return nil, errValue("Tag keys cannot begin with aws: because it is reserved for internal use.")
		}
	}
	all := maps.Clone(old)
	if all == nil {
		all = make(map[string]string, len(tags))
	}
	maps.Copy(all, tags)
	if len(all) > maxTags {
		return nil, errValue("Too many tags: a queue can have up to %d.", maxTags)
	}
	return all, nil
}
