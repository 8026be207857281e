package lambda

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
)

// Apply makes the assembly's functions and mappings exactly these; those that SDK
// calls made stay. What did not change, by its configuration and the content of its
// folder, goes on, with what SDK calls changed of it. A changed function takes new
// invocations at once, while those that run finish on the old version; a changed
// mapping first finishes the batches it has. What is no longer named ends in the
// same way. A function that an SDK call made under a name of the assembly's becomes
// the assembly's. Apply does not wait for any of that.
//
// When something is wrong nothing is changed, and the error, of kind ErrInvalid,
// tells everything that is wrong.
func (s *Service) Apply(ctx context.Context, functions []FunctionConfig, mappings []MappingConfig) error {
	s.applying.Lock()
	defer s.applying.Unlock()
	if s.isClosed() {
		return fmt.Errorf("apply functions: %w", ErrClosed)
	}
	wanted, wantedMappings, err := s.prepare(ctx, functions, mappings)
	if err != nil {
		return err
	}
	nextFunctions, nextMappings := maps.Clone(s.definitions), maps.Clone(s.mappingDefs)
	for name, d := range s.definitions {
		if d.assembly && wanted[name] == nil {
			delete(nextFunctions, name)
		}
	}
	for name, d := range wanted {
		if old := s.wanted[name]; old != nil && old.hash == d.hash && reflect.DeepEqual(old.Config, d.Config) {
			// The folder may be another one with the same content.
			if now := nextFunctions[name]; now != nil && now.assembly && now.hash == d.hash {
				moved := *now
				moved.Config.Dir = d.Config.Dir
				nextFunctions[name] = &moved
			}
			continue
		}
		if old := nextFunctions[name]; old != nil && !old.assembly {
			if err := s.store.delete(inFunctions, name); err != nil {
				return fmt.Errorf("apply functions: %w", err)
			}
		}
		nextFunctions[name] = d
	}
	for id, m := range s.mappingDefs {
		if m.assembly && wantedMappings[id] == nil {
			delete(nextMappings, id)
		}
	}
	for id, m := range wantedMappings {
		if old := s.wantedMappings[id]; old != nil && reflect.DeepEqual(old.Config, m.Config) {
			continue
		}
		nextMappings[id] = m
	}
	s.wanted, s.wantedMappings = wanted, wantedMappings
	s.reconcile(nextFunctions, nextMappings)
	return nil
}

// prepare checks everything and hashes the code.
func (s *Service) prepare(ctx context.Context, functions []FunctionConfig, mappings []MappingConfig) (map[string]*definition, map[string]*mappingDefinition, error) {
	var errs []error
	arns := map[string]bool{}
	wanted := map[string]*definition{}
	for _, c := range functions {
		if wanted[c.Name] != nil || c.ARN != "" && arns[c.ARN] {
			errs = append(errs, fmt.Errorf("function %q: %w: another one has its name or ARN", c.Name, ErrInvalid))
		}
		arns[c.ARN] = true
		d := &definition{Config: c.withDefaults(), Modified: s.now(), Revision: s.newUUID(), assembly: true}
		wanted[c.Name] = d
		if err := errors.Join(c.validate(), c.validateCode()); err != nil {
			errs = append(errs, err)
			continue
		}
		var err error
		if d.hash, d.CodeSize, err = hashCode(ctx, c.Dir); err != nil {
			errs = append(errs, fmt.Errorf("function %q: read its code: %w", c.Name, err))
		}
		if err := d.withPolicy(); err != nil {
			errs = append(errs, err)
		}
	}
	wantedMappings := map[string]*mappingDefinition{}
	for _, c := range mappings {
		c = c.withDefaults()
		if wantedMappings[c.ID] != nil {
			errs = append(errs, fmt.Errorf("event source mapping %q: %w: another one has its id", c.ID, ErrInvalid))
		}
		wantedMappings[c.ID] = &mappingDefinition{Config: c, Modified: s.now(), assembly: true, transition: "Creating"}
		for _, other := range mappings {
			if other.ID < c.ID && other.FunctionName == c.FunctionName && other.SourceARN == c.SourceARN {
				errs = append(errs, fmt.Errorf("event source mapping %q: %w: %q maps the same source to the same function already", c.ID, ErrInvalid, other.ID))
			}
		}
		if wanted[c.FunctionName] == nil {
			errs = append(errs, fmt.Errorf("event source mapping %q: %w: there is no function %q", c.ID, ErrInvalid, c.FunctionName))
		}
		if err := c.validate(&s.opts); err != nil {
			errs = append(errs, err)
		}
	}
	return wanted, wantedMappings, joinErrors("apply functions", errs)
}

// newVersion makes what environments are started from.
func (s *Service) newVersion(d *definition) *version {
	v := &version{cfg: d.Config, hash: d.hash, envs: map[*environment]struct{}{}}
	v.reserve(d.Config.Reserved, s.opts.MaxEnvironments)
	return v
}

// reserve sets how much may run at once. function.mu is held, or nobody has v yet.
func (v *version) reserve(reserved *int, unreserved int) {
	v.reserved, v.max = reserved, unreserved
	if reserved != nil {
		v.max = *reserved
	}
}

// swapFunctions makes the functions those of next. s.applying is held.
func (s *Service) swapFunctions(next map[string]*definition) {
	s.mu.Lock()
	before := s.functions
	s.functions, s.definitions = map[string]*function{}, next
	kept := map[*function]bool{}
	var changed []func()
	for name, d := range next {
		f := before[name]
		if f == nil {
			// With its version from the start: it can be invoked as soon as it is known.
			f = &function{svc: s, name: name, version: s.newVersion(d)}
		}
		kept[f] = true
		s.functions[name] = f
		if d.Config.ARN != "" {
			s.functions[d.Config.ARN] = f
		}
		// Only the holder of s.applying changes a version.
		if old := f.version; old.hash != d.hash || !sameProcess(old.cfg, d.Config) {
			changed = append(changed, func() { f.replace(s.newVersion(d), nil) })
		} else {
			changed = append(changed, func() { f.reserve(d.Config.Reserved) })
		}
	}
	s.draining = slices.DeleteFunc(s.draining, (*function).drained)
	for _, f := range before {
		if !kept[f] {
			kept[f] = true
			s.draining = append(s.draining, f)
			changed = append(changed, func() { f.replace(nil, errRemoved(f.name)) })
		}
	}
	s.mu.Unlock()
	for _, change := range changed {
		change()
	}
}

// hashCode is a hash over the names, modes and contents of the files in dir, and the
// bytes of the contents.
func hashCode(ctx context.Context, dir string) (hash string, size int64, err error) {
	h := sha256.New()
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		// The length, so that no two lists of files hash the same bytes.
		fmt.Fprintf(h, "%q %o %d\n", name, info.Mode().Perm(), info.Size())
		n, err := io.Copy(h, file)
		size += n
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), size, err
}
