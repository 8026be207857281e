package schema

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vinci-go/vinci/event"
)

// Dir is the folder of the files, beside the application's sources.
const Dir = "schemas"

// State says how a file and a definition agree.
type State string

// The states of a finding.
const (
	Missing State = "missing" // there is no file yet: Lock writes it
	Stale   State = "stale"   // nothing breaks, and the file does not say it: Lock writes it
	Refused State = "refused" // the change breaks readers: a new version is needed
)

// Finding is a file that does not say what the definition does.
type Finding struct {
	State   State    `json:"state"`
	Event   string   `json:"event"`
	File    string   `json:"file"` // below the folder, with slashes: user.created/1.json
	What    string   `json:"what"`
	Changes []Change `json:"changes,omitempty"`
	Mend    string   `json:"mend"`

	write []byte // what the file should be
}

// String is the finding for people, several lines when there are changes.
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s", f.State, f.File, f.What)
	for _, c := range f.Changes {
		fmt.Fprintf(&b, "\n\t%s: %s", c.Kind, c)
	}
	if f.Mend != "" {
		fmt.Fprintf(&b, "\n\tmend: %s", f.Mend)
	}
	return b.String()
}

const lockIt = "vinci schemas lock, and commit " + Dir + "/"

// Check compares the events with the files of a folder, in order of their names:
// nothing found means that the files say what the definitions do. A folder that
// is not there is an empty one. The error is about a folder or a file that cannot
// be read, not about what is found.
func Check(dir string, events []*Event) ([]Finding, error) {
	have, err := list(dir)
	if err != nil {
		return nil, err
	}
	sorted := slices.SortedFunc(slices.Values(events), func(a, b *Event) int { return strings.Compare(a.Name, b.Name) })
	var found []Finding
	for _, e := range sorted {
		c := checker{dir: dir, event: e, have: have[e.Name]}
		delete(have, e.Name)
		if err := c.check(); err != nil {
			return nil, err
		}
		found = append(found, c.found...)
	}
	for name, files := range have {
		if len(files) == 0 {
			continue
		}
		found = append(found, Finding{State: Refused, Event: name, File: name, What: "no such event is defined any more",
			Mend: fmt.Sprintf("keep the definition for as long as the log has such events; if it never had any, remove %s/%s", Dir, name)})
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return strings.Compare(a.Event, b.Event) })
	return found, nil
}

// Lock writes the files that [Check] finds missing or stale, and returns all that
// was found. What is refused stays as it was.
func Lock(dir string, events []*Event) ([]Finding, error) {
	found, err := Check(dir, events)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		if f.State == Refused {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(f.File))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, fmt.Errorf("write the schemas: %w", err)
		}
		if err := os.WriteFile(path, f.write, 0o644); err != nil {
			return nil, fmt.Errorf("write the schemas: %w", err)
		}
	}
	return found, nil
}

// file is one of an event's files.
type file struct {
	version int
	public  bool
}

func (f file) name() string {
	if f.public {
		return strconv.Itoa(f.version) + ".public.json"
	}
	return strconv.Itoa(f.version) + ".json"
}

// list finds the files of each event. What is named otherwise is not looked at.
func list(dir string) (map[string][]file, error) {
	have := map[string][]file{}
	folders, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the schemas: %w", err)
	}
	for _, folder := range folders {
		if !folder.IsDir() || event.CheckType(folder.Name()) != nil {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(dir, folder.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the schemas: %w", err)
		}
		for _, e := range entries {
			base, isJSON := strings.CutSuffix(e.Name(), ".json")
			digits, public := strings.CutSuffix(base, ".public")
			v, err := strconv.Atoi(digits)
			if f := (file{v, public}); isJSON && err == nil && v > 0 && f.name() == e.Name() {
				have[folder.Name()] = append(have[folder.Name()], f)
			}
		}
	}
	return have, nil
}

// checker looks at one event.
type checker struct {
	dir   string
	event *Event
	have  []file
	found []Finding
}

func (c *checker) add(s State, f file, what, mend string) *Finding {
	c.found = append(c.found, Finding{State: s, Event: c.event.Name, File: c.event.Name + "/" + f.name(), What: what, Mend: mend})
	return &c.found[len(c.found)-1]
}

func (c *checker) check() error {
	e := c.event
	for _, o := range e.Older {
		if err := c.older(o); err != nil {
			return err
		}
	}
	if err := c.newest(file{e.Version, false}, e.Schema, fmt.Sprintf("event.Version(%d) with event.Upcast(%d, …)", e.Version+1, e.Version)); err != nil {
		return err
	}
	if e.Public != nil {
		if err := c.newest(file{e.PublicVersion, true}, e.Public, fmt.Sprintf("event.Public(…, %d)", e.PublicVersion+1)); err != nil {
			return err
		}
	}
	for _, f := range c.have {
		switch {
		case !f.public && f.version > e.Version:
			c.add(Refused, f, fmt.Sprintf("version %d was agreed, and the definition is back at %d", f.version, e.Version), fmt.Sprintf("a version is never taken back, as there may be events of it: event.Version(%d)", f.version+1))
		case f.public && e.Public == nil:
			c.add(Refused, f, "the event was public and is internal now", "others may read it: keep event.Public; if nobody ever did, remove the file")
		case f.public && f.version > e.PublicVersion:
			c.add(Refused, f, fmt.Sprintf("public version %d was agreed, and the definition is back at %d", f.version, e.PublicVersion), fmt.Sprintf("event.Public(…, %d)", f.version+1))
		}
	}
	return nil
}

// newest compares the schema that is written now with what was agreed. next is
// how a shape gets a version of its own.
func (c *checker) newest(f file, now []byte, next string) error {
	now, err := canonical(now)
	if err != nil {
		return fmt.Errorf("the schema of %s: %w", c.event.Name, err)
	}
	old, err := c.read(f)
	if err != nil {
		return err
	}
	if old == nil {
		c.add(Missing, f, "it is not there", lockIt).write = now
		return nil
	}
	changes, err := c.compare(f, old, now, false)
	switch {
	case err != nil:
		return err
	case slices.ContainsFunc(changes, func(ch Change) bool { return ch.Kind.Breaking() }):
		c.add(Refused, f, fmt.Sprintf("%s (%s) breaks readers under the same version", c.event.Name, c.event.DefinedAt),
			fmt.Sprintf("give the new shape its own version: %s; if no event of this version was ever written, remove %s/%s/%s and lock again", next, Dir, c.event.Name, f.name())).Changes = changes
	case len(changes) > 0:
		found := c.add(Stale, f, "it does not say what the definition does", lockIt)
		found.Changes, found.write = changes, now
	case string(old) != string(now):
		c.add(Stale, f, "it means the same and is written otherwise", lockIt).write = now
	}
	return nil
}

// older compares what event.Upcast reads old data into with how that was
// written. It may leave fields out; what it takes must have been there, as it is.
func (c *checker) older(o Older) error {
	f := file{o.Version, false}
	old, err := c.read(f)
	if err != nil {
		return err
	}
	if old == nil {
		found := c.add(Missing, f, "it is not there", lockIt)
		found.write, err = canonical(o.Schema)
		return err
	}
	changes, err := c.compare(f, old, o.Schema, true)
	if err != nil {
		return err
	}
	changes = slices.DeleteFunc(changes, func(ch Change) bool {
		return ch.Kind != Retyped && ch.Kind != NewRequired && ch.Kind != Added
	})
	if len(changes) > 0 {
		c.add(Refused, f, fmt.Sprintf("what event.Upcast(%d, …) of %s (%s) takes is not what was written", o.Version, c.event.Name, c.event.DefinedAt),
			"change the type that it takes, not the file").Changes = changes
	}
	return nil
}

// read is the file's content, nil when it is not there.
func (c *checker) read(f file) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(c.dir, c.event.Name, f.name()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the schemas: %w", err)
	}
	return b, nil
}

func (c *checker) compare(f file, old, now []byte, reading bool) ([]Change, error) {
	changes, err := compare(old, now, reading)
	if err != nil {
		return nil, fmt.Errorf("%s/%s/%s: %w", Dir, c.event.Name, f.name(), err)
	}
	return changes, nil
}
