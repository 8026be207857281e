package emf

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Namespace is that of all metrics of the framework, and the first two
// dimensions of each are these.
const (
	Namespace            = "Vinci"
	DimensionApplication = "Application"
	DimensionDeployment  = "Deployment"
)

// Record is some metrics with the same dimensions and time: one line.
type Record struct {
	Namespace  string
	Time       time.Time
	Dimensions []Dimension // in their order; names are not given twice
	Values     []Value     // names are not given twice, and are no dimension's
}

// Dimension tells metrics of one name apart.
type Dimension struct{ Name, Value string }

// Value is one number.
type Value struct {
	Name   string
	Unit   string // as CloudWatch names it
	number string // as JSON
}

// Count is a number of things.
func Count(name string, n int) Value {
	return Value{Name: name, Unit: "Count", number: strconv.Itoa(n)}
}

// Milliseconds is a duration, in whole milliseconds. A negative one, which clocks
// that differ can make, counts as zero.
func Milliseconds(name string, d time.Duration) Value {
	return Value{Name: name, Unit: "Milliseconds", number: strconv.FormatInt(max(0, d.Milliseconds()), 10)}
}

// Write writes the record as one line, in one call of w. Without values it
// writes nothing. The error is the writer's.
func Write(w io.Writer, r Record) error {
	if len(r.Values) == 0 {
		return nil
	}
	b, err := r.line()
	if err != nil {
		return fmt.Errorf("encode metrics: %w", err)
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

// The specification's shape of the member _aws.
type (
	metadata struct {
		Timestamp         int64       `json:"Timestamp"` // epoch milliseconds
		CloudWatchMetrics []directive `json:"CloudWatchMetrics"`
	}
	directive struct {
		Namespace  string       `json:"Namespace"`
		Dimensions [][]string   `json:"Dimensions"`
		Metrics    []definition `json:"Metrics"`
	}
	definition struct {
		Name string `json:"Name"`
		Unit string `json:"Unit"`
	}
)

// line writes dimensions, values and the directive that says which is which.
func (r *Record) line() ([]byte, error) {
	d := directive{Namespace: r.Namespace}
	names := []string{}
	line := []byte{'{'}
	member := func(name string, value []byte) error {
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		line = append(append(append(append(line, key...), ':'), value...), ',')
		return nil
	}
	for _, dim := range r.Dimensions {
		names = append(names, dim.Name)
		value, err := json.Marshal(dim.Value)
		if err != nil {
			return nil, err
		}
		if err := member(dim.Name, value); err != nil {
			return nil, err
		}
	}
	for _, v := range r.Values {
		d.Metrics = append(d.Metrics, definition{v.Name, v.Unit})
		if err := member(v.Name, []byte(v.number)); err != nil {
			return nil, err
		}
	}
	d.Dimensions = [][]string{names}
	about, err := json.Marshal(metadata{Timestamp: r.Time.UnixMilli(), CloudWatchMetrics: []directive{d}})
	if err != nil {
		return nil, err
	}
	if err := member("_aws", about); err != nil {
		return nil, err
	}
	line[len(line)-1] = '}'
	return append(line, '\n'), nil
}
