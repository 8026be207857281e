package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/internal/spelling"
)

// Context is the part of the CDK's context that Vinci reads, as text.
type Context map[string]string

// Keys of the context that Vinci reads.
const (
	KeyDeployment   = "deployment"
	KeyArchitecture = "architecture"
	KeyEphemeral    = "vinci:ephemeral"
	KeyAlarmEmail   = "vinci:alarm-email"
	KeyAlarmTopic   = "vinci:alarm-topic"

	prefix = "vinci:"
)

// keys are all of them.
var keys = [...]string{KeyDeployment, KeyArchitecture, KeyEphemeral, KeyAlarmEmail, KeyAlarmTopic}

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
		if !slices.Contains(keys[:], key) && !strings.HasPrefix(key, prefix) && meant(key) == "" {
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
	case "": // the settings say
	case "true", "false":
		c.Settings.Ephemeral = e == "true"
	default:
		c.add(Problem{
			What:    fmt.Sprintf("context %s is %q", KeyEphemeral, e),
			Where:   where,
			Allowed: "true or false; without it the deployment's settings say",
			Mend:    fmt.Sprintf("-c %s=true deletes the tables together with their stacks, and only that", KeyEphemeral),
		})
	}
	c.takeAlarms()
	for _, key := range slices.Sorted(maps.Keys(c.Context)) {
		if slices.Contains(keys[:], key) {
			continue
		}
		like := meant(key)
		if like == "" && !strings.HasPrefix(key, prefix) {
			continue
		}
		mend := "correct its spelling or remove it"
		if like != "" {
			mend = fmt.Sprintf("did you mean %s? Otherwise rename it or remove it", like)
		}
		c.add(Problem{
			What:    fmt.Sprintf("context key %q is unknown", key),
			Where:   where,
			Allowed: join(keys[:]),
			Mend:    mend,
		})
	}
}

// takeAlarms lets the context say who gets the alarms, in place of all that the
// settings say of it.
func (c *checker) takeAlarms() {
	emails, topic := c.Context[KeyAlarmEmail], c.Context[KeyAlarmTopic]
	if emails == "" && topic == "" {
		return
	}
	c.Settings.AlarmEmails, c.Settings.AlarmTopic = nil, topic
	if emails != "" {
		for address := range strings.SplitSeq(emails, ",") {
			c.Settings.AlarmEmails = append(c.Settings.AlarmEmails, strings.TrimSpace(address))
		}
	}
}

// meant is the key of ours that another one is most likely a slip of: with its prefix
// missing or written otherwise, or two letters wrong at most. It is "" for feature
// flags, for other tools' keys, and for what is not like ours at all.
func meant(key string) string {
	if slices.Contains(keys[:], key) || strings.ContainsAny(key, "@/") {
		return ""
	}
	best, least := "", 3
	for _, ours := range keys {
		forms := []string{bare(ours)}
		if !strings.Contains(key, ":") { // else it is of another name space, unless that is a slip too
			forms = append(forms, bare(strings.TrimPrefix(ours, prefix)))
		}
		for _, form := range forms {
			if d := spelling.Distance(bare(key), form); d < least {
				best, least = ours, d
			}
		}
	}
	return best
}

// bare is a key without what tools write in different ways.
func bare(key string) string {
	return strings.NewReplacer("-", "", "_", "", ":", "", ".", "").Replace(strings.ToLower(key))
}
