package eventbridge

import (
	"strings"
	"unicode/utf8"
)

// The answers have the names of AWS's API model.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Operations.html

type wireBus struct {
	Name, Arn        string
	Description      string    `json:",omitempty"`
	Policy           string    `json:",omitempty"`
	CreationTime     *wireTime `json:",omitempty"`
	LastModifiedTime *wireTime `json:",omitempty"`
}

// wireSettings are what CreateEventBus, UpdateEventBus and DescribeEventBus tell.
type wireSettings struct {
	Description      string          `json:",omitempty"`
	DeadLetterConfig *wireDeadLetter `json:",omitempty"`
	KmsKeyIdentifier string          `json:",omitempty"`
	LogConfig        *LogConfig      `json:",omitempty"`
}

func (b *bus) wire() wireBus {
	return wireBus{b.Name, b.ARN, b.Description, b.Policy, moment(b.created), moment(b.modified)}
}

// find is a bus by name or ARN. A bus of another account or region does not exist
// here.
func (s *Service) find(nameOrARN string) (*bus, error) {
	b := s.state.Load().buses[nameOf(nameOrARN)]
	if b == nil || !s.mine(nameOrARN) {
		return nil, noBus(nameOf(nameOrARN))
	}
	return b, nil
}

// edit is a bus by name or ARN, to be changed.
func (d *draft) edit(nameOrARN string) (*bus, error) {
	b := d.bus(nameOf(nameOrARN))
	if b == nil || !d.service.mine(nameOrARN) {
		return nil, noBus(nameOf(nameOrARN))
	}
	return b, nil
}

// changeRule changes a copy of a rule of a bus that is edited, and puts it in its
// place when change returns no error.
func (d *draft) changeRule(b *bus, name string, change func(*rule) error) error {
	old := b.rules[name]
	if old == nil {
		return noRule(name, b.Name)
	}
	r := *old
	if err := change(&r); err != nil {
		return err
	}
	b.rules[name] = &r
	d.keepRule(&r)
	return nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html
func (s *Service) createEventBus(in *request) (any, error) {
	switch {
	case in.Name == "":
		return nil, required("name")
	case !busName.MatchString(in.Name):
		return nil, nameConstraint(in.Name, "name", `[/\.\-_A-Za-z0-9]+`, 256)
	case in.EventSourceName != nil:
		return nil, invalid("Partner event sources are not served by the local runtime: leave EventSourceName out.")
	case strings.Contains(in.Name, "/"):
		return nil, invalid("Event bus name must not contain '/'.")
	}
	if err := checkDescription(in.Description); err != nil {
		return nil, err
	}
	tags, err := mergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	c := BusConfig{Name: in.Name, Description: in.Description, Tags: tags, LogConfig: in.LogConfig}
	if err := in.busSettings(&c, s.opts.Region); err != nil {
		return nil, err
	}
	var b *bus
	err = s.change(func(d *draft) error {
		if d.state.buses[in.Name] != nil {
			return exists("Event bus %s already exists.", in.Name)
		}
		if len(d.state.buses) > maxBuses { // the default bus does not count
			return limitExceeded()
		}
		if b, err = s.compileBus(c); err != nil {
			return invalid("%v", err)
		}
		b.origin, b.created = fromCalls, s.opts.Now()
		b.modified = b.created
		d.setBus(b)
		d.keepBus(b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return struct {
		EventBusArn string
		wireSettings
	}{b.ARN, b.settings()}, nil
}

// busSettings reads what CreateEventBus and UpdateEventBus share.
func (r *request) busSettings(c *BusConfig, region string) error {
	if r.DeadLetterConfig != nil {
		if arn := r.DeadLetterConfig.Arn; arn != "" {
			if err := checkDeadLetter(arn, region); err != nil {
				return invalid("%s", strings.TrimPrefix(err.Error(), "dead-letter queue: "))
			}
		}
		c.DeadLetterARN = r.DeadLetterConfig.Arn
	}
	if r.KmsKeyIdentifier != nil {
		c.KmsKeyIdentifier = *r.KmsKeyIdentifier
	}
	return nil
}

func (b *bus) settings() wireSettings {
	w := wireSettings{Description: b.Description, KmsKeyIdentifier: b.KmsKeyIdentifier, LogConfig: b.LogConfig}
	if b.DeadLetterARN != "" {
		w.DeadLetterConfig = &wireDeadLetter{b.DeadLetterARN}
	}
	return w
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UpdateEventBus.html
func (s *Service) updateEventBus(in *request) (any, error) {
	if err := checkDescription(in.Description); err != nil {
		return nil, err
	}
	var after *bus
	err := s.change(func(d *draft) error {
		b, err := d.edit(in.Name)
		if err != nil {
			return err
		}
		if in.has("Description") {
			b.Description = in.Description
		}
		if in.LogConfig != nil {
			b.LogConfig = in.LogConfig
		}
		if err := in.busSettings(&b.BusConfig, s.opts.Region); err != nil {
			return err
		}
		b.modified = s.opts.Now()
		d.keepBus(b)
		after = b
		return nil
	})
	if err != nil {
		return nil, err
	}
	return struct {
		Name, Arn string
		wireSettings
	}{after.Name, after.ARN, after.settings()}, nil
}

// deleteEventBus does nothing for a bus that does not exist, as on AWS.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteEventBus.html
func (s *Service) deleteEventBus(in *request) (any, error) {
	if in.Name == "" {
		return nil, required("name")
	}
	if nameOf(in.Name) == defaultBus {
		return nil, invalid("Cannot delete event bus default.")
	}
	return nil, s.change(func(d *draft) error {
		b, err := d.edit(in.Name)
		if err != nil {
			return nil
		}
		if len(b.rules) > 0 {
			return invalid("Event bus %s can't be deleted since it has rules.", b.Name)
		}
		d.removeBus(b.Name)
		return nil
	})
}

func (s *Service) describeEventBus(in *request) (any, error) {
	b, err := s.find(in.Name)
	if err != nil {
		return nil, err
	}
	return struct {
		Name, Arn                      string
		Policy                         string    `json:",omitempty"`
		CreationTime, LastModifiedTime *wireTime `json:",omitempty"`
		wireSettings
	}{b.Name, b.ARN, b.Policy, moment(b.created), moment(b.modified), b.settings()}, nil
}

func (s *Service) listEventBuses(in *request) (any, error) {
	var all []wireBus
	for _, b := range s.state.Load().sortedBuses() {
		if strings.HasPrefix(b.Name, in.NamePrefix) {
			all = append(all, b.wire())
		}
	}
	page, next, err := paginate(all, in)
	return struct {
		EventBuses []wireBus
		NextToken  string `json:",omitempty"`
	}{page, next}, err
}

func checkDescription(text string) error {
	if n := utf8.RuneCountInString(text); n > 512 {
		return constraint(text, "description", "Member must have length less than or equal to 512")
	}
	return nil
}

// nameConstraint is the answer to a name that is too long or has wrong characters.
func nameConstraint(name, at, pattern string, limit int) error {
	if len(name) > limit {
		return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: "+lengthAtMost, name, at, limit)
	}
	return constraint(name, at, "Member must satisfy regular expression pattern: "+pattern)
}
