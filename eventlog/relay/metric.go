package relay

import (
	"context"
	"log/slog"
	"maps"
	"slices"

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
	// MetricPublished counts events that the bus took, by their types: public entries
	// are not counted again. It has one dimension more than the others, so CloudWatch
	// bills it once for each type of event.
	MetricPublished = "Published"
	// All have these two dimensions.
	DimensionApplication = emf.DimensionApplication
	DimensionDeployment  = emf.DimensionDeployment
	// DimensionEventType is the third one of MetricPublished.
	DimensionEventType = "EventType"
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
	r.write(record)
	dimensions := record.Dimensions
	for _, eventType := range slices.Sorted(maps.Keys(b.byType)) {
		record.Dimensions = append(slices.Clone(dimensions), emf.Dimension{Name: DimensionEventType, Value: eventType})
		record.Values = []emf.Value{emf.Count(MetricPublished, b.byType[eventType])}
		r.write(record)
	}
}

func (r *Relay) write(record emf.Record) {
	if err := emf.Write(r.o.Metrics, record); err != nil {
		r.o.Logger.Error("a metric could not be written", "error", err.Error())
	}
}

// accepted counts an entry that the bus took, and keeps the longest time from an
// event to its publishing.
func (b *batch) accepted(ctx context.Context, p *pending) {
	b.published++
	b.lag = max(b.lag, b.relay.o.Now().Sub(p.entry.Time))
	if !p.public {
		if b.byType == nil {
			b.byType = map[string]int{}
		}
		b.byType[p.entry.Type]++
	}
	if logger := b.relay.o.Logger; logger.Enabled(ctx, slog.LevelDebug) {
		logger.DebugContext(ctx, "event published", "event_id", p.id, "event_type", p.entry.Type, "public", p.public,
			"correlation_id", p.correlation, "trace_id", p.trace, "sequence_number", p.sequence)
	}
}
