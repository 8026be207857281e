package constructs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/orm"
)

// An alarm on an expression takes 10 metrics. The table and each global index
// have two: throttled reads and throttled writes. A local index has none of its
// own.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html
const (
	maxAlarmMetrics  = 10
	throttledByAlarm = maxAlarmMetrics / 2 // the table or an index
)

// DynamoDB grows by itself within minutes, so a throttled request now and then is
// no news and the clients repeat it. What goes on is.
const (
	throttlePeriod  = time.Minute
	throttlePeriods = 5
)

// throttleAlarms fire when requests to a table or its global indexes were
// throttled in each of five minutes.
func (d *Deployment) throttleAlarms(scope cdk.Construct, table string, s *orm.Schema) []awscloudwatch.CfnAlarm {
	indexes := []string{""} // the table itself
	for _, x := range s.Indexes {
		if !x.Local {
			indexes = append(indexes, x.Name)
		}
	}
	var alarms []awscloudwatch.CfnAlarm
	for part := range slices.Chunk(indexes, throttledByAlarm) {
		id := "Throttles"
		if len(alarms) > 0 {
			id = fmt.Sprint("Throttles", len(alarms)+1)
		}
		alarms = append(alarms, d.throttleAlarm(scope, id, table, s, part))
	}
	return alarms
}

func (d *Deployment) throttleAlarm(scope cdk.Construct, id, table string, s *orm.Schema, indexes []string) awscloudwatch.CfnAlarm {
	var metrics []any
	var ids, watched []string
	for _, index := range indexes {
		dimensions := []any{&awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String("TableName"), Value: jsii.String(table)}}
		if index == "" {
			watched = append(watched, "table "+s.Name)
		} else {
			watched = append(watched, "index "+index)
			dimensions = append(dimensions, &awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String("GlobalSecondaryIndexName"), Value: jsii.String(index)})
		}
		for _, metric := range []string{"ReadThrottleEvents", "WriteThrottleEvents"} {
			name := fmt.Sprint("m", len(ids))
			ids = append(ids, name)
			metrics = append(metrics, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
				Id: jsii.String(name), ReturnData: jsii.Bool(false),
				MetricStat: &awscloudwatch.CfnAlarm_MetricStatProperty{
					Metric: &awscloudwatch.CfnAlarm_MetricProperty{
						Namespace: jsii.String("AWS/DynamoDB"), MetricName: jsii.String(metric), Dimensions: dimensions,
					},
					Stat: jsii.String("Sum"), Period: seconds(throttlePeriod),
				},
			})
		}
	}
	// The SUM of a list passes over metrics that have no data, where m0 + m1 has
	// none as soon as one of them has. DynamoDB writes these metrics only when
	// something was throttled. FILL would put zeros where data comes late.
	metrics = append(metrics, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
		Id: jsii.String("throttled"), Expression: jsii.String("SUM([" + strings.Join(ids, ", ") + "])"),
		Label: jsii.String("Throttled requests"), ReturnData: jsii.Bool(true),
	})
	return awscloudwatch.NewCfnAlarm(scope, &id, &awscloudwatch.CfnAlarmProps{
		AlarmName:          jsii.String(d.alarmName(scope, id)),
		AlarmDescription:   jsii.String(throttleDescription(s, watched)),
		Metrics:            metrics,
		EvaluationPeriods:  jsii.Number(throttlePeriods),
		Threshold:          jsii.Number(1),
		ComparisonOperator: jsii.String("GreaterThanOrEqualToThreshold"),
		TreatMissingData:   jsii.String("notBreaching"),
		AlarmActions:       d.alarmActions(),
	})
}

// maxDescription is what CloudWatch takes.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
const maxDescription = 1024

// throttleDescription says what to do. Long names of indexes may not fit in: the
// alarm's metrics name them too.
func throttleDescription(s *orm.Schema, watched []string) string {
	mend := "raise Settings.Maximum or Settings.Warm if the traffic is wanted"
	if s.Settings.Provisioned != nil {
		mend = "raise Max in Settings.Provisioned if the traffic is wanted"
	}
	advice := ": requests are throttled for five minutes. Look whether reads or writes are, and which key: a hot key (reason KeyRangeThroughputExceeded) needs " +
		"another partition key or orm.Sharded, else " + mend + ". A throttled index throttles writes of its table."
	names := strings.Join(watched, ", ")
	if len(names)+len(advice) > maxDescription {
		names = watched[0] + " and others"
	}
	return names + advice
}
