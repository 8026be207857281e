package eventbridge

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vinci-go/vinci/event/pattern"
)

type wireArchive struct {
	ArchiveName, EventSourceArn, State string
	RetentionDays                      int
	EventCount, SizeBytes              int64
	CreationTime                       *wireTime `json:",omitempty"`
}

func (s *Service) archiveWire(a *archive) wireArchive {
	return wireArchive{
		ArchiveName: a.Name, EventSourceArn: s.busARN(a.bus), State: archiveEnabled, RetentionDays: a.RetentionDays,
		EventCount: a.contents.events.Load(), SizeBytes: a.contents.bytes.Load(), CreationTime: moment(a.created),
	}
}

// archiveEnabled is the one state that archives have here: they are made at once.
const archiveEnabled = "ENABLED"

type archiveAnswer struct {
	ArchiveArn, State string
	CreationTime      *wireTime
}

// checkArchive refuses what EventBridge refuses of an archive.
func checkArchive(in *request) error {
	switch {
	case in.ArchiveName == "":
		return required("archiveName")
	case !archiveName.MatchString(in.ArchiveName):
		return nameConstraint(in.ArchiveName, "archiveName", `[\.\-_A-Za-z0-9]+`, 48)
	case in.RetentionDays != nil && *in.RetentionDays < 0:
		return constraint(strconv.Itoa(*in.RetentionDays), "retentionDays", "Member must have value greater than or equal to 0")
	}
	if in.EventPattern != "" {
		if _, err := pattern.Compile([]byte(in.EventPattern)); err != nil {
			return invalidPattern(err)
		}
		if patternSize([]byte(in.EventPattern)) > maxPattern {
			return invalid("Parameter EventPattern for archive %s exceeds limit of %d.", in.ArchiveName, maxPattern)
		}
	}
	return checkDescription(in.Description)
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateArchive.html
func (s *Service) createArchive(in *request) (any, error) {
	if err := checkArchive(in); err != nil {
		return nil, err
	}
	if in.EventSourceArn == "" {
		return nil, required("eventSourceArn")
	}
	if !strings.HasPrefix(in.EventSourceArn, "arn:") || !strings.Contains(in.EventSourceArn, ":event-bus/") {
		return nil, constraint(in.EventSourceArn, "eventSourceArn", "Member must satisfy regular expression pattern: ^arn:aws([a-z]|\\-)*:events:([a-z]|\\d|\\-)*:([0-9]{12})?:event-bus\\/[/\\.\\-_A-Za-z0-9]+$")
	}
	c := ArchiveConfig{Name: in.ArchiveName, EventSourceARN: in.EventSourceArn, Description: in.Description, EventPattern: []byte(in.EventPattern)}
	if in.RetentionDays != nil {
		c.RetentionDays = *in.RetentionDays
	}
	if in.KmsKeyIdentifier != nil {
		c.KmsKeyIdentifier = *in.KmsKeyIdentifier
	}
	a, err := s.compileArchive(c)
	if err != nil {
		return nil, invalid("%v", err)
	}
	a.origin, a.created, a.id = fromCalls, s.opts.Now(), s.sequence.Add(1)
	err = s.change(func(d *draft) error {
		if d.state.archives[a.Name] != nil {
			return exists("Archive %s already exists.", a.Name)
		}
		if d.state.buses[a.bus] == nil || !s.mine(in.EventSourceArn) {
			return noBus(a.bus)
		}
		d.setArchive(a)
		return nil
	})
	return archiveAnswer{s.archiveARN(a.Name), archiveEnabled, moment(a.created)}, err
}

// updateArchive changes what is given, and leaves the rest. What is in the archive
// stays, also when a new pattern would not have let it in.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UpdateArchive.html
func (s *Service) updateArchive(in *request) (any, error) {
	if err := checkArchive(in); err != nil {
		return nil, err
	}
	var after *archive
	err := s.change(func(d *draft) error {
		old := d.state.archives[in.ArchiveName]
		if old == nil {
			return noArchive(in.ArchiveName)
		}
		c := old.ArchiveConfig
		if in.has("Description") {
			c.Description = in.Description
		}
		if in.has("EventPattern") {
			c.EventPattern = []byte(in.EventPattern)
		}
		if in.RetentionDays != nil {
			c.RetentionDays = *in.RetentionDays
		}
		if in.KmsKeyIdentifier != nil {
			c.KmsKeyIdentifier = *in.KmsKeyIdentifier
		}
		var err error
		if after, err = s.compileArchive(c); err != nil {
			return invalid("%v", err)
		}
		after.origin, after.created, after.id, after.contents = old.origin, old.created, old.id, old.contents
		d.setArchive(after)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return archiveAnswer{s.archiveARN(after.Name), archiveEnabled, moment(after.created)}, nil
}

func noArchive(name string) error { return notFound("Archive %s does not exist.", name) }

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteArchive.html
func (s *Service) deleteArchive(in *request) (any, error) {
	return nil, s.change(func(d *draft) error {
		a := d.state.archives[in.ArchiveName]
		if a == nil {
			return noArchive(in.ArchiveName)
		}
		d.removeArchive(a)
		return nil
	})
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeArchive.html
func (s *Service) describeArchive(in *request) (any, error) {
	a := s.state.Load().archives[in.ArchiveName]
	if a == nil {
		return nil, noArchive(in.ArchiveName)
	}
	return struct {
		wireArchive
		ArchiveArn       string
		Description      string `json:",omitempty"`
		EventPattern     string `json:",omitempty"`
		KmsKeyIdentifier string `json:",omitempty"`
	}{s.archiveWire(a), s.archiveARN(a.Name), a.Description, string(a.EventPattern), a.KmsKeyIdentifier}, nil
}

// oneFilter: list operations of archives and replays take one filter at most.
func oneFilter(filters ...string) error {
	n := 0
	for _, f := range filters {
		if f != "" {
			n++
		}
	}
	if n > 1 {
		return invalid("At most one filter is allowed for this operation. Use only one of: NamePrefix, EventSourceArn, or State.")
	}
	return nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListArchives.html
func (s *Service) listArchives(in *request) (any, error) {
	if err := oneFilter(in.NamePrefix, in.EventSourceArn, in.State); err != nil {
		return nil, err
	}
	st := s.state.Load()
	if in.EventSourceArn != "" {
		if _, err := s.find(in.EventSourceArn); err != nil {
			return nil, err
		}
	}
	var all []wireArchive
	for _, name := range slices.Sorted(maps.Keys(st.archives)) {
		a := st.archives[name]
		if strings.HasPrefix(name, in.NamePrefix) && (in.State == "" || in.State == archiveEnabled) && (in.EventSourceArn == "" || in.EventSourceArn == s.busARN(a.bus)) {
			all = append(all, s.archiveWire(a))
		}
	}
	page, next, err := paginate(all, in)
	return struct {
		Archives  []wireArchive
		NextToken string `json:",omitempty"`
	}{page, next}, err
}
