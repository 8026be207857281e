package lambda

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/iam"
)

// maxMappingPage is how many mappings a page has when the call does not say less.
const maxMappingPage = 100

func cutAction(action string) (service, name string) {
	service, name, _ = strings.Cut(action, ":")
	return service, name
}

func (s *Service) mayDo(roleARN, action, resource string) *iam.Decision {
	return s.opts.Allows(roleARN, iam.Need{Action: action, Resource: resource})
}

// mappingSettings are the members that creating and updating share. What is nil was
// not in the request.
type mappingSettings struct {
	FunctionName                   string
	Enabled                        *bool
	BatchSize                      *int
	MaximumBatchingWindowInSeconds *int
	FilterCriteria                 *filterCriteriaIO
	FunctionResponseTypes          *[]string
	ScalingConfig                  *scalingIO
	DestinationConfig              *destinationsIO
	BisectBatchOnFunctionError     *bool
	MaximumRetryAttempts           *int
	MaximumRecordAgeInSeconds      *int
	ParallelizationFactor          *int
	TumblingWindowInSeconds        *int

	// Not served: refused when they say something.
	SourceAccessConfigurations []struct{ Type, URI string }
	ProvisionedPollerConfig    *struct{ MinimumPollers, MaximumPollers int }
	KMSKeyArn                  string
	Topics, Queues             []string
}

type filterCriteriaIO struct {
	Filters []filterIO `json:"Filters"`
}

type filterIO struct {
	Pattern string `json:"Pattern"`
}

type scalingIO struct {
	MaximumConcurrency *int `json:"MaximumConcurrency,omitempty"`
}

// apply puts the settings into a configuration.
func (in *mappingSettings) apply(c *MappingConfig) error {
	switch {
	case in.TumblingWindowInSeconds != nil && *in.TumblingWindowInSeconds > 0:
		return notServed("TumblingWindowInSeconds: a window of state over invocations")
	case len(in.SourceAccessConfigurations) > 0:
		return notServed("SourceAccessConfigurations")
	case in.ProvisionedPollerConfig != nil:
		return notServed("ProvisionedPollerConfig")
	case len(in.Topics)+len(in.Queues) > 0:
		return notServed("A source with Topics or Queues")
	}
	setIf(&c.Enabled, in.Enabled)
	setIf(&c.BatchSize, in.BatchSize)
	setIf(&c.BisectOnError, in.BisectBatchOnFunctionError)
	setIf(&c.ParallelizationFactor, in.ParallelizationFactor)
	if in.BatchSize != nil && *in.BatchSize == 0 {
		return outOfRange("batchSize", 0, 1, 10000)
	}
	if in.MaximumBatchingWindowInSeconds != nil {
		c.Window = time.Duration(*in.MaximumBatchingWindowInSeconds) * time.Second
	}
	if in.FilterCriteria != nil {
		c.FilterPatterns = nil
		for _, f := range in.FilterCriteria.Filters {
			c.FilterPatterns = append(c.FilterPatterns, f.Pattern)
		}
	}
	if in.FunctionResponseTypes != nil {
		c.ReportBatchItemFailures = false
		for _, kind := range *in.FunctionResponseTypes {
			if kind != "ReportBatchItemFailures" {
				return invalidShape("functionResponseTypes", "["+kind+"]", "Member must satisfy constraint: [Member must satisfy enum value set: [ReportBatchItemFailures]]")
			}
			c.ReportBatchItemFailures = true
		}
	}
	if in.ScalingConfig != nil {
		c.MaxConcurrency = 0
		if n := in.ScalingConfig.MaximumConcurrency; n != nil {
			if err := outOfRange("scalingConfig.maximumConcurrency", *n, 2, 1000); err != nil {
				return err
			}
			c.MaxConcurrency = *n
		}
	}
	if to := in.DestinationConfig; to != nil {
		c.OnFailureARN = ""
		if to.OnFailure != nil {
			c.OnFailureARN = to.OnFailure.Destination
		}
		if to.OnSuccess != nil && to.OnSuccess.Destination != "" {
			return badParameter("Unsupported destination config parameter: OnSuccess is not supported for event source mappings")
		}
	}
	if n := in.MaximumRetryAttempts; n != nil {
		if err := outOfRange("maximumRetryAttempts", *n, -1, 10000); err != nil {
			return err
		}
		c.MaxRetries = n
	}
	if n := in.MaximumRecordAgeInSeconds; n != nil {
		if *n != -1 {
			if err := outOfRange("maximumRecordAgeInSeconds", *n, 60, 604800); err != nil {
				return err
			}
		}
		c.MaxRecordAge = time.Duration(max(0, *n)) * time.Second
	}
	return nil
}

func setIf[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// createMapping: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
func (s *Service) createMapping(c *restCall) (int, any, error) {
	var in struct {
		mappingSettings
		EventSourceARN            string `json:"EventSourceArn"`
		StartingPosition          string
		StartingPositionTimestamp *float64
		Tags                      map[string]string
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if in.EventSourceARN == "" {
		return 0, nil, badParameter("Event source must be provided: EventSourceArn. (the local runtime serves SQS queues and DynamoDB streams)")
	}
	if err := checkTags(in.Tags); err != nil {
		return 0, nil, err
	}
	s.applying.Lock()
	defer s.applying.Unlock()
	d, err := s.lookup(in.FunctionName)
	if err != nil {
		return 0, nil, err
	}
	config := MappingConfig{
		ID: s.newUUID(), FunctionName: d.Config.Name, SourceARN: in.EventSourceARN, Enabled: true,
		StartingPosition: StartingPosition(in.StartingPosition),
	}
	if in.StartingPosition == "AT_TIMESTAMP" || in.StartingPositionTimestamp != nil {
		return 0, nil, badParameter("Unsupported starting position for source type: AT_TIMESTAMP is for Kinesis and Kafka; DynamoDB streams take LATEST and TRIM_HORIZON")
	}
	if err := in.apply(&config); err != nil {
		return 0, nil, err
	}
	config = config.withDefaults()
	if err := s.checkMapping(config, d); err != nil {
		return 0, nil, err
	}
	if err := s.duplicate(config); err != nil {
		return 0, nil, err
	}
	m := &mappingDefinition{Config: config, Modified: s.now(), Tags: in.Tags, transition: "Creating"}
	if err := s.setMapping(m); err != nil {
		return 0, nil, err
	}
	return http.StatusAccepted, s.describeMapping(m, "Creating"), nil
}

type mappingIO struct {
	UUID                           string            `json:"UUID"`
	BatchSize                      int               `json:"BatchSize"`
	MaximumBatchingWindowInSeconds int               `json:"MaximumBatchingWindowInSeconds"`
	EventSourceArn                 string            `json:"EventSourceArn"`
	EventSourceMappingArn          string            `json:"EventSourceMappingArn"`
	FunctionArn                    string            `json:"FunctionArn"`
	LastModified                   float64           `json:"LastModified"` // s
	State                          string            `json:"State"`
	StateTransitionReason          string            `json:"StateTransitionReason"`
	FilterCriteria                 *filterCriteriaIO `json:"FilterCriteria,omitempty"`
	FunctionResponseTypes          []string          `json:"FunctionResponseTypes,omitempty"`
	ScalingConfig                  *scalingIO        `json:"ScalingConfig,omitempty"`

	// Of streams.
	LastProcessingResult       string          `json:"LastProcessingResult,omitempty"`
	StartingPosition           string          `json:"StartingPosition,omitempty"`
	DestinationConfig          *destinationsIO `json:"DestinationConfig,omitempty"`
	BisectBatchOnFunctionError *bool           `json:"BisectBatchOnFunctionError,omitempty"`
	MaximumRetryAttempts       *int            `json:"MaximumRetryAttempts,omitempty"`
	MaximumRecordAgeInSeconds  *int            `json:"MaximumRecordAgeInSeconds,omitempty"`
	ParallelizationFactor      *int            `json:"ParallelizationFactor,omitempty"`
	TumblingWindowInSeconds    *int            `json:"TumblingWindowInSeconds,omitempty"`
}

// describeMapping is the answer about a mapping; state "" asks for the present one.
func (s *Service) describeMapping(m *mappingDefinition, state string) *mappingIO {
	c := m.Config
	if state == "" {
		state = s.mappingState(m)
	}
	out := &mappingIO{
		UUID: c.ID, BatchSize: c.BatchSize, MaximumBatchingWindowInSeconds: int(c.Window / time.Second),
		EventSourceArn: c.SourceARN, EventSourceMappingArn: s.mappingARN(c.ID), FunctionArn: s.functionARNOf(c.FunctionName),
		LastModified: float64(m.Modified.UnixMilli()) / 1000, State: state, StateTransitionReason: "USER_INITIATED",
	}
	if m.assembly {
		out.StateTransitionReason = "User action"
	}
	for _, p := range c.FilterPatterns {
		if out.FilterCriteria == nil {
			out.FilterCriteria = &filterCriteriaIO{}
		}
		out.FilterCriteria.Filters = append(out.FilterCriteria.Filters, filterIO{p})
	}
	if c.ReportBatchItemFailures {
		out.FunctionResponseTypes = []string{"ReportBatchItemFailures"}
	}
	if c.MaxConcurrency > 0 {
		out.ScalingConfig = &scalingIO{&c.MaxConcurrency}
	}
	if source, _ := parseARN(c.SourceARN); source.service == "sqs" {
		return out
	}
	out.LastProcessingResult = s.processingResult(c.ID)
	out.StartingPosition = string(c.StartingPosition)
	out.DestinationConfig = &destinationsIO{OnFailure: &destinationIO{c.OnFailureARN}}
	unlimited, age, none, parallel := -1, -1, 0, max(1, c.ParallelizationFactor)
	if c.MaxRecordAge > 0 {
		age = int(c.MaxRecordAge / time.Second)
	}
	out.BisectBatchOnFunctionError, out.MaximumRecordAgeInSeconds = &c.BisectOnError, &age
	out.ParallelizationFactor, out.TumblingWindowInSeconds = &parallel, &none
	if out.MaximumRetryAttempts = c.MaxRetries; c.MaxRetries == nil {
		out.MaximumRetryAttempts = &unlimited
	}
	return out
}

// processingResult is what the last batch of a stream's mapping came to.
func (s *Service) processingResult(id string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if m := s.mappings[id]; m != nil {
		if text := m.result.Load(); text != nil {
			return *text
		}
	}
	return "No records processed"
}

func (s *Service) getMapping(c *restCall) (int, any, error) {
	m, err := s.mappingByID(c.value)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.describeMapping(m, ""), nil
}

// listMappings: https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html
func (s *Service) listMappings(c *restCall) (int, any, error) {
	all := s.sortedMappings()
	if source := c.query.Get("EventSourceArn"); source != "" {
		all = slices.DeleteFunc(all, func(m *mappingDefinition) bool { return m.Config.SourceARN != source })
	}
	if ref := c.query.Get("FunctionName"); ref != "" {
		d, err := s.lookup(ref)
		if err != nil {
			return 0, nil, err
		}
		all = slices.DeleteFunc(all, func(m *mappingDefinition) bool { return m.Config.FunctionName != d.Config.Name })
	}
	part, next, err := page(c, all, func(m *mappingDefinition) string { return m.Config.ID }, maxMappingPage)
	if err != nil {
		return 0, nil, err
	}
	out := struct {
		EventSourceMappings []*mappingIO `json:"EventSourceMappings"`
		NextMarker          *string      `json:"NextMarker"`
	}{EventSourceMappings: []*mappingIO{}}
	for _, m := range part {
		out.EventSourceMappings = append(out.EventSourceMappings, s.describeMapping(m, ""))
	}
	if next != "" {
		out.NextMarker = &next
	}
	return http.StatusOK, out, nil
}

// updateMapping: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
func (s *Service) updateMapping(c *restCall) (int, any, error) {
	var in mappingSettings
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	var changed *mappingDefinition
	err := s.changeMapping(c.value, func(m *mappingDefinition) error {
		if err := s.settled(m); err != nil {
			return err
		}
		was := m.Config.Enabled
		if in.FunctionName != "" {
			d, err := s.lookup(in.FunctionName)
			if err != nil {
				return err
			}
			m.Config.FunctionName = d.Config.Name
		}
		if err := in.apply(&m.Config); err != nil {
			return err
		}
		d, err := s.lookup(m.Config.FunctionName)
		if err != nil {
			return err
		}
		if err := s.checkMapping(m.Config, d); err != nil {
			return err
		}
		m.Modified, m.transition = s.now(), "Updating"
		if m.Config.Enabled && !was {
			m.transition = "Enabling"
		}
		changed = m
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	state := changed.transition
	if !changed.Config.Enabled {
		state = "Disabling"
	}
	return http.StatusAccepted, s.describeMapping(changed, state), nil
}

// deleteMapping: https://docs.aws.amazon.com/lambda/latest/api/API_DeleteEventSourceMapping.html
func (s *Service) deleteMapping(c *restCall) (int, any, error) {
	s.applying.Lock()
	defer s.applying.Unlock()
	m, err := s.mappingByID(c.value)
	if err != nil {
		return 0, nil, err
	}
	if err := s.settled(m); err != nil {
		return 0, nil, err
	}
	if err := s.removeMapping(m); err != nil {
		return 0, nil, err
	}
	return http.StatusAccepted, s.describeMapping(m, "Deleting"), nil
}
