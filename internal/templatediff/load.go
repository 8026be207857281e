package templatediff

import (
	"bytes"
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

// ErrNoAssembly says that a folder has no cloud assembly.
var ErrNoAssembly = errors.New("no cloud assembly")

// Assembly is what the templates of a cloud assembly say, by the names of its stacks.
type Assembly map[string]*Stack

// Stack is one CloudFormation template.
type Stack struct {
	Resources map[string]*Resource // by logical id
}

// Resource is one resource of a template, with its intrinsic functions as they are
// written.
type Resource struct {
	Type                string         `json:"Type"`
	Properties          map[string]any `json:"Properties"`
	DeletionPolicy      string         `json:"DeletionPolicy"`
	UpdateReplacePolicy string         `json:"UpdateReplacePolicy"`
	Condition           string         `json:"Condition"`
	Metadata            map[string]any `json:"Metadata"`

	path string // in the construct tree, below its stack; the logical id when nobody tells
}

// manifest is what is needed of manifest.json.
// https://github.com/aws/aws-cdk-cli/tree/main/packages/%40aws-cdk/cloud-assembly-schema
type manifest struct {
	Artifacts map[string]struct {
		Type       string `json:"type"`
		Properties struct {
			TemplateFile  string `json:"templateFile"`
			StackName     string `json:"stackName"`
			DirectoryName string `json:"directoryName"`
		} `json:"properties"`
		MetadataFile string                     `json:"additionalMetadataFile"`
		Metadata     map[string][]metadataEntry `json:"metadata"`
	} `json:"artifacts"`
}

type metadataEntry struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// Load reads the assembly of a folder, with those nested in it (one for each Stage of
// the CDK). The error is an [ErrNoAssembly] when the folder has none.
func Load(dir string) (Assembly, error) {
	a := Assembly{}
	if err := a.load(dir); err != nil {
		return nil, fmt.Errorf("read the cloud assembly %s: %w", dir, err)
	}
	return a, nil
}

func (a Assembly) load(dir string) error {
	var m manifest
	if err := readJSON(filepath.Join(dir, "manifest.json"), &m); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: it has no manifest.json: synthesize into it first (cdk synth -o)", ErrNoAssembly)
	} else if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(m.Artifacts)) {
		art := m.Artifacts[id]
		switch art.Type {
		case "cdk:cloud-assembly":
			if err := a.load(filepath.Join(dir, art.Properties.DirectoryName)); err != nil {
				return err
			}
		case "aws:cloudformation:stack":
			name := art.Properties.StackName
			if name == "" {
				name = id
			}
			if a[name] != nil {
				return fmt.Errorf("two stacks are named %s", name)
			}
			s := &Stack{}
			if err := readJSON(filepath.Join(dir, art.Properties.TemplateFile), s); err != nil {
				return err
			}
			entries := art.Metadata
			if art.MetadataFile != "" {
				if err := readJSON(filepath.Join(dir, art.MetadataFile), &entries); err != nil {
					return err
				}
			}
			if err := s.name(name, entries); err != nil {
				return fmt.Errorf("stack %s: %w", name, err)
			}
			a[name] = s
		}
	}
	return nil
}

// name gives each resource its path: the template's own word for it, or the
// manifest's, which is there also when the CDK CLI did not run the synthesis.
func (s *Stack) name(stack string, entries map[string][]metadataEntry) error {
	paths := map[string]string{}
	for path, list := range entries {
		for _, e := range list {
			var id string
			if e.Type == "aws:cdk:logicalId" && json.Unmarshal(e.Data, &id) == nil {
				paths[id] = path
			}
		}
	}
	for id, r := range s.Resources {
		if r == nil || r.Type == "" {
			return fmt.Errorf("resource %s has no Type", id)
		}
		r.path = paths[id]
		if own, ok := r.Metadata["aws:cdk:path"].(string); ok {
			r.path = own
		}
		r.path = strings.TrimPrefix(strings.TrimPrefix(r.path, "/"), stack+"/")
		r.path = strings.TrimSuffix(r.path, "/Resource") // what the CDK's own constructs call what they wrap
		if r.path == "" {
			r.path = id
		}
	}
	return nil
}

func readJSON(file string, into any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber() // a number is shown as it is written
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s is not what the CDK writes: %w", file, err)
	}
	return nil
}
