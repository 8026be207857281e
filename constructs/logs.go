package constructs

// defaultLogDays is how long logs are kept when the settings say nothing.
const defaultLogDays = 30

// logDays is how long this deployment's logs are kept.
func (d *Deployment) logDays() int { return orInt(d.settings.LogDays, defaultLogDays) }
