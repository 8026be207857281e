package settings

import (
	"context"

	"github.com/vinci-go/vinci/internal/emf"
)

// The metrics of a [Reader], in the namespace [MetricNamespace], with the dimensions
// Application, Deployment and Setting. What does not occur is not written.
const (
	MetricNamespace = emf.Namespace
	// MetricInvalid counts reads that found a value which cannot be used.
	MetricInvalid = "SettingInvalid"
	// MetricStale counts reads that failed, while an older value went on to hold.
	MetricStale = "SettingStale"

	DimensionSetting = "Setting"
)

func (r *Reader) count(ctx context.Context, s Definition, metric string) {
	if r.o.Metrics == nil {
		return
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	err := emf.Write(r.o.Metrics, emf.Record{
		Namespace: MetricNamespace, Time: r.store.Now(),
		Dimensions: []emf.Dimension{
			{Name: emf.DimensionApplication, Value: r.o.Application},
			{Name: emf.DimensionDeployment, Value: r.o.Deployment},
			{Name: DimensionSetting, Value: s.Name()},
		},
		Values: []emf.Value{emf.Count(metric, 1)},
	})
	if err != nil {
		r.o.Logger.ErrorContext(ctx, "a metric could not be written", "setting", s.Name(), "error", err.Error())
	}
}
