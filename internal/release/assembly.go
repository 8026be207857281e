package release

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/vinci-go/vinci/internal/names"
)

// Tags that every stack of Vinci's has.
const (
	tagApplication = "vinci:application"
	tagDeployment  = "vinci:deployment"
)

// alarmName is the part of the health alarm's name that is the same everywhere.
const alarmName = "health"

// assembly is what a cloud assembly says of itself.
type assembly struct {
	names.Deployment
	dir    string
	stacks []string
	health bool // it has the health alarm
}

// HealthAlarm is the name of a deployment's composite alarm.
func HealthAlarm(d names.Deployment) string { return d.Name(alarmName) }

// read finds out whose assembly is in a folder.
func read(dir string) (*assembly, error) {
	var m struct {
		Artifacts map[string]struct {
			Type       string `json:"type"`
			Properties struct {
				TemplateFile string            `json:"templateFile"`
				StackName    string            `json:"stackName"`
				Tags         map[string]string `json:"tags"`
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
		has, err := hasAlarm(filepath.Join(dir, art.Properties.TemplateFile), HealthAlarm(d))
		if err != nil {
			return fail(err)
		}
		a.health = a.health || has
	}
	if a.stacks == nil {
		return fail(errors.New("it has no stacks"))
	}
	return a, nil
}

func hasAlarm(template, name string) (bool, error) {
	var t struct {
		Resources map[string]struct {
			Type       string
			Properties struct{ AlarmName any }
		}
	}
	if err := readJSON(template, &t); err != nil {
		return false, err
	}
	for _, r := range t.Resources {
		if (r.Type == "AWS::CloudWatch::CompositeAlarm" || r.Type == "AWS::CloudWatch::Alarm") && r.Properties.AlarmName == name {
			return true, nil
		}
	}
	return false, nil
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
