package relay

import (
	"time"

	"github.com/vinci-go/vinci/internal/emf"
)

// The relay's metrics. They are written as log lines in CloudWatch's embedded
// metric format, so no call is made for them, and only when there is something
// to say.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
const (
	MetricNamespace = emf.Namespace
	// MetricChanged counts items of the log that were changed or removed.
	MetricChanged = "LogItemsChanged"
	// MetricFailed counts entries whose event's id went to the failure queue.
	MetricFailed = "RelayFailed"
	// MetricLag is how many milliseconds after its commit an event was published:
	// the longest of each delivery. It compares clocks of two functions.
	MetricLag = "RelayLag"
	// All have these two dimensions.
	DimensionApplication = emf.DimensionApplication
	DimensionDeployment  = emf.DimensionDeployment
)

// count writes the metrics of one delivery.
func (r *Relay) count(b *batch) {
	record := emf.Record{
		Namespace:  MetricNamespace,
		Time:       r.o.Now(),
		Dimensions: []emf.Dimension{{Name: DimensionApplication, Value: r.o.Source}, {Name: DimensionDeployment, Value: r.o.Deployment}},
	}
	if b.changed > 0 {
		record.Values = append(record.Values, emf.Count(MetricChanged, b.changed))
	}
	if b.poisoned > 0 {
		record.Values = append(record.Values, emf.Count(MetricFailed, b.poisoned))
	}
	if b.published > 0 {
		record.Values = append(record.Values, emf.Milliseconds(MetricLag, b.lag))
	}
	if err := emf.Write(r.o.Metrics, record); err != nil {
		r.o.Logger.Error("a metric could not be written", "error", err.Error())
	}
}

// accepted counts an entry that the bus took, and keeps the longest time from an
// event to its publishing.
func (b *batch) accepted(t time.Time) {
	b.published++
	b.lag = max(b.lag, b.relay.o.Now().Sub(t))
}
