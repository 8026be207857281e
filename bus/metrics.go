package bus

import (
	"io"
	"sync"
	"time"

	"github.com/vinci-go/vinci/internal/emf"
)

// The metrics of a consumer, in the namespace [MetricNamespace], with the
// dimensions Application, Deployment and Subscription. They are written as log
// lines in CloudWatch's embedded metric format, one for each batch, so no call is
// made for them; what did not occur is not written. CloudWatch bills each name and
// subscription as one custom metric.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
const (
	MetricNamespace = emf.Namespace
	// MetricHandled counts events that were handled with success.
	MetricHandled = "Handled"
	// MetricFailed counts attempts that failed and that come again.
	MetricFailed = "Failed"
	// MetricDead counts events that were given up, and messages that were no
	// events.
	MetricDead = "Dead"
	// MetricDuplicate counts messages that were acknowledged because their event
	// had been settled before.
	MetricDuplicate = "Duplicate"
	// MetricDuration is how long the handler ran, in milliseconds, for each attempt
	// that ended. Of a function given to [OnBatch] it is the whole call, for each of
	// its events.
	MetricDuration = "DurationMs"
	// MetricLag is the time from the commit of an event to the end of an attempt at
	// it, in milliseconds, for each attempt.
	MetricLag = "Lag"

	DimensionApplication  = emf.DimensionApplication
	DimensionDeployment   = emf.DimensionDeployment
	DimensionSubscription = "Subscription"
)

// Metrics says where the metrics of a consumer go and what they are about. The
// zero value is none.
type Metrics struct {
	Writer      io.Writer // where log lines go: in Lambda os.Stdout. Nil: no metrics
	Application string
	Deployment  string
}

// tally counts what became of the events of one batch.
type tally struct {
	mu                               sync.Mutex
	handled, failed, dead, duplicate int
	durations, lags                  []time.Duration // of attempts
}

// count adds one result. now is when it came about.
func (t *tally) count(d *delivery, r result, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch r.outcome {
	case outcomeSucceeded:
		t.handled++
	case outcomeFailed, outcomeUnfinished:
		t.failed++
	case outcomeDead, outcomeUndecodable:
		t.dead++
	case outcomeDuplicate:
		t.duplicate++
		return
	default:
		return
	}
	if d.ran {
		t.durations = append(t.durations, r.took)
		t.lags = append(t.lags, now.Sub(d.event.Time))
	}
}

// values are the lines' values: mostly one line, more when there are more
// numbers than one may hold.
func (t *tally) values() [][]emf.Value {
	t.mu.Lock()
	defer t.mu.Unlock()
	var first []emf.Value
	for _, m := range []struct {
		name string
		n    int
	}{{MetricHandled, t.handled}, {MetricFailed, t.failed}, {MetricDead, t.dead}, {MetricDuplicate, t.duplicate}} {
		if m.n > 0 {
			first = append(first, emf.Count(m.name, m.n))
		}
	}
	lines := [][]emf.Value{first}
	for from := 0; from < len(t.durations); from += emf.MaxSeries {
		to := min(from+emf.MaxSeries, len(t.durations))
		if from > 0 {
			lines = append(lines, nil)
		}
		last := &lines[len(lines)-1]
		*last = append(*last, emf.MillisecondsEach(MetricDuration, t.durations[from:to]), emf.MillisecondsEach(MetricLag, t.lags[from:to]))
	}
	return lines
}

// measure writes the metrics of one batch.
func (c *Consumer) measure(inv *invocation) {
	if c.metrics.Writer == nil {
		return
	}
	for _, values := range inv.tally.values() {
		c.writing.Lock()
		err := emf.Write(c.metrics.Writer, emf.Record{
			Namespace: MetricNamespace,
			Time:      c.now(),
			Dimensions: []emf.Dimension{
				{Name: DimensionApplication, Value: c.metrics.Application},
				{Name: DimensionDeployment, Value: c.metrics.Deployment},
				{Name: DimensionSubscription, Value: c.sub.Name},
			},
			Values: values,
		})
		c.writing.Unlock()
		if err != nil {
			c.logger.Error("a metric could not be written", "subscription", c.sub.Name, "error", err.Error())
		}
	}
}
