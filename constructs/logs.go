package constructs

import "github.com/aws/jsii-runtime-go"

// logDays is how long log groups keep their lines.
func (d *Deployment) logDays() *float64 {
	return jsii.Number(orInt(d.settings.LogDays, logRetentionDays))
}
