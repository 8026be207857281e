package release

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/names"
)

// Tags that every stack of Vinci's has.
const (
	tagApplication = "vinci:application"
	tagDeployment  = "vinci:deployment"
)

// assembly is what a cloud assembly says of itself.
type assembly struct {
	names.Deployment
	dir    string
	stacks []string
	// regions are where the stacks belong, in order; "" is wherever the environment of
	// cdk and aws says, for stacks that belong nowhere in particular.
	regions []string
}

// unknownRegion is the CDK's word for a stack that belongs to no region.
const unknownRegion = "unknown-region"

// read finds out whose assembly is in a folder.
func read(dir string) (*assembly, error) {
	var m struct {
		Artifacts map[string]struct {
			Type        string `json:"type"`
			Environment string `json:"environment"`
			Properties  struct {
				StackName string            `json:"stackName"`
				Tags      map[string]string `json:"tags"`
			} `json:"properties"`
		} `json:"artifacts"`
	}
	fail := func(err error) (*assembly, error) { return nil, fmt.Errorf("assembly %s: %w", dir, err) }
	if err := readJSON(filepath.Join(dir, "manifest.json"), &m); errors.Is(err, os.ErrNotExist) {
		return fail(errors.New("it has no manifest.json: synthesize into it first (cdk synth -o)"))
	} else if err != nil {
		return fail(err)
	}
	a := &assembly{dir: dir}
	for _, id := range slices.Sorted(maps.Keys(m.Artifacts)) {
		art := m.Artifacts[id]
		if art.Type != "aws:cloudformation:stack" {
			continue
		}
		name := art.Properties.StackName
		if name == "" {
			name = id
		}
		d, err := names.New(art.Properties.Tags[tagApplication], art.Properties.Tags[tagDeployment])
		if err != nil {
			return fail(fmt.Errorf("stack %s does not say whose it is in its tags: %w", name, err))
		}
		if a.stacks != nil && d != a.Deployment {
			return fail(fmt.Errorf("stack %s is of %s, deployment %s, and others are of %s, deployment %s", name, d.App, d.ID, a.App, a.ID))
		}
		a.Deployment, a.stacks = d, append(a.stacks, name)
		_, region, _ := strings.Cut(strings.TrimPrefix(art.Environment, "aws://"), "/") // aws://ACCOUNT/REGION
		if region == unknownRegion {
			region = ""
		}
		a.regions = append(a.regions, region)
	}
	if a.stacks == nil {
		return fail(errors.New("it has no stacks"))
	}
	slices.Sort(a.regions)
	a.regions = slices.Compact(a.regions)
	return a, nil
}

func readJSON(file string, into any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
