package rulepack

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/privilege"
)

const (
	typeMapping  = "AWS::Lambda::EventSourceMapping"
	typeFunction = "AWS::Lambda::Function"

	pageMappingFailures = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html"
	pageMappingStream   = "https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-errors.html"
	pageVisibility      = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"
)

// defaultVisibility and defaultTimeout are what a queue and a function have that say
// nothing, in seconds.
const (
	defaultVisibility = 30
	defaultTimeout    = 3
)

func mappingRules() []Rule {
	return []Rule{
		{
			ID: "vinci/queue-visibility", Page: pageVisibility,
			What: "a queue hides a message for six times its function's time-out, and the batching window", Why: "a message is handed out again while it is still being worked on otherwise", check: (*inspection).visibility,
		},
		{
			ID: "vinci/mapping-failures", Page: pageMappingFailures,
			What: "a mapping of a queue or a stream has ReportBatchItemFailures", Why: "one failed record makes the whole batch come again otherwise", check: (*inspection).mappingFailures,
		},
		{
			ID: "vinci/mapping-stream", Page: pageMappingStream,
			What: "a mapping of a stream starts at TRIM_HORIZON, gives up in the end, and has a place for what it gave up", Why: "a record that always fails holds its shard up until the stream forgets what comes after it", check: (*inspection).mappingStream,
		},
	}
}

func (in *inspection) visibility() {
	for _, m := range in.all(typeMapping) {
		q := in.of(m.stack, m.Properties["EventSourceArn"], typeQueue)
		f := in.of(m.stack, m.Properties["FunctionName"], typeFunction)
		if q == nil || f == nil {
			continue
		}
		timeout, k1 := number(f.Properties["Timeout"], defaultTimeout)
		window, k2 := number(m.Properties["MaximumBatchingWindowInSeconds"], 0)
		hides, k3 := number(q.Properties["VisibilityTimeout"], defaultVisibility)
		if least := 6*timeout + window; k1 && k2 && k3 && hides < least {
			in.found(q, finding{
				what:    fmt.Sprintf("%s hides a message for %.0f s, and function %s has %.0f s, with a batching window of %.0f s", q.title("queue"), hides, f.id, timeout, window),
				allowed: fmt.Sprintf("VisibilityTimeout of at least 6 x %.0f + %.0f = %.0f s", timeout, window, least),
				mend:    "set it, or give the function a shorter time-out",
			})
		}
	}
}

// stream reports whether a mapping reads a stream, as against a queue. Those of
// Kafka, of message brokers and of DocumentDB are neither.
func stream(m *resource) bool {
	return m.Properties["StartingPosition"] != nil && !otherSource(m)
}

func otherSource(m *resource) bool {
	for _, property := range []string{"Topics", "Queues", "SelfManagedEventSource", "AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig", "DocumentDBEventSourceConfig"} {
		if m.Properties[property] != nil {
			return true
		}
	}
	return false
}

func (in *inspection) mappingFailures() {
	for _, m := range in.all(typeMapping) {
		types := m.Properties["FunctionResponseTypes"]
		if otherSource(m) || expression(types) || slices.Contains(privilege.List(types), any("ReportBatchItemFailures")) {
			continue
		}
		if size, known := number(m.Properties["BatchSize"], 0); known && size == 1 {
			continue // there are no others that would come again
		}
		in.found(m, finding{
			what: m.title("mapping") + ": a failed record fails its whole batch", allowed: "FunctionResponseTypes with ReportBatchItemFailures",
			mend: "set it (ReportBatchItemFailures of the event source's props), and let the function say which records failed: packages bus and sqsbatch do",
		})
	}
}

// keeps is how long a mapping's stream has a record, in seconds. A stream of Kinesis
// that is not in the templates may keep it for up to a year.
//
// https://docs.aws.amazon.com/streams/latest/dev/kinesis-extended-retention.html
func (in *inspection) keeps(m *resource) (seconds float64, known bool) {
	const hour, day = 60 * 60, 24 // what DynamoDB's have, and Kinesis' that say nothing
	arn := m.Properties["EventSourceArn"]
	if s := in.of(m.stack, arn, "AWS::Kinesis::Stream"); s != nil {
		hours, known := number(s.Properties["RetentionPeriodHours"], day)
		return hours * hour, known
	}
	return day * hour, !strings.Contains(privilege.Text(arn), ":kinesis:")
}

func (in *inspection) mappingStream() {
	for _, m := range in.all(typeMapping) {
		if !stream(m) {
			continue
		}
		var missing []string
		if m.Properties["StartingPosition"] != "TRIM_HORIZON" && !expression(m.Properties["StartingPosition"]) {
			missing = append(missing, "starts at "+privilege.Text(m.Properties["StartingPosition"])+", so it skips what was written before it first looked")
		}
		attempts, k1 := number(m.Properties["MaximumRetryAttempts"], -1)
		age, k2 := number(m.Properties["MaximumRecordAgeInSeconds"], -1)
		if k1 && k2 && attempts < 0 && age < 0 {
			missing = append(missing, "never gives up")
		}
		if keeps, k3 := in.keeps(m); k2 && k3 && age >= keeps {
			missing = append(missing, "gives up when the stream has forgotten the record")
		}
		if at(m.Properties["DestinationConfig"], "OnFailure", "Destination") == nil {
			missing = append(missing, "has no place for what it gave up")
		}
		if len(missing) > 0 {
			in.found(m, finding{
				what:    m.title("mapping") + ": " + strings.Join(missing, "; "),
				allowed: "StartingPosition TRIM_HORIZON; MaximumRetryAttempts or a MaximumRecordAgeInSeconds below what the stream keeps (86400 unless it is one of Kinesis that keeps longer); DestinationConfig.OnFailure",
				mend:    "set them, and BisectBatchOnFunctionError",
			})
		}
	}
}
