package rulepack

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ManifestFile makes a folder a cloud assembly: without it the CDK's command line
// deploys nothing.
const ManifestFile = "manifest.json"

// manifest is the part of an assembly's manifest that is needed.
type manifest struct {
	Artifacts map[string]struct {
		Type                   string
		AdditionalMetadataFile string
		Metadata               map[string][]metadata
		Properties             struct {
			TemplateFile, StackName, DirectoryName, File string
		}
	}
}

// metadata is what a construct says of itself beside the template.
type metadata struct {
	Type string
	Data json.RawMessage
}

// stack is one template: a stack's, or a nested stack's.
type stack struct {
	name      string // of the stack; of the file for a nested one, which has no name yet
	nested    bool
	size      int // bytes
	template  template
	paths     map[string]string // construct path by logical id, where one is known
	resources []*resource       // by logical id
}

type template struct {
	Parameters map[string]json.RawMessage
	Mappings   map[string]json.RawMessage
	Outputs    map[string]struct {
		Value  any
		Export struct{ Name any }
	}
	Resources map[string]*resource
}

// resource is one resource of a template.
type resource struct {
	Type                string
	Properties          map[string]any
	Metadata            map[string]any
	DeletionPolicy      any
	UpdateReplacePolicy any

	stack *stack
	id    string // logical id
}

// path is the resource's construct path; empty when the assembly does not say.
func (r *resource) path() string {
	if p, ok := r.Metadata["aws:cdk:path"].(string); ok {
		return p
	}
	return r.stack.paths[r.id]
}

// annotation is an error that a construct, an aspect or cdk-nag has put on a
// construct.
type annotation struct{ path, text string }

// assembly is what the rules judge.
type assembly struct {
	stacks []*stack // by name
	errors []annotation
}

// read loads an assembly, and those that are nested in it.
func read(dir string) (*assembly, error) {
	a := &assembly{}
	if err := a.load(dir); err != nil {
		return nil, fmt.Errorf("read the synthesized templates: %w", err)
	}
	slices.SortFunc(a.stacks, func(x, y *stack) int { return cmp.Compare(x.name, y.name) })
	slices.SortStableFunc(a.errors, func(x, y annotation) int { return cmp.Or(cmp.Compare(x.path, y.path), cmp.Compare(x.text, y.text)) })
	a.errors = slices.Compact(a.errors)
	return a, nil
}

func (a *assembly) load(dir string) error {
	var m manifest
	if _, err := decode(filepath.Join(dir, ManifestFile), &m); err != nil {
		return err
	}
	inner := map[string]string{} // construct paths of what no stack's own template has
	for _, id := range slices.Sorted(maps.Keys(m.Artifacts)) {
		artifact := m.Artifacts[id]
		about := artifact.Metadata
		if file := artifact.AdditionalMetadataFile; file != "" {
			if _, err := decode(filepath.Join(dir, file), &about); err != nil {
				return err
			}
		}
		a.errors = append(a.errors, annotated(about)...)
		switch artifact.Type {
		case "cdk:cloud-assembly":
			if err := a.load(filepath.Join(dir, artifact.Properties.DirectoryName)); err != nil {
				return err
			}
		case "aws:cloudformation:stack":
			name := cmp.Or(artifact.Properties.StackName, id)
			s := &stack{name: name, paths: constructPaths(about)}
			if err := a.add(filepath.Join(dir, artifact.Properties.TemplateFile), s); err != nil {
				return err
			}
			for logicalID, path := range s.paths {
				if s.template.Resources[logicalID] == nil {
					known(inner, logicalID, path)
				}
			}
		}
	}
	// A nested stack's template is an asset of its parent: no artifact names it.
	const suffix = ".nested.template.json"
	nested, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		return err
	}
	for _, file := range nested {
		if !m.uses(dir, filepath.Base(file)) {
			continue // of an earlier synthesis into the same folder
		}
		if err := a.add(file, &stack{name: strings.TrimSuffix(filepath.Base(file), suffix), nested: true, paths: inner}); err != nil {
			return err
		}
	}
	return nil
}

// uses reports whether an asset manifest names the file.
func (m *manifest) uses(dir, file string) bool {
	for _, artifact := range m.Artifacts {
		if artifact.Type != "cdk:asset-manifest" {
			continue
		}
		var assets struct {
			Files map[string]struct{ Source struct{ Path string } }
		}
		if _, err := decode(filepath.Join(dir, artifact.Properties.File), &assets); err != nil {
			continue // the CDK's command line reads it, and says what is wrong
		}
		for _, f := range assets.Files {
			if f.Source.Path == file {
				return true
			}
		}
	}
	return false
}

func (a *assembly) add(file string, s *stack) error {
	size, err := decode(file, &s.template)
	if err != nil {
		return err
	}
	s.size = size
	for _, id := range slices.Sorted(maps.Keys(s.template.Resources)) {
		r := s.template.Resources[id]
		if r == nil {
			return fmt.Errorf("%s: resource %s is null", filepath.Base(file), id)
		}
		r.stack, r.id = s, id
		s.resources = append(s.resources, r)
	}
	a.stacks = append(a.stacks, s)
	return nil
}

// constructPaths says which construct a logical id is of. One that is there twice,
// in a stack and in one nested in it, is left out.
func constructPaths(about map[string][]metadata) map[string]string {
	paths := map[string]string{}
	for path, entries := range about {
		for _, e := range entries {
			var id string
			if e.Type != "aws:cdk:logicalId" || json.Unmarshal(e.Data, &id) != nil {
				continue
			}
			known(paths, id, strings.TrimPrefix(path, "/"))
		}
	}
	return paths
}

// known keeps a construct's path by its logical id, and forgets it when there are two:
// nobody knows then which is meant.
func known(paths map[string]string, id, path string) {
	if _, twice := paths[id]; twice {
		path = ""
	}
	paths[id] = path
}

// annotated are the errors that constructs were marked with.
func annotated(about map[string][]metadata) []annotation {
	var all []annotation
	for path, entries := range about {
		for _, e := range entries {
			var text string
			if e.Type == "aws:cdk:error" && json.Unmarshal(e.Data, &text) == nil {
				all = append(all, annotation{strings.TrimPrefix(path, "/"), strings.TrimSpace(text)})
			}
		}
	}
	return all
}

// decode reads a file of JSON and says how many bytes it has.
func decode(file string, v any) (int, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return 0, fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	return len(b), nil
}

// Discard takes from an assembly what makes it deployable, and leaves the templates
// for whoever wants to look at them. A folder that holds no assembly is left alone.
func Discard(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return fmt.Errorf("discard the assembly: %w", err)
		case d.IsDir() && strings.HasPrefix(d.Name(), "asset."): // a file of that name in it is a function's
			return fs.SkipDir
		case d.Name() == ManifestFile:
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("discard the assembly: %w", err)
			}
		}
		return nil
	})
}
