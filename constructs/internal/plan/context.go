package plan

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/names"
)

// Context is the part of the CDK's context that Vinci reads, as text.
type Context map[string]string

// Keys of the context that Vinci reads.
const (
	KeyDeployment   = "deployment"
	KeyArchitecture = "architecture"
	KeyEphemeral    = "vinci:ephemeral"

	prefix = "vinci:"
)

// The two processors that Lambda runs on, and Go's names for them.
const (
	ARM64 = "arm64"
	X8664 = "x86_64"
)

// GOARCH is the name that the Go compiler has for the plan's architecture.
func (p *Plan) GOARCH() string {
	if p.Architecture == X8664 {
		return "amd64"
	}
	return "arm64"
}

// ReadContext reads the context that the CDK's command line passes to an app:
// in CDK_CONTEXT_JSON, or in a file when it is too long for the environment.
func ReadContext(getenv func(string) string) (Context, error) {
	all := map[string]json.RawMessage{}
	if text := getenv("CDK_CONTEXT_JSON"); text != "" {
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			return nil, fmt.Errorf("read the CDK's context from CDK_CONTEXT_JSON: %w", err)
		}
	}
	if file := getenv("CONTEXT_OVERFLOW_LOCATION_ENV"); file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the CDK's context from CONTEXT_OVERFLOW_LOCATION_ENV: %w", err)
		}
		if err := json.Unmarshal(b, &all); err != nil {
			return nil, fmt.Errorf("read the CDK's context from %s: %w", file, err)
		}
	}
	c := Context{}
	for key, raw := range all {
		if key != KeyDeployment && key != KeyArchitecture && !strings.HasPrefix(key, prefix) {
			continue // a feature flag, or another tool's
		}
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw) // cdk.json may say true where the command line says "true"
		}
		c[key] = text
	}
	return c, nil
}

// checkDeployment checks application name, deployment id and context, and takes
// the context's values over into the plan.
func (c *checker) checkDeployment() {
	const where = "the CDK's context (-c KEY=VALUE, or \"context\" in cdk.json)"
	if id := c.Context[KeyDeployment]; id != "" {
		if c.Name.ID == "" {
			c.Name.ID = id
		} else if c.Name.ID != id {
			c.add(Problem{
				What:    fmt.Sprintf("deployment id: the program says %q and the context says %q", c.Name.ID, id),
				Where:   "ApplicationProps.DeploymentID and " + where,
				Allowed: "one deployment id",
				Mend:    "leave ApplicationProps.DeploymentID empty, so that the context alone says which deployment it is",
			})
		}
	}
	if _, err := names.New(c.Name.App, c.Name.ID); err != nil {
		c.addErr("application", err, c.At)
	}

	switch a := c.Context[KeyArchitecture]; a {
	case "":
		c.Architecture = ARM64
	case ARM64, X8664:
		c.Architecture = a
	default:
		c.Architecture = ARM64
		c.add(Problem{
			What:    fmt.Sprintf("context %s is %q", KeyArchitecture, a),
			Where:   where,
			Allowed: ARM64 + " (the default) or " + X8664,
			Mend:    fmt.Sprintf("-c %s=%s", KeyArchitecture, ARM64),
		})
	}
	switch e := c.Context[KeyEphemeral]; e {
	case "", "false": // the settings say
	case "true":
		c.Settings.Ephemeral = true
	default:
		c.add(Problem{
			What:    fmt.Sprintf("context %s is %q", KeyEphemeral, e),
			Where:   where,
			Allowed: "true or false (the default)",
			Mend:    fmt.Sprintf("-c %s=true deletes the tables together with their stacks, and only that", KeyEphemeral),
		})
	}
	var unknown []string
	for key := range c.Context {
		if strings.HasPrefix(key, prefix) && key != KeyEphemeral {
			unknown = append(unknown, key)
		}
	}
	slices.Sort(unknown)
	for _, key := range unknown {
		c.add(Problem{
			What:    fmt.Sprintf("context key %q is unknown", key),
			Where:   where,
			Allowed: KeyEphemeral,
			Mend:    "correct its spelling or remove it",
		})
	}
}
