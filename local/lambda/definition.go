package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"github.com/vinci-go/vinci/local/iam"
)

// definition is a function as it is configured, by the assembly or by SDK calls. It
// is never changed: a change makes another one. What is written to the store is
// what SDK calls made; the assembly is read again at each start.
type definition struct {
	Config      FunctionConfig
	Modified    time.Time
	Revision    string
	CodeSHA256  string // of the zip, in base64; "" for an assembly's folder
	CodeSize    int64  // of the zip, or of the folder's files, in bytes
	Permissions []permission

	assembly bool
	hash     string        // of the files in Config.Dir
	policy   *iam.Document // the resource policy, nil for none
}

// withPolicy sets the resource policy from its parts.
func (d *definition) withPolicy() error {
	d.policy = nil
	var all iam.Document
	for _, p := range d.Config.Policy {
		all.Statements = append(all.Statements, p.Statements...)
	}
	for _, p := range d.Permissions {
		document, err := p.document(d.Config.ARN)
		if err != nil {
			return err
		}
		all.Statements = append(all.Statements, document.Statements...)
	}
	if len(all.Statements) > 0 {
		all.Name, all.Version = "policy of function "+d.Config.Name, "2012-10-17"
		d.policy = &all
	}
	return nil
}

// sameProcess reports whether an environment of one configuration does for the other.
func sameProcess(a, b FunctionConfig) bool {
	for _, c := range []*FunctionConfig{&a, &b} {
		c.Reserved, c.Async, c.DeadLetterARN, c.Policy = nil, nil, "", nil
		c.Description, c.Tags = "", nil
	}
	return reflect.DeepEqual(a, b)
}

// Exists reports whether there is a function of that name or ARN.
func (s *Service) Exists(function string) bool {
	d, _ := s.lookup(function)
	return d != nil
}

// RoleOf is the ARN of the function's role, "" when there is no such function.
func (s *Service) RoleOf(function string) string {
	if d, _ := s.lookup(function); d != nil {
		return d.Config.RoleARN
	}
	return ""
}

// ResourcePolicy is the policy of the function with that ARN (its permissions), nil
// when it has none or is not there. A qualifier is ignored: there is one version.
func (s *Service) ResourcePolicy(functionARN string) *iam.Document {
	if d, _ := s.lookup(functionARN); d != nil {
		return d.policy
	}
	return nil
}

// lookup finds a function by any form of its name.
func (s *Service) lookup(ref string) (*definition, error) {
	name, err := s.parseFunction(ref)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	d := s.definitions[name.name]
	if d == nil || name.qualifier != "" && name.qualifier != latest {
		return nil, s.functionNotFound(name)
	}
	return d, nil
}

// changeFunction replaces a function's definition by a changed one, durably when
// SDK calls made it. change gets a copy; its maps and slices are shared with the
// one before.
func (s *Service) changeFunction(ref string, change func(d *definition) error) (*definition, error) {
	s.applying.Lock()
	defer s.applying.Unlock()
	d, err := s.lookup(ref)
	if err != nil {
		return nil, err
	}
	next := *d
	if err := change(&next); err != nil {
		return nil, err
	}
	next.Modified, next.Revision = s.now(), s.newUUID()
	if err := s.setFunction(&next); err != nil {
		return nil, err
	}
	return &next, nil
}

// setFunction stores a definition and puts it in place. s.applying is held.
func (s *Service) setFunction(d *definition) error {
	if s.isClosed() {
		return ErrClosed
	}
	if err := d.withPolicy(); err != nil {
		return err
	}
	if !d.assembly {
		if err := s.saveFunction(d); err != nil {
			return err
		}
	}
	next := maps.Clone(s.definitions)
	next[d.Config.Name] = d
	s.reconcile(next, s.mappingDefs)
	return nil
}

func (s *Service) saveFunction(d *definition) error {
	b, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("keep function %s: %w", d.Config.Name, err)
	}
	return s.store.put(inFunctions, d.Config.Name, b)
}

// removeFunction forgets a function. s.applying is held.
func (s *Service) removeFunction(d *definition) error {
	if s.isClosed() {
		return ErrClosed
	}
	if !d.assembly {
		if err := s.store.delete(inFunctions, d.Config.Name); err != nil {
			return err
		}
	}
	next := maps.Clone(s.definitions)
	delete(next, d.Config.Name)
	s.reconcile(next, s.mappingDefs)
	return nil
}

func (s *Service) isClosed() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closed
}

// load reads what SDK calls made in an earlier life, and removes code that no
// function has any more.
func (s *Service) load(ctx context.Context) error {
	definitions, mappings := map[string]*definition{}, map[string]*mappingDefinition{}
	var errs []error
	err := s.store.scan(inFunctions, func(name string, value []byte) error {
		d := &definition{}
		if err := json.Unmarshal(value, d); err != nil {
			return fmt.Errorf("read function %s: %w", name, err)
		}
		d.Config.Dir = s.codeDir(name, d.CodeSHA256)
		var err error
		if d.hash, _, err = hashCode(ctx, d.Config.Dir); err != nil {
			return fmt.Errorf("read the code of function %s: %w", name, err)
		}
		definitions[name] = d
		return d.withPolicy()
	})
	errs = append(errs, err, s.store.scan(inMappings, func(id string, value []byte) error {
		m := &mappingDefinition{}
		if err := json.Unmarshal(value, m); err != nil {
			return fmt.Errorf("read event source mapping %s: %w", id, err)
		}
		m.transition = "Enabling"
		mappings[id] = m
		return nil
	}))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := s.removeUnusedCode(definitions); err != nil {
		return err
	}
	s.reconcile(definitions, mappings)
	return nil
}

// removeUnusedCode removes what updates and deletions left: processes of the code
// before may have been running then.
func (s *Service) removeUnusedCode(definitions map[string]*definition) error {
	used := map[string]bool{}
	for _, d := range definitions {
		used[d.Config.Dir] = true
	}
	functions, err := os.ReadDir(s.codeRoot())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range functions {
		folder := filepath.Join(s.codeRoot(), f.Name())
		codes, err := os.ReadDir(folder)
		if err != nil {
			return err
		}
		for _, c := range codes {
			if dir := filepath.Join(folder, c.Name()); !used[dir] {
				if err := os.RemoveAll(dir); err != nil {
					return err
				}
			}
		}
	}
	return err
}

// reconcile puts functions and mappings in the place of those that are. What did
// not change goes on. A mapping whose function is not there waits for it.
// s.applying is held.
func (s *Service) reconcile(functions map[string]*definition, mappings map[string]*mappingDefinition) {
	var run []MappingConfig
	for _, id := range slices.Sorted(maps.Keys(mappings)) {
		if m := mappings[id]; functions[m.Config.FunctionName] != nil {
			run = append(run, m.Config)
		}
	}
	after := s.retireMappings(run)
	s.swapFunctions(functions)
	s.mu.Lock()
	s.mappingDefs = mappings
	s.mu.Unlock()
	if s.started {
		s.startMappings(run, after)
		s.async.wake()
	}
}
