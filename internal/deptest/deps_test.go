package deptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/vinci-go/vinci"

// What a rule can forbid, by prefix of the import path.
const (
	cdk    = "github.com/aws/aws-cdk-go/"
	jsii   = "github.com/aws/jsii-runtime-go"
	aws    = "github.com/aws/"
	config = "github.com/aws/aws-sdk-go-v2/config"
)

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// load lists every package of the module with all it links.
func load(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		pkgs = append(pkgs, p)
	}
	return pkgs
}

// rule forbids imports to some packages of the module.
type rule struct {
	why    string
	in     []string // paths below the module; a trailing /... means all below, too
	except []string
	ban    []string // prefixes of import paths
	direct bool     // only what the package itself names, not what that links
}

// application are the folders of the reference application that app.go, the functions
// and the tools of it are made of. All else is the framework, new packages included.
var application = []string{"domain/...", "lambdas/...", "migrations/...", "readmodels/...", "stacks/...", "tables/..."}

func applicationPackages() []string {
	ban := []string{module + "/scenario"}
	for _, folder := range application {
		ban = append(ban, module+"/"+strings.TrimSuffix(folder, "/..."))
	}
	return ban
}

var rules = []rule{
	{
		why: "event is plain Go: neither AWS nor CDK",
		in:  []string{"event/..."},
		ban: []string{aws},
	},
	{
		why: "orm, eventlog, bus, capture, ops, readmodel and settings link the AWS SDK, never the CDK",
		in:  []string{"orm/...", "eventlog/...", "bus/...", "capture/...", "ops/...", "readmodel/...", "settings/..."},
		ban: []string{cdk, jsii},
	},
	{
		why:    "only app.go, stacks and constructs link the CDK",
		in:     []string{"..."},
		except: []string{"", "stacks/...", "constructs/..."},
		ban:    []string{cdk, jsii},
	},
	{
		why: "what is checked before and after the CDK has worked is plain Go",
		in:  []string{"constructs/internal/...", "internal/..."},
		ban: []string{cdk, jsii},
	},
	{
		why: "a Lambda binary links neither the CDK nor the SDK's config package",
		in:  []string{"lambdas/...", "cmd/vinci-relay/...", "cmd/vinci-timers/..."},
		ban: []string{cdk, jsii, config},
	},
	{
		why: "sqsbatch is for any SQS function: of Vinci it links orm and nothing else",
		in:  []string{"sqsbatch/..."},
		ban: []string{cdk, jsii, config, module + "/bus", module + "/constructs", module + "/event", module + "/eventlog", module + "/local", module + "/domain", module + "/tables"},
	},
	{
		why: "what makes read models anew is for tools: no Lambda binary links it",
		in:  []string{"lambdas/...", "cmd/vinci-relay/...", "cmd/vinci-timers/...", "bus/...", "eventlog/...", "domain/...", "readmodel", "settings/..."},
		ban: []string{module + "/readmodel/rebuild", module + "/ops"},
	},
	{
		why: "JSON schemas of events are for tools: no Lambda binary links them",
		in:  []string{"lambdas/...", "cmd/vinci-relay/...", "cmd/vinci-timers/...", "bus/...", "capture/...", "eventlog/...", "domain/..."},
		ban: []string{module + "/event/schema"},
	},
	{
		why:    "domain names no AWS package",
		in:     []string{"domain/..."},
		ban:    []string{aws},
		direct: true,
	},
	{
		why: "domain is reached by nothing heavier than the framework",
		in:  []string{"domain/...", "tables/..."},
		ban: []string{module + "/constructs", module + "/local", module + "/lambdas"},
	},
	{
		why: "local knows only what the assembly says",
		in:  []string{"local/..."},
		ban: []string{module + "/domain", module + "/tables", module + "/lambdas", module + "/stacks", module + "/constructs"},
	},
	{
		why:    "the framework can be used without the reference application: it imports none of its packages",
		in:     []string{"..."},
		except: append([]string{"", "bench/...", "scenario/..."}, application...),
		ban:    applicationPackages(),
	},
}

// covers reports whether the pattern holds for a path below the module.
func covers(pattern, path string) bool {
	if pattern == "..." {
		return true
	}
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == base || strings.HasPrefix(path, base+"/")
	}
	return path == pattern
}

func coversAny(patterns []string, path string) bool {
	for _, p := range patterns {
		if covers(p, path) {
			return true
		}
	}
	return false
}

// banned returns the imports that a ban names.
func banned(ban, imports []string) []string {
	var found []string
	for _, path := range imports {
		for _, b := range ban {
			if path == strings.TrimSuffix(b, "/") || strings.HasPrefix(path, strings.TrimSuffix(b, "/")+"/") {
				found = append(found, path)
			}
		}
	}
	return found
}

func TestImports(t *testing.T) {
	pkgs := load(t)
	for _, r := range rules {
		t.Run(r.why, func(t *testing.T) {
			checked := 0
			for _, p := range pkgs {
				path := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
				if !coversAny(r.in, path) || coversAny(r.except, path) {
					continue
				}
				checked++
				imports := p.Deps
				if r.direct {
					imports = p.Imports
				}
				for _, found := range banned(r.ban, imports) {
					t.Errorf("%s imports %s", p.ImportPath, found)
				}
			}
			if checked == 0 {
				t.Errorf("the rule covers no package: %v", r.in)
			}
		})
	}
}

// The rules are worth nothing if the matching is wrong.
func TestCovers(t *testing.T) {
	tests := []struct {
		pattern, path string
		want          bool
	}{
		{"...", "", true},
		{"...", "orm", true},
		{"", "", true},
		{"", "orm", false},
		{"event/...", "event", true},
		{"event/...", "event/pattern", true},
		{"event/...", "eventlog", false},
	}
	for _, tt := range tests {
		if got := covers(tt.pattern, tt.path); got != tt.want {
			t.Errorf("covers(%q, %q) = %v", tt.pattern, tt.path, got)
		}
	}
	if got := banned([]string{cdk}, []string{"github.com/aws/aws-cdk-go/awscdk/v2", "github.com/aws/aws-sdk-go-v2/aws"}); len(got) != 1 {
		t.Errorf("banned: %v", got)
	}
	if got := banned([]string{config}, []string{"github.com/aws/aws-sdk-go-v2/config", "github.com/aws/aws-sdk-go-v2/configsources"}); len(got) != 1 {
		t.Errorf("banned: %v", got)
	}
}
