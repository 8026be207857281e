package constructs

import (
	"fmt"
	"hash/fnv"
	"strings"

	cdk "github.com/aws/constructs-go/constructs/v10"
)

// alarmList is what a deployment knows of its alarms while its constructs are made.
type alarmList struct {
	names []string                 // in the order in which they were made
	paths map[cdk.Construct]string // each is asked for once: a question to the CDK is slow
}

// maxAlarmName is what CloudWatch takes, in characters.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
const maxAlarmName = 255

// alarmName names a new alarm after its place, such as
// shop-dev/subscriptions/send_welcome/DeadLetters: no two constructs have one place,
// and whoever gets the mail sees what it is about. No other deployment's alarms begin
// with shop-dev/, because neither application nor deployment may have a slash.
func (d *Deployment) alarmName(scope cdk.Construct, id string) string {
	path, ok := d.alarms.paths[scope]
	if !ok {
		if d.alarms.paths == nil {
			d.alarms.paths = map[cdk.Construct]string{}
		}
		path = strings.TrimPrefix(*scope.Node().Path(), d.Name(""))
		d.alarms.paths[scope] = path
	}
	name := shortened(d.AlarmPrefix() + path + "/" + id)
	d.alarms.names = append(d.alarms.names, name)
	return name
}

// AlarmPrefix is what the names of all alarms of the deployment begin with, and of no
// other, so that whoever has deployed can ask which are in alarm:
//
//	aws cloudwatch describe-alarms --alarm-name-prefix shop-dev/ --state-value ALARM
func (d *Deployment) AlarmPrefix() string { return d.names.AlarmPrefix() }

// shortened cuts a name that is too long, and keeps it apart from others that
// begin as it does.
func shortened(name string) string {
	if len(name) <= maxAlarmName {
		return name
	}
	h := fnv.New64a()
	h.Write([]byte(name)) // a hash.Hash never returns an error
	mark := fmt.Sprintf("-%016x", h.Sum64())
	return name[:maxAlarmName-len(mark)] + mark
}

// alarmActions are what every alarm does, and nothing else: it tells the topic. That
// one is over again is in the console; a mail about it would ask nobody to act.
func (d *Deployment) alarmActions() *[]any { return &[]any{d.AlarmTopicARN()} }
