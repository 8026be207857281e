package assembly

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxSchema is the newest major version of the cloud assembly schema that this
// package was written for (aws-cdk-lib 2.270 writes it). As in the CDK CLI, an
// older one is read and a newer one refused.
const maxSchema = 54

// manifest is the part of manifest.json that is needed.
// https://github.com/aws/aws-cdk-cli/tree/main/packages/%40aws-cdk/cloud-assembly-schema
type manifest struct {
	Version   string              `json:"version"`
	Artifacts map[string]artifact `json:"artifacts"`
}

type artifact struct {
	Type         string   `json:"type"`
	Environment  string   `json:"environment"` // aws://account/region
	Dependencies []string `json:"dependencies"`
	Properties   struct {
		TemplateFile  string `json:"templateFile"`  // stack
		StackName     string `json:"stackName"`     // stack; the artifact's id when absent
		File          string `json:"file"`          // asset manifest
		DirectoryName string `json:"directoryName"` // nested assembly
	} `json:"properties"`
	// Construct metadata is here or, since schema 45, in a file of its own.
	Metadata     map[string][]metadataEntry `json:"metadata"`
	MetadataFile string                     `json:"additionalMetadataFile"`
}

type metadataEntry struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// asset is a file or folder that a deployment would upload.
type asset struct {
	path      string // absolute
	packaging string // "zip": a folder; "file": as it is
}

// readAssembly reads the manifest in dir and those of nested assemblies (one
// for each Stage of the CDK application).
func readAssembly(dir string, env Environment) ([]stackSource, error) {
	var m manifest
	if err := readJSON(filepath.Join(dir, "manifest.json"), &m); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%w: %s has no manifest.json: synthesize the application into it first", ErrInvalid, dir)
		}
		return nil, err
	}
	if err := checkVersion(m.Version); err != nil {
		return nil, err
	}
	var (
		sources []stackSource
		errs    []error
	)
	ids := make([]string, 0, len(m.Artifacts))
	for id := range m.Artifacts {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		switch art := m.Artifacts[id]; art.Type {
		case "aws:cloudformation:stack":
			s, err := readStack(dir, id, art, m.Artifacts, env)
			if err != nil {
				errs = append(errs, fmt.Errorf("stack %s: %w", id, err))
				continue
			}
			sources = append(sources, s)
		case "cdk:cloud-assembly":
			nested, err := readAssembly(filepath.Join(dir, art.Properties.DirectoryName), env)
			if err != nil {
				errs = append(errs, fmt.Errorf("nested assembly %s: %w", id, err))
				continue
			}
			sources = append(sources, nested...)
		}
		// Asset manifests are read with the stacks that need them. The tree and
		// reports are for people.
	}
	return sources, errors.Join(errs...)
}

func checkVersion(version string) error {
	major, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		return fmt.Errorf("%w: manifest.json has schema version %q, which is not a number", ErrInvalid, version)
	}
	if n > maxSchema {
		return fmt.Errorf("%w: manifest.json has schema version %s; this version of Vinci reads up to %d (aws-cdk-lib 2.270)", ErrInvalid, version, maxSchema)
	}
	return nil
}

func readStack(dir, id string, art artifact, all map[string]artifact, env Environment) (stackSource, error) {
	s := stackSource{name: art.Properties.StackName, assets: map[string]asset{}}
	if s.name == "" {
		s.name = id
	}
	if err := checkEnvironment(art.Environment, env); err != nil {
		return s, err
	}
	if art.Properties.TemplateFile == "" {
		return s, fmt.Errorf("%w: the manifest names no template", ErrInvalid)
	}
	s.file = filepath.Join(dir, art.Properties.TemplateFile)
	var err error
	if s.template, err = os.ReadFile(s.file); err != nil {
		return s, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	for _, dep := range art.Dependencies {
		switch other := all[dep]; other.Type {
		case "aws:cloudformation:stack":
			name := other.Properties.StackName
			if name == "" {
				name = dep
			}
			s.dependsOn = append(s.dependsOn, name)
		case "cdk:asset-manifest":
			if err := readAssets(filepath.Join(dir, other.Properties.File), s.assets); err != nil {
				return s, err
			}
		}
	}
	s.paths, err = readPaths(dir, art)
	return s, err
}

// checkEnvironment refuses a stack made for a certain account or region: the
// CDK has then written them into the template as plain text, where they cannot
// be told from other text, and ARNs would not match.
func checkEnvironment(environment string, env Environment) error {
	account, region, ok := strings.Cut(strings.TrimPrefix(environment, "aws://"), "/")
	if !ok {
		return fmt.Errorf("%w: environment %q is not aws://account/region", ErrInvalid, environment)
	}
	if account != "unknown-account" && account != env.Account {
		return fmt.Errorf("%w: the stack is made for account %s and this runs as account %s: give the stack no account for a local deployment", ErrInvalid, account, env.Account)
	}
	if region != "unknown-region" && region != env.Region {
		return fmt.Errorf("%w: the stack is made for region %s and this runs as region %s: give the stack no region for a local deployment", ErrInvalid, region, env.Region)
	}
	return nil
}

// readAssets adds the files of an asset manifest under each object key that
// they would have in the bucket.
func readAssets(file string, into map[string]asset) error {
	var m struct {
		Files map[string]struct {
			Source struct {
				Path      string `json:"path"`
				Packaging string `json:"packaging"`
			} `json:"source"`
			Destinations map[string]struct {
				ObjectKey string `json:"objectKey"`
			} `json:"destinations"`
		} `json:"files"`
	}
	if err := readJSON(file, &m); err != nil {
		return err
	}
	for _, f := range m.Files {
		path := f.Source.Path
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(file), path)
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return fmt.Errorf("asset %s of %s: %w", f.Source.Path, file, err)
		}
		for _, d := range f.Destinations {
			into[d.ObjectKey] = asset{path: path, packaging: f.Source.Packaging}
		}
	}
	return nil
}

// readPaths maps logical ids to construct paths. The template itself holds the
// paths only when the CDK CLI ran the synth; the metadata always has them.
func readPaths(dir string, art artifact) (map[string]string, error) {
	entries := art.Metadata
	if art.MetadataFile != "" {
		if err := readJSON(filepath.Join(dir, art.MetadataFile), &entries); err != nil {
			return nil, err
		}
	}
	paths := map[string]string{}
	for path, list := range entries {
		for _, e := range list {
			var id string
			if e.Type == "aws:cdk:logicalId" && json.Unmarshal(e.Data, &id) == nil {
				paths[id] = strings.TrimPrefix(path, "/")
			}
		}
	}
	return paths, nil
}

func readJSON(file string, into any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrInvalid, file, err)
	}
	return nil
}
