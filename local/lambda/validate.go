package lambda

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

var functionName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)

// reservedVariables are the names a function may not set
// (configuration-envvars in the developer guide). AWS_ENDPOINT_URL is added: the
// local runtime gives every function the gateway's address.
var reservedVariables = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID",
	"AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
	"AWS_ENDPOINT_URL",
}

// validate reports everything that is wrong with c, joined.
func (c FunctionConfig) validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("function %q: %w: %s", c.Name, ErrInvalid, fmt.Sprintf(format, args...)))
	}
	if !functionName.MatchString(c.Name) {
		bad("the name must be 1 to 64 letters, digits, - or _")
	}
	if c.Timeout <= 0 || c.Timeout > MaxTimeout {
		bad("time-out is %s; allowed is more than 0, up to %s", c.Timeout, MaxTimeout)
	}
	if c.MemoryMB < 128 || c.MemoryMB > 10240 {
		bad("memory is %d MB; allowed is 128 to 10240", c.MemoryMB)
	}
	if c.Reserved != nil && *c.Reserved < 0 {
		bad("reserved concurrency is %d; it cannot be negative", *c.Reserved)
	}
	if host := hostArchitecture(); c.Architecture != "" && c.Architecture != host {
		bad("it is built for %s and this machine is %s; synthesize for %s", c.Architecture, host, host)
	}
	size := 0
	for name, value := range c.Env {
		size += len(name) + len(value)
		if slices.Contains(reservedVariables, name) {
			bad("environment variable %s is reserved", name)
		}
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(value, "\x00") {
			bad("environment variable %q cannot be given to a process", name)
		}
	}
	if size > maxEnvBytes {
		bad("its environment variables take %d bytes; at most %d are allowed", size, maxEnvBytes)
	}
	return errors.Join(errs...)
}

// validateCode reports a folder that no process can be started from. AWS finds out
// with the first invocation; for an assembly it is told at the start.
func (c FunctionConfig) validateCode() error {
	bootstrap := filepath.Join(c.Dir, "bootstrap")
	switch info, err := os.Stat(bootstrap); {
	case err != nil:
		return fmt.Errorf("function %q: %w: no bootstrap: %w", c.Name, ErrInvalid, err)
	case info.IsDir() || info.Mode()&0o111 == 0:
		return fmt.Errorf("function %q: %w: %s is not an executable file; it needs mode 0755", c.Name, ErrInvalid, bootstrap)
	}
	return nil
}

// withDefaults fills in what AWS fills in.
func (c FunctionConfig) withDefaults() FunctionConfig {
	c.LogGroup = cmp.Or(c.LogGroup, "/aws/lambda/"+c.Name)
	c.Handler = cmp.Or(c.Handler, "bootstrap")
	c.Runtime = cmp.Or(c.Runtime, "provided.al2023")
	return c
}

// hostArchitecture is this machine's processor by Lambda's name.
func hostArchitecture() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

// arn is the part of an ARN's text that mappings look at.
type arn struct{ service, region, resource string }

func parseARN(s string) (arn, bool) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[5] == "" {
		return arn{}, false
	}
	return arn{service: parts[2], region: parts[3], resource: parts[5]}, true
}

// streamTable is the table's name in the ARN of its stream:
// table/<name>/stream/<label>.
func (a arn) streamTable() (string, bool) {
	parts := strings.Split(a.resource, "/")
	if len(parts) != 4 || parts[0] != "table" || parts[2] != "stream" || parts[1] == "" {
		return "", false
	}
	return parts[1], true
}

// isFIFO tells a FIFO queue by its name, as SQS does.
func isFIFO(queueARN string) bool { return strings.HasSuffix(queueARN, ".fifo") }

// withDefaults fills in what AWS fills in.
func (c MappingConfig) withDefaults() MappingConfig {
	if c.BatchSize == 0 {
		c.BatchSize = 10
		if source, ok := parseARN(c.SourceARN); ok && source.service == "dynamodb" {
			c.BatchSize = 100
		}
	}
	return c
}

// validate reports everything that is wrong with c, joined
// (API_CreateEventSourceMapping in the Lambda reference).
func (c MappingConfig) validate(o *Options) error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("event source mapping %q of function %q: %w: %s",
			c.ID, c.FunctionName, ErrInvalid, fmt.Sprintf(format, args...)))
	}
	if c.ID == "" {
		bad("it has no id")
	}
	if c.BatchSize < 1 || c.BatchSize > 10000 {
		bad("batch size is %d; allowed is 1 to 10000", c.BatchSize)
	}
	if c.Window < 0 || c.Window > 300*time.Second {
		bad("batching window is %s; allowed is 0 to 300 s", c.Window)
	}
	if _, err := compileFilters(c.FilterPatterns); err != nil {
		bad("%v", err)
	}
	if len(c.FilterPatterns) > maxFilters {
		bad("it has %d filters; at most %d are allowed", len(c.FilterPatterns), maxFilters)
	}
	for _, p := range c.FilterPatterns {
		if len(p) > maxFilterPattern {
			bad("a filter pattern has %d characters; at most %d are allowed", len(p), maxFilterPattern)
		}
	}
	source, ok := parseARN(c.SourceARN)
	switch {
	case ok && source.service == "sqs":
		c.validateQueue(source, o, bad)
	case ok && source.service == "dynamodb":
		c.validateStream(source, o, bad)
	default:
		bad("source %q is not the ARN of an SQS queue or a DynamoDB stream", c.SourceARN)
	}
	return errors.Join(errs...)
}

func (c MappingConfig) validateQueue(source arn, o *Options, bad func(string, ...any)) {
	fifo := isFIFO(c.SourceARN)
	switch {
	case fifo && (c.BatchSize > 10 || c.Window > 0):
		bad("a FIFO queue takes a batch size of at most 10 and no batching window")
	case c.BatchSize > 10 && c.Window < time.Second:
		bad("batch size %d needs a batching window of at least 1 s", c.BatchSize)
	}
	if c.MaxConcurrency != 0 && (c.MaxConcurrency < 2 || c.MaxConcurrency > 1000) {
		bad("maximum concurrency is %d; allowed is 2 to 1000", c.MaxConcurrency)
	}
	if c.ParallelizationFactor != 0 {
		bad("the parallelization factor is for streams")
	}
	if c.StartingPosition != "" || c.BisectOnError || c.MaxRetries != nil || c.MaxRecordAge != 0 || c.OnFailureARN != "" {
		bad("starting position, bisect, retries, record age and failure destination are for streams; a queue has a redrive policy")
	}
	if o.Queues == nil {
		bad("there is no queue service")
	}
}

func (c MappingConfig) validateStream(source arn, o *Options, bad func(string, ...any)) {
	if _, ok := source.streamTable(); !ok {
		bad("source %q is not the ARN of a table's stream", c.SourceARN)
	}
	if c.StartingPosition != TrimHorizon && c.StartingPosition != Latest {
		bad("starting position is %q; allowed are %s and %s", c.StartingPosition, TrimHorizon, Latest)
	}
	if _, ok := o.Streams.(LatestStreams); c.StartingPosition == Latest && o.Streams != nil && !ok {
		bad("starting position LATEST is not served by this stream service; use TRIM_HORIZON")
	}
	if c.MaxConcurrency != 0 {
		bad("maximum concurrency is for queues")
	}
	if c.ParallelizationFactor < 0 || c.ParallelizationFactor > maxParallelization {
		bad("parallelization factor is %d; allowed is 1 to %d", c.ParallelizationFactor, maxParallelization)
	}
	if c.MaxRetries != nil && (*c.MaxRetries < -1 || *c.MaxRetries > 10000) {
		bad("maximum retry attempts are %d; allowed is -1 to 10000", *c.MaxRetries)
	}
	if c.MaxRecordAge != 0 && (c.MaxRecordAge < time.Minute || c.MaxRecordAge > 7*24*time.Hour) {
		bad("maximum record age is %s; allowed is 60 s to 7 days", c.MaxRecordAge)
	}
	if c.OnFailureARN != "" {
		if dest, ok := parseARN(c.OnFailureARN); !ok || dest.service != "sqs" {
			bad("failure destination %q is not the ARN of an SQS queue; no other destination is served", c.OnFailureARN)
		} else if o.Queues == nil {
			bad("there is no queue service for its failure destination")
		}
	}
	if o.Streams == nil {
		bad("there is no stream service")
	}
}
