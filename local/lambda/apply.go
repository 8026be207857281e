package lambda

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
)

// Apply makes the service run exactly these functions and mappings. What did
// not change, by its configuration and the content of its folder, goes on. A
// changed function takes new invocations at once, while those that run finish
// on the old version; a changed mapping first finishes the batches it has. What
// is no longer named ends in the same way. Apply does not wait for any of that.
//
// When something is wrong nothing is changed, and the error, of kind ErrInvalid,
// tells everything that is wrong.
func (s *Service) Apply(ctx context.Context, functions []FunctionConfig, mappings []MappingConfig) error {
	s.applying.Lock()
	defer s.applying.Unlock()
	s.mu.RLock()
	closed := s.closed
	s.mu.RUnlock()
	if closed {
		return fmt.Errorf("apply functions: %w", ErrClosed)
	}
	versions, mappings, err := s.prepare(ctx, functions, mappings)
	if err != nil {
		return err
	}
	after := s.retireMappings(mappings)
	s.swapFunctions(versions)
	s.startMappings(mappings, after)
	return nil
}

// prepare checks everything and hashes the code.
func (s *Service) prepare(ctx context.Context, functions []FunctionConfig, mappings []MappingConfig) ([]*version, []MappingConfig, error) {
	var errs []error
	names, arns := map[string]bool{}, map[string]bool{}
	versions := make([]*version, 0, len(functions))
	for _, c := range functions {
		if names[c.Name] || c.ARN != "" && arns[c.ARN] {
			errs = append(errs, fmt.Errorf("function %q: %w: another one has its name or ARN", c.Name, ErrInvalid))
		}
		names[c.Name], arns[c.ARN] = true, true
		if err := c.validate(); err != nil {
			errs = append(errs, err)
			continue
		}
		v, err := s.newVersion(ctx, c)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		versions = append(versions, v)
	}
	mappings = slices.Clone(mappings)
	ids := map[string]bool{}
	for i, c := range mappings {
		c = c.withDefaults()
		mappings[i] = c
		if ids[c.ID] {
			errs = append(errs, fmt.Errorf("event source mapping %q: %w: another one has its id", c.ID, ErrInvalid))
		}
		ids[c.ID] = true
		if !names[c.FunctionName] {
			errs = append(errs, fmt.Errorf("event source mapping %q: %w: there is no function %q", c.ID, ErrInvalid, c.FunctionName))
		}
		if err := c.validate(&s.opts); err != nil {
			errs = append(errs, err)
		}
	}
	return versions, mappings, joinErrors("apply functions", errs)
}

func (s *Service) newVersion(ctx context.Context, c FunctionConfig) (*version, error) {
	if c.LogGroup == "" {
		c.LogGroup = "/aws/lambda/" + c.Name
	}
	if c.Handler == "" {
		c.Handler = "bootstrap"
	}
	hash, err := hashCode(ctx, c.Dir)
	if err != nil {
		return nil, fmt.Errorf("function %q: read its code: %w", c.Name, err)
	}
	v := &version{cfg: c, hash: hash, max: s.opts.MaxEnvironments, envs: map[*environment]struct{}{}}
	if c.Reserved != nil {
		v.max = *c.Reserved
	}
	return v, nil
}

// swapFunctions makes the functions those of versions.
func (s *Service) swapFunctions(versions []*version) {
	s.mu.Lock()
	before := s.functions
	s.functions = map[string]*function{}
	kept := map[*function]bool{}
	var changed []func()
	for _, v := range versions {
		f := before[v.cfg.Name]
		if f == nil {
			f = &function{svc: s, name: v.cfg.Name}
		}
		kept[f] = true
		s.functions[v.cfg.Name] = f
		if v.cfg.ARN != "" {
			s.functions[v.cfg.ARN] = f
		}
		// Only Apply changes a version, and there is one Apply at a time.
		if old := f.version; old == nil || old.hash != v.hash || !reflect.DeepEqual(old.cfg, v.cfg) {
			changed = append(changed, func() { f.replace(v, nil) })
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

// hashCode is a hash over the names, modes and contents of the files in dir.
func hashCode(ctx context.Context, dir string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
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
		_, err = io.Copy(h, file)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}
