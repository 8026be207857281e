package sqs

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/iam"
)

// The names of queue attributes.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
const (
	attrAll          = "All"
	attrDelay        = "DelaySeconds"
	attrMaxSize      = "MaximumMessageSize"
	attrRetention    = "MessageRetentionPeriod"
	attrPolicy       = "Policy"
	attrWait         = "ReceiveMessageWaitTimeSeconds"
	attrVisibility   = "VisibilityTimeout"
	attrRedrive      = "RedrivePolicy"
	attrRedriveAllow = "RedriveAllowPolicy"
	attrKMSKey       = "KmsMasterKeyId"
	attrKMSReuse     = "KmsDataKeyReusePeriodSeconds"
	attrSSE          = "SqsManagedSseEnabled"
	attrFIFO         = "FifoQueue"
	attrContent      = "ContentBasedDeduplication"
	attrScope        = "DeduplicationScope"
	attrThroughput   = "FifoThroughputLimit"
)

// queueAttributes are the names that GetQueueAttributes takes.
var queueAttributes = []string{attrAll, "QueueArn", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
	"ApproximateNumberOfMessagesDelayed", "CreatedTimestamp", "LastModifiedTimestamp", attrVisibility, attrMaxSize,
	attrRetention, attrDelay, attrWait, attrPolicy, attrRedrive, attrRedriveAllow, attrSSE, attrKMSKey, attrKMSReuse,
	attrFIFO, attrContent, attrScope, attrThroughput}

// attributes are what GetQueueAttributes shows of a configuration.
func (c *QueueConfig) attributes() map[string]string {
	a := map[string]string{
		attrVisibility: wholeSeconds(c.VisibilityTimeout),
		attrMaxSize:    strconv.Itoa(c.MaxMessageSize),
		attrRetention:  wholeSeconds(c.MessageRetention),
		attrDelay:      wholeSeconds(c.Delay),
		attrWait:       wholeSeconds(c.ReceiveWait),
		attrSSE:        strconv.FormatBool(!c.Encryption.Disabled && c.Encryption.KMSKeyID == ""),
	}
	if c.FIFO {
		a[attrFIFO] = "true"
		a[attrContent] = strconv.FormatBool(c.ContentBasedDeduplication)
		a[attrScope] = c.DeduplicationScope
		a[attrThroughput] = c.FifoThroughputLimit
	}
	if c.Encryption.KMSKeyID != "" {
		a[attrKMSKey] = c.Encryption.KMSKeyID
	}
	if d := c.Encryption.KMSDataKeys; d != defaultDataKeys && d != 0 {
		a[attrKMSReuse] = wholeSeconds(d)
	}
	if c.Policy != nil {
		a[attrPolicy] = policyJSON(c.Policy)
	}
	if c.DeadLetterARN != "" {
		a[attrRedrive] = mustJSON(redrivePolicy{c.DeadLetterARN, json.RawMessage(strconv.Itoa(c.MaxReceiveCount))})
	}
	if r := c.RedriveAllow; r != nil {
		a[attrRedriveAllow] = mustJSON(redriveAllowPolicy{r.Permission, r.Sources})
	}
	return a
}

type redrivePolicy struct {
	DeadLetterTargetArn string          `json:"deadLetterTargetArn"`
	MaxReceiveCount     json.RawMessage `json:"maxReceiveCount"`
}

type redriveAllowPolicy struct {
	RedrivePermission string   `json:"redrivePermission"`
	SourceQueueArns   []string `json:"sourceQueueArns,omitempty"`
}

func wholeSeconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// setAttributes changes what the attributes say, with AWS's errors. What depends
// on other queues is not checked.
func (c *QueueConfig) setAttributes(attributes map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := c.setAttribute(name, attributes[name]); err != nil {
			return err
		}
	}
	_, sse := attributes[attrSSE]
	if key := attributes[attrKMSKey]; key != "" && sse && !c.Encryption.Disabled {
		return errAttributeName("You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
	}
	switch {
	case attributes[attrKMSKey] != "":
		c.Encryption.Disabled = true // of SQS's own kind
	case sse && !c.Encryption.Disabled:
		c.Encryption.KMSKeyID = ""
	}
	if err := c.checkFIFO(); err != nil {
		return errAttributeValue("Invalid value for the parameter %s. Reason: %s.", attrThroughput, err)
	}
	return nil
}

func (c *QueueConfig) setAttribute(name, value string) error {
	seconds := func(into *time.Duration, low, high time.Duration) error {
		n, err := wholeNumber(name, value, int(low/time.Second), int(high/time.Second))
		*into = time.Duration(n) * time.Second
		return err
	}
	var err error
	switch name {
	case attrDelay:
		return seconds(&c.Delay, 0, maxDelay)
	case attrRetention:
		return seconds(&c.MessageRetention, minRetention, maxRetention)
	case attrWait:
		return seconds(&c.ReceiveWait, 0, maxWait)
	case attrVisibility:
		return seconds(&c.VisibilityTimeout, 0, maxVisibility)
	case attrKMSReuse:
		return seconds(&c.Encryption.KMSDataKeys, minDataKeys, maxDataKeys)
	case attrMaxSize:
		c.MaxMessageSize, err = wholeNumber(name, value, minMaxMessageSize, maxMessageSize)
	case attrKMSKey:
		c.Encryption.KMSKeyID = value
	case attrSSE:
		var enabled bool
		enabled, err = truth(name, value)
		c.Encryption.Disabled = !enabled
	case attrPolicy:
		return c.setPolicy(value)
	case attrRedrive:
		return c.setRedrive(value)
	case attrRedriveAllow:
		return c.setRedriveAllow(value)
	case attrFIFO, attrContent, attrScope, attrThroughput:
		return c.setFIFO(name, value)
	default:
		return errAttributeName("Unknown Attribute %s.", name)
	}
	return err
}

func (c *QueueConfig) setFIFO(name, value string) error {
	if !c.FIFO {
		if name == attrScope || name == attrThroughput {
			return errAttributeName("You can specify the %s only when FifoQueue is set to true.", name)
		}
		return errAttributeName("Unknown Attribute %s.", name)
	}
	switch name {
	case attrContent:
		on, err := truth(name, value)
		c.ContentBasedDeduplication = on
		return err
	case attrFIFO:
		if on, err := truth(name, value); err != nil || !on {
			return errAttributeValue("Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.")
		}
	case attrScope:
		if value != scopeQueue && value != scopeGroup {
			return errAttributeValue("Invalid value for the parameter %s.", name)
		}
		c.DeduplicationScope = value
	case attrThroughput:
		if value != throughputQueue && value != throughputGroup {
			return errAttributeValue("Invalid value for the parameter %s.", name)
		}
		c.FifoThroughputLimit = value
	}
	return nil
}

func (c *QueueConfig) setPolicy(value string) error {
	if value == "" {
		c.Policy = nil
		return nil
	}
	d, err := iam.ParseResource([]byte(value))
	if err != nil {
		return errAttributeValue("Invalid value for the parameter Policy. (local runtime: %s)", err)
	}
	if len(d.Statements) > maxStatements {
		return errOverLimit("%d statements were found in the submitted policy, max allowed is %d", len(d.Statements), maxStatements)
	}
	d.Name = "queue policy of " + c.Name
	c.Policy = &d
	return nil
}

func (c *QueueConfig) setRedrive(value string) error {
	if value == "" {
		c.DeadLetterARN, c.MaxReceiveCount = "", 0
		return nil
	}
	wrong := func(format string, args ...any) error {
		return errValue("Value "+strings.ReplaceAll(value, "%", "%%")+" for parameter RedrivePolicy is invalid. Reason: "+format, args...)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(value), &fields); err != nil || fields == nil {
		return errValue("Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map.")
	}
	for _, name := range []string{"maxReceiveCount", "deadLetterTargetArn"} {
		if fields[name] == nil {
			return wrong("Redrive policy does not contain mandatory attribute: %s.", name)
		}
	}
	if len(fields) > 2 {
		return wrong("Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].")
	}
	text := strings.Trim(string(fields["maxReceiveCount"]), `"`) // both 5 and "5" are taken
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxMaxReceiveCount {
		return wrong("Invalid value for maxReceiveCount: %s, valid values are from 1 to %d both inclusive.", text, maxMaxReceiveCount)
	}
	var arn string
	if err := json.Unmarshal(fields["deadLetterTargetArn"], &arn); err != nil || !isQueueARN(arn) {
		return wrong("Dead-letter target ARN should be fully qualified ARN.")
	}
	c.DeadLetterARN, c.MaxReceiveCount = arn, n
	return nil
}

func (c *QueueConfig) setRedriveAllow(value string) error {
	if value == "" {
		c.RedriveAllow = nil
		return nil
	}
	unsupported := errAttributeValue("Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format.")
	wrong := func(reason string) error {
		return errValue("Value %s for parameter RedriveAllowPolicy is invalid. Reason: Amazon SQS can't create the redrive allow policy. %s", value, reason)
	}
	d := json.NewDecoder(strings.NewReader(value))
	d.DisallowUnknownFields()
	var p redriveAllowPolicy
	if err := d.Decode(&p); err != nil || d.More() {
		return unsupported
	}
	for _, arn := range p.SourceQueueArns {
		if !isQueueARN(arn) {
			return unsupported
		}
	}
	switch {
	case p.RedrivePermission != redriveAllowAll && p.RedrivePermission != redriveDenyAll && p.RedrivePermission != redriveByQueue:
		return unsupported
	case p.RedrivePermission != redriveByQueue && len(p.SourceQueueArns) > 0:
		return wrong("To specify one or more source queue ARNs, you must set redrivePermission to byQueue.")
	case p.RedrivePermission == redriveByQueue && len(p.SourceQueueArns) == 0:
		return wrong("When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.")
	case len(p.SourceQueueArns) > maxRedriveSources:
		return wrong("The maximum number of source queue ARNs you can specify is 10.")
	}
	c.RedriveAllow = &RedriveAllow{Permission: p.RedrivePermission, Sources: p.SourceQueueArns}
	return nil
}

// isQueueARN reports whether s has the form of a queue's ARN.
func isQueueARN(s string) bool {
	parts := strings.Split(s, ":")
	return len(parts) == 6 && parts[0] == "arn" && parts[1] != "" && parts[2] == "sqs" && parts[3] != "" && parts[4] != "" && parts[5] != ""
}

func wholeNumber(name, value string, low, high int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high || strconv.Itoa(n) != value {
		return 0, errAttributeValue("Invalid value for the parameter %s.", name)
	}
	return n, nil
}

func truth(name, value string) (bool, error) {
	switch {
	case strings.EqualFold(value, "true"):
		return true, nil
	case strings.EqualFold(value, "false"):
		return false, nil
	}
	return false, errAttributeValue("Invalid value for the parameter %s.", name)
}
