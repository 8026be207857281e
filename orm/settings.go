package orm

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Settings are what a deployed table has beside its definition; see [Deploy].
// The zero value is good: on demand, point-in-time recovery over 35 days,
// deletion protection, data that outlives its stack, and an alarm on throttles,
// in every deployment that is not ephemeral. An ephemeral deployment deletes its
// tables cleanly whatever they say.
//
// What is there for safety is switched off by a reason and not by a bool: it
// stands in the definition, where a reviewer reads it.
type Settings struct {
	// Provisioned reserves throughput and pays for it whether it is used or not.
	// nil: on demand, which pays for each request and is AWS's own advice.
	//
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/capacity-mode.html
	Provisioned *Provisioned `json:"provisioned,omitempty"`

	// Maximum is what the table may use at most, on demand: request units a second.
	// More is throttled. It bounds what a mistake can cost; the bound is not exact.
	// Zero: as much as the account allows.
	//
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode-max-throughput.html
	Maximum Throughput `json:"maximum,omitzero"`

	// Warm is what the table can take at once, before it has grown by use: units a
	// second. It costs once, when it is set, and can never be lowered; an ephemeral
	// deployment goes without. Zero: AWS's own, 12,000 reads and 4,000 writes.
	//
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
	Warm Throughput `json:"warm,omitzero"`

	// Indexes are the settings of global indexes, by name. A local index uses the
	// table's throughput.
	Indexes map[string]IndexSettings `json:"indexes,omitempty"`

	// RecoveryDays is how far back the table can be restored to any second: 1 to
	// 35 days; zero: 35.
	//
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html
	RecoveryDays int `json:"recovery_days,omitempty"`

	// NoRecovery is why the table needs no point-in-time recovery: "it can be made
	// again from the log". Empty: it has it.
	NoRecovery string `json:"no_recovery,omitempty"`

	// NoProtection is why the table may be deleted by a call or in the console.
	// Empty: it is protected.
	NoProtection string `json:"no_protection,omitempty"`

	// DeleteData is why the table and its data may go with its stack. It needs
	// NoProtection, because DynamoDB refuses to delete a protected table. Empty: the
	// data stays.
	DeleteData string `json:"delete_data,omitempty"`

	// TTLOff is the attribute by which items expired until now ([TTL]), and no longer
	// are to. To leave TTL out is not enough: CloudFormation then leaves the expiry
	// on, or fails. It can go when every deployment has been deployed with it. A
	// table that never expired items does not need it. Empty: nothing to stop.
	//
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-dynamodb-globaltable-timetolivespecification.html
	// https://github.com/aws/aws-cdk/issues/10576 and 25655
	TTLOff string `json:"ttl_off,omitempty"`

	// NoThrottleAlarm is why nobody is to be told when requests are throttled.
	// Empty: an alarm on the table and its indexes is.
	NoThrottleAlarm string `json:"no_throttle_alarm,omitempty"`

	// Tags are the table's, for cost reports and policies: up to 48, because the
	// deployment adds two. A key has 1 to 128 characters, a value up to 256: letters,
	// digits, spaces and _.:/=+-@.
	//
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html
	Tags map[string]string `json:"tags,omitempty"`
}

// IndexSettings are what a global index has for itself.
type IndexSettings struct {
	Provisioned *Provisioned `json:"provisioned,omitempty"` // nil: as the table's
	Maximum     Throughput   `json:"maximum,omitzero"`      // as [Settings.Maximum]; zero: no bound, whatever the table's
	Warm        Throughput   `json:"warm,omitzero"`         // as [Settings.Warm]
}

// Throughput is a number of units a second; zero: not set.
type Throughput struct {
	Read  int `json:"read,omitempty"`
	Write int `json:"write,omitempty"`
}

// Provisioned is reserved throughput, scaled by use between two bounds.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html
type Provisioned struct {
	Read  Scaling `json:"read"`
	Write Scaling `json:"write"`
}

// Scaling bounds reserved throughput, in capacity units. A table or index begins
// with Min. An account allows 40,000 a table unless AWS has raised that.
type Scaling struct {
	Min int `json:"min"` // at least 1
	Max int `json:"max"` // at least Min

	// Target is how much of what is reserved should be in use, in percent: 20 to
	// 90; zero: 70. What is over it makes AWS reserve more within minutes.
	Target int `json:"target,omitempty"`
}

// The limits that AWS documents for [Settings], and its defaults.
const (
	DefaultRecoveryDays = 35
	DefaultTarget       = 70 // percent

	maxRecoveryDays = 35
	minTarget       = 20
	maxTarget       = 90
	minWarmRead     = 12000
	minWarmWrite    = 4000
	maxTags         = 48 // of 50; the deployment's stack has two
	maxTagKey       = 128
	maxTagValue     = 256
	maxTTLName      = 255
)

// Deploy says how the table is deployed. What is wrong with the settings is a
// mistake of the definition. Given twice, the last one counts.
func Deploy(s Settings) Option {
	return func(d *definer) { d.schema.Settings = s.clone() }
}

// clone makes the settings independent of what the caller keeps.
func (s Settings) clone() Settings {
	s.Provisioned = s.Provisioned.clone()
	s.Tags = maps.Clone(s.Tags)
	s.Indexes = maps.Clone(s.Indexes)
	for name, x := range s.Indexes {
		x.Provisioned = x.Provisioned.clone()
		s.Indexes[name] = x
	}
	return s
}

func (p *Provisioned) clone() *Provisioned {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// OfIndex returns the settings of a global index, with what it has from its
// table filled in.
func (s Settings) OfIndex(name string) IndexSettings {
	x := s.Indexes[name]
	if x.Provisioned == nil {
		x.Provisioned = s.Provisioned
	}
	return x
}

// problems is everything that AWS would refuse, in a fixed order.
func (s Settings) problems() []string {
	var all []string
	wrong := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }

	s.throughputProblems("Settings", s.Provisioned, s.Maximum, s.Warm, wrong)
	for _, name := range slices.Sorted(maps.Keys(s.Indexes)) {
		x := s.Indexes[name]
		if x.Provisioned != nil && s.Provisioned == nil {
			wrong("Settings.Indexes[%q].Provisioned: the table is on demand and an index is billed as its table is: set Settings.Provisioned as well, or take it away", name)
		}
		s.throughputProblems(fmt.Sprintf("Settings.Indexes[%q]", name), x.Provisioned, x.Maximum, x.Warm, wrong)
	}

	if s.RecoveryDays < 0 || s.RecoveryDays > maxRecoveryDays {
		wrong("Settings.RecoveryDays is %d: allowed are 1 to %d days, or 0 for %d", s.RecoveryDays, maxRecoveryDays, DefaultRecoveryDays)
	} else if s.RecoveryDays != 0 && s.NoRecovery != "" {
		wrong("Settings.RecoveryDays is %d and Settings.NoRecovery says that there is no recovery: take one of them away", s.RecoveryDays)
	}
	if s.DeleteData != "" && s.NoProtection == "" {
		wrong("Settings.DeleteData lets the table go with its stack, and DynamoDB refuses to delete a protected table: say in Settings.NoProtection why it needs no protection, or take DeleteData away")
	}
	for _, r := range []struct{ name, reason string }{
		{"NoRecovery", s.NoRecovery}, {"NoProtection", s.NoProtection}, {"DeleteData", s.DeleteData}, {"NoThrottleAlarm", s.NoThrottleAlarm},
	} {
		if r.reason != "" && strings.TrimSpace(r.reason) == "" {
			wrong("Settings.%s is blank: it is the reason, in words, or empty", r.name)
		}
	}
	return append(all, tagProblems(s.Tags)...)
}

// throughputProblems checks what a table and an index both have.
func (s Settings) throughputProblems(where string, p *Provisioned, maximum, warm Throughput, wrong func(string, ...any)) {
	if p != nil {
		for _, c := range []struct {
			name string
			Scaling
		}{{"Read", p.Read}, {"Write", p.Write}} {
			at := where + ".Provisioned." + c.name
			if c.Min < 1 {
				wrong("%s.Min is %d: allowed is 1 and more", at, c.Min)
			}
			if c.Max < c.Min {
				wrong("%s.Max is %d: allowed is Min, which is %d, and more", at, c.Max, c.Min)
			}
			if c.Target != 0 && (c.Target < minTarget || c.Target > maxTarget) {
				wrong("%s.Target is %d: allowed are %d to %d percent, or 0 for %d", at, c.Target, minTarget, maxTarget, DefaultTarget)
			}
		}
	}
	for _, c := range []struct {
		name  string
		value int
	}{{"Read", maximum.Read}, {"Write", maximum.Write}} {
		switch {
		case c.value < 0:
			wrong("%s.Maximum.%s is %d: allowed is 1 and more, or 0 for no maximum", where, c.name, c.value)
		case c.value > 0 && s.Provisioned != nil:
			wrong("%s.Maximum.%s is %d, and only what is billed on demand has one: use Max in Provisioned, or take Provisioned away", where, c.name, c.value)
		}
	}
	for _, c := range []struct {
		name       string
		value, min int
	}{{"Read", warm.Read, minWarmRead}, {"Write", warm.Write, minWarmWrite}} {
		if c.value != 0 && c.value < c.min {
			wrong("%s.Warm.%s is %d: allowed is %d, with which every table begins, and more, or 0", where, c.name, c.value, c.min)
		}
	}
}

// schemaProblems finds settings of what the table does not have.
func (s Settings) schemaProblems(schema *Schema) []string {
	var all []string
	if s.TTLOff != "" && schema.TTL != "" {
		all = append(all, fmt.Sprintf("Settings.TTLOff says that items no longer expire, by attribute %q, and orm.TTL that they do, by %q: take one of them away", s.TTLOff, schema.TTL))
	}
	if len(s.TTLOff) > maxTTLName {
		all = append(all, fmt.Sprintf("Settings.TTLOff has %d bytes: allowed are %d", len(s.TTLOff), maxTTLName))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Indexes)) {
		i := slices.IndexFunc(schema.Indexes, func(x IndexSchema) bool { return x.Name == name })
		switch {
		case i < 0:
			all = append(all, fmt.Sprintf("Settings.Indexes names index %q, and no field declares it: declared are %s", name, list(indexNames(schema))))
		case schema.Indexes[i].Local:
			all = append(all, fmt.Sprintf("Settings.Indexes names index %q, which is local and uses the table's throughput: take it away", name))
		}
	}
	return all
}

// tagText is what AWS takes in a tag.
//
// https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html#tag-conventions
var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

func tagProblems(tags map[string]string) []string {
	var all []string
	wrong := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if len(tags) > maxTags {
		wrong("Settings.Tags has %d tags: allowed are %d", len(tags), maxTags)
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		switch n := utf8.RuneCountInString(key); {
		case n == 0 || n > maxTagKey:
			wrong("Settings.Tags: key %q has %d characters: allowed are 1 to %d", key, n, maxTagKey)
		case !tagText.MatchString(key):
			wrong("Settings.Tags: key %q: allowed are letters, digits, spaces and _.:/=+-@", key)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			wrong("Settings.Tags: key %q: aws: begins the tags of AWS itself; choose another", key)
		case strings.HasPrefix(key, "vinci:"):
			wrong("Settings.Tags: key %q: vinci: begins the tags of the deployment; choose another", key)
		}
		if n := utf8.RuneCountInString(value); n > maxTagValue {
			wrong("Settings.Tags: the value of %q has %d characters: allowed are %d", key, n, maxTagValue)
		} else if !tagText.MatchString(value) {
			wrong("Settings.Tags: the value of %q is %q: allowed are letters, digits, spaces and _.:/=+-@", key, value)
		}
	}
	return all
}
