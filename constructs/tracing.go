package constructs

import (
	"log/slog"

	"github.com/aws/jsii-runtime-go"
)

// writeTrace lets Lambda send the function's trace to X-Ray. Neither action knows
// resources: AWS takes nothing but * there.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
func writeTrace() Statement {
	return Statement{Sid: "WriteTrace", Actions: []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, Resources: []string{"*"}}
}

// applicationLogLevel is what Lambda keeps of a function's lines, nil for its default,
// INFO. Functions leave out themselves what they are not to log. Lambda must not: it
// takes a line without a level for INFO, and the lines of metrics have none, so that
// at WARN it would drop the metrics. It has to let through what is below INFO.
//
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
func applicationLogLevel(level slog.Level) *string {
	if level < slog.LevelInfo {
		return jsii.String("DEBUG")
	}
	return nil
}
