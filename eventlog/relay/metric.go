package relay

import (
	"encoding/json"
	"fmt"
)

// The relay's metrics, for alarms. They are written as log lines in CloudWatch's
// embedded metric format, so no call is made for them, and only when there is
// something to count.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
const (
	MetricNamespace = "Vinci"
	// MetricChanged counts items of the log that were changed or removed.
	MetricChanged = "LogItemsChanged"
	// MetricFailed counts events whose id went to the failure queue.
	MetricFailed = "RelayFailed"
	// Both have these two dimensions.
	DimensionApplication = "Application"
	DimensionDeployment  = "Deployment"
)

type metric struct {
	Name string `json:"Name"`
	Unit string `json:"Unit"`
}

type metricSet struct {
	Namespace  string     `json:"Namespace"`
	Dimensions [][]string `json:"Dimensions"`
	Metrics    []metric   `json:"Metrics"`
}

type metricHead struct {
	Timestamp         int64       `json:"Timestamp"` // epoch milliseconds
	CloudWatchMetrics []metricSet `json:"CloudWatchMetrics"`
}

// count writes the metrics of one delivery.
func (r *Relay) count(b *batch) {
	line := map[string]any{DimensionApplication: r.o.Source, DimensionDeployment: r.o.Deployment}
	set := metricSet{Namespace: MetricNamespace, Dimensions: [][]string{{DimensionApplication, DimensionDeployment}}}
	for _, m := range []struct {
		name string
		n    int
	}{{MetricChanged, b.changed}, {MetricFailed, b.poisoned}} {
		if m.n > 0 {
			set.Metrics = append(set.Metrics, metric{Name: m.name, Unit: "Count"})
			line[m.name] = m.n
		}
	}
	if len(set.Metrics) == 0 {
		return
	}
	line["_aws"] = metricHead{Timestamp: r.o.Now().UnixMilli(), CloudWatchMetrics: []metricSet{set}}
	text, err := json.Marshal(line)
	if err == nil {
		_, err = fmt.Fprintf(r.o.Metrics, "%s\n", text)
	}
	if err != nil {
		r.o.Logger.Error("a metric could not be written", "error", err.Error())
	}
}
