package lambda

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
)

// mappingDefinition is a mapping as it is configured. Like a definition it is never
// changed, and the store keeps those that SDK calls made.
type mappingDefinition struct {
	Config   MappingConfig
	Modified time.Time
	Tags     map[string]string

	assembly   bool
	transition string // its state until it runs as configured: Creating, Updating, Enabling
}

// The states of a mapping that is not between two (API_CreateEventSourceMapping).
const (
	stateEnabled  = "Enabled"
	stateDisabled = "Disabled"
)

// mappingByID finds a mapping, also one that is being deleted.
func (s *Service) mappingByID(id string) (*mappingDefinition, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.mappingDefs[id]; m != nil {
		return m, nil
	}
	if m := s.deleted[id]; m != nil {
		if s.ends(id) {
			return m, nil
		}
		delete(s.deleted, id)
	}
	return nil, notFound("The resource you requested does not exist.")
}

// ends reports whether a mapping that was told to stop still works. s.mu is held.
func (s *Service) ends(id string) bool {
	m := s.stopping[id]
	if m == nil {
		return false
	}
	select {
	case <-m.done:
		return false
	default:
		return true
	}
}

// mappingState is the state in AWS's words. It does not wait as AWS's does: a
// mapping is between two states while its predecessor finishes the batches it has.
func (s *Service) mappingState(d *mappingDefinition) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id := d.Config.ID
	m := s.mappings[id]
	switch {
	case s.mappingDefs[id] == nil:
		return "Deleting"
	case !d.Config.Enabled && s.ends(id):
		return "Disabling"
	case !d.Config.Enabled:
		return stateDisabled
	case m == nil: // its function is not there
		return d.transition
	}
	select {
	case <-m.began:
		return stateEnabled
	default:
		return d.transition
	}
}

// settled refuses to touch a mapping that is between two states, as AWS does.
func (s *Service) settled(d *mappingDefinition) error {
	if state := s.mappingState(d); state != stateEnabled && state != stateDisabled {
		return &gateway.Error{Code: "ResourceInUseException", Message: fmt.Sprintf("Cannot update the event source mapping because it is in use. (local runtime: its state is %s)", state)}
	}
	return nil
}

// changeMapping replaces a mapping's definition by a changed one, durably when SDK
// calls made it.
func (s *Service) changeMapping(id string, change func(*mappingDefinition) error) error {
	s.applying.Lock()
	defer s.applying.Unlock()
	d, err := s.mappingByID(id)
	if err != nil {
		return err
	}
	next := *d
	if err := change(&next); err != nil {
		return err
	}
	return s.setMapping(&next)
}

// setMapping stores a mapping and puts it in place. s.applying is held.
func (s *Service) setMapping(d *mappingDefinition) error {
	if s.isClosed() {
		return ErrClosed
	}
	if !d.assembly {
		b, err := json.Marshal(d)
		if err == nil {
			err = s.store.put(inMappings, d.Config.ID, b)
		}
		if err != nil {
			return fmt.Errorf("keep event source mapping %s: %w", d.Config.ID, err)
		}
	}
	next := maps.Clone(s.mappingDefs)
	next[d.Config.ID] = d
	s.reconcile(s.definitions, next)
	return nil
}

// removeMapping forgets a mapping, and where it was in its stream. s.applying is held.
func (s *Service) removeMapping(d *mappingDefinition) error {
	if s.isClosed() {
		return ErrClosed
	}
	id := d.Config.ID
	if !d.assembly {
		if err := s.store.delete(inMappings, id); err != nil {
			return err
		}
	}
	next := maps.Clone(s.mappingDefs)
	delete(next, id)
	s.reconcile(s.definitions, next)
	s.mu.Lock()
	if s.ends(id) {
		s.deleted[id] = d
	}
	s.mu.Unlock()
	return nil
}

func (s *Service) sortedMappings() []*mappingDefinition {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]*mappingDefinition, 0, len(s.mappingDefs))
	for _, id := range slices.Sorted(maps.Keys(s.mappingDefs)) {
		all = append(all, s.mappingDefs[id])
	}
	return all
}

// checkMapping refuses what AWS refuses when it makes or changes a mapping.
func (s *Service) checkMapping(c MappingConfig, d *definition) error {
	source, ok := parseARN(c.SourceARN)
	if !ok || source.service != "sqs" && source.service != "dynamodb" {
		return badParameter("Unrecognized event source: %s (the local runtime serves SQS queues and DynamoDB streams)", c.SourceARN)
	}
	if err := outOfRange("batchSize", c.BatchSize, 1, 10000); err != nil {
		return err
	}
	if err := outOfRange("maximumBatchingWindowInSeconds", int(c.Window/time.Second), 0, 300); err != nil {
		return err
	}
	if source.service == "sqs" {
		fifo := isFIFO(c.SourceARN)
		switch {
		case fifo && c.Window > 0:
			return badParameter("Batching window is not supported for FIFO queues")
		case fifo && c.BatchSize > 10:
			return badParameter("Batch size is bounded by 10 for FIFO queues. Batch size provided: %d", c.BatchSize)
		case c.BatchSize > 10 && c.Window < time.Second:
			return badParameter("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
		}
	} else if c.StartingPosition == "" {
		return badParameter("Starting position must be provided for DynamoDB streams.")
	}
	if len(c.FilterPatterns) > maxFilters {
		return badParameter("Exceeded the maximum number of filters: %d. A mapping can have up to %d", len(c.FilterPatterns), maxFilters)
	}
	for _, p := range c.FilterPatterns {
		if len(p) > maxFilterPattern {
			return badParameter("Invalid filter pattern definition: it is longer than %d characters", maxFilterPattern)
		}
		if _, err := compileFilters([]string{p}); err != nil {
			return badParameter("Invalid filter pattern definition. (local runtime: %v)", err)
		}
	}
	if err := c.validate(&s.opts); err != nil {
		return badParameter("%v", err)
	}
	if err := s.checkSource(c, source, d); err != nil {
		return err
	}
	if to := c.OnFailureARN; to != "" {
		if denied := s.mayTell(d.Config.RoleARN, to); denied != nil {
			return badParameter("The function execution role does not have permissions to call SendMessage on %s (local runtime: %s)", to, denied.Explain())
		}
	}
	return nil
}

// The limits of filter criteria (invocation-eventfiltering in the developer guide).
const (
	maxFilters       = 5
	maxFilterPattern = 4096 // characters
)

// checkSource asks whether the source is there and whether the function's role may
// do what the poller does with its credentials.
func (s *Service) checkSource(c MappingConfig, source arn, d *definition) error {
	actions := []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
	if source.service == "dynamodb" {
		actions = []string{"dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"}
	}
	for _, action := range actions {
		denied := s.mayDo(d.Config.RoleARN, action, c.SourceARN)
		switch {
		case denied == nil:
		case source.service == "dynamodb":
			return badParameter("Cannot access stream %s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM. (local runtime: %s)", c.SourceARN, denied.Explain())
		default:
			_, call := cutAction(action)
			return badParameter("The function execution role does not have permissions to call %s on SQS (local runtime: %s)", call, denied.Explain())
		}
	}
	if source.service == "dynamodb" {
		return nil
	}
	return s.checkVisibility(c, d)
}

func (s *Service) checkVisibility(c MappingConfig, d *definition) error {
	if s.opts.Visibility == nil {
		return nil
	}
	visibility, ok := s.opts.Visibility(c.SourceARN)
	if !ok {
		return badParameter("Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.")
	}
	if visibility < d.Config.Timeout {
		return badParameter("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", int(visibility.Seconds()), int(d.Config.Timeout.Seconds()))
	}
	return nil
}

// checkMappingTimeouts refuses a function's time-out that is longer than its queues
// hide their messages.
func (s *Service) checkMappingTimeouts(d *definition) error {
	for _, m := range s.sortedMappings() {
		if source, _ := parseARN(m.Config.SourceARN); m.Config.FunctionName != d.Config.Name || source.service != "sqs" {
			continue
		}
		if s.opts.Visibility == nil {
			continue
		}
		// A queue that is gone is no reason: its mapping finds nothing anyway.
		if visibility, ok := s.opts.Visibility(m.Config.SourceARN); ok && visibility < d.Config.Timeout {
			return s.checkVisibility(m.Config, d)
		}
	}
	return nil
}

// duplicate refuses a second mapping from one source to one function.
func (s *Service) duplicate(c MappingConfig) error {
	for _, m := range s.sortedMappings() {
		if m.Config.FunctionName == c.FunctionName && m.Config.SourceARN == c.SourceARN {
			return &gateway.Error{Code: "ResourceConflictException", Status: http.StatusConflict, Message: fmt.Sprintf(
				`The event source arn (" %s ") and function (" %s ") provided mapping already exists. Please update or delete the existing mapping with UUID %s`,
				c.SourceARN, c.FunctionName, m.Config.ID)}
		}
	}
	return nil
}
