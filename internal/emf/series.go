package emf

import (
	"strconv"
	"time"
)

// MaxSeries is how many numbers one value of a line may hold.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html#CloudWatch_Embedded_Metric_Format_Specification_structure_target
const MaxSeries = 100

// MillisecondsEach is several durations under one name, at most [MaxSeries], from
// which CloudWatch makes percentiles. As with [Milliseconds] a negative one counts
// as zero.
func MillisecondsEach(name string, ds []time.Duration) Value {
	b := []byte{'['}
	for i, d := range ds {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, max(0, d.Milliseconds()), 10)
	}
	return Value{Name: name, Unit: "Milliseconds", number: string(append(b, ']'))}
}
