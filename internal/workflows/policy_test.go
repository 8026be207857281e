package workflows

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

const root = "../.."

// files are all that GitHub reads.
func files(t *testing.T) map[string]string {
	t.Helper()
	var paths []string
	for _, pattern := range []string{".github/workflows/*.yml", ".github/actions/*/action.yml"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		paths = append(paths, found...)
	}
	out := map[string]string{}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out[p] = string(b)
	}
	return out
}

// workflows are those of them that are no actions, parsed.
func workflows(t *testing.T) map[string]*actionlint.Workflow {
	t.Helper()
	out := map[string]*actionlint.Workflow{}
	for path, text := range files(t) {
		if filepath.Base(path) == "action.yml" {
			continue
		}
		w, errs := actionlint.Parse([]byte(text))
		for _, err := range errs {
			t.Errorf("%s: %v", path, err)
		}
		if w == nil {
			t.Fatalf("%s cannot be read", path)
		}
		out[filepath.Base(path)] = w
	}
	return out
}

func TestActionlint(t *testing.T) {
	// Without the other linters that it would call when this machine has them: the
	// result is the same everywhere.
	cmd := exec.Command("go", "tool", "actionlint", "-no-color", "-shellcheck=", "-pyflakes=")
	cmd.Dir = root
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Errorf("actionlint: %v\n%s", err, &out)
	}
}

// An action that is named by a tag can become another one overnight.
func TestActionsArePinned(t *testing.T) {
	uses := regexp.MustCompile(`(?m)uses: *(.*)$`)
	pinned := regexp.MustCompile(`^([a-z-]+/[a-z-]+)@([0-9a-f]{40}) # (v[0-9]+\.[0-9]+\.[0-9]+)$`)
	versions := map[string]string{}
	for path, text := range files(t) {
		for _, m := range uses.FindAllStringSubmatch(text, -1) {
			if m[1] == "./.github/actions/setup" {
				continue
			}
			p := pinned.FindStringSubmatch(m[1])
			if p == nil {
				t.Errorf("%s: %s is not OWNER/NAME@COMMIT # vX.Y.Z", path, m[1])
				continue
			}
			if other, ok := versions[p[1]]; ok && other != p[2]+p[3] {
				t.Errorf("%s: two versions of %s", path, p[1])
			}
			versions[p[1]] = p[2] + p[3]
		}
	}
	if len(versions) < 4 {
		t.Errorf("only %d actions were found", len(versions))
	}
}

// What a token may do is said job by job, and only a job in an environment gets
// credentials, which is what the roles' trust names.
func TestPermissions(t *testing.T) {
	allowed := map[string][]string{ // beyond contents: read
		"test.yml diff":         {"pull-requests: write"},
		"preview.yml up":        {"id-token: write"},
		"preview.yml down":      {"id-token: write"},
		"deploy.yml staging":    {"id-token: write"},
		"deploy.yml production": {"id-token: write"},
	}
	for name, w := range workflows(t) {
		if w.Permissions == nil || w.Permissions.All != nil || len(w.Permissions.Scopes) > 0 {
			t.Errorf("%s: its permissions are not {}", name)
		}
		for _, e := range w.On {
			if slices.Contains([]string{"pull_request_target", "workflow_run", "issue_comment"}, e.EventName()) {
				t.Errorf("%s: %s gives the code of strangers this repository's rights", name, e.EventName())
			}
		}
		for id, job := range w.Jobs {
			if job.Permissions == nil {
				t.Errorf("%s %s: no permissions are said", name, id)
				continue
			}
			var got []string
			for scope, p := range job.Permissions.Scopes {
				if line := scope + ": " + p.Value.Value; line != "contents: read" {
					got = append(got, line)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, allowed[name+" "+id]) {
				t.Errorf("%s %s: permissions %v, wanted %v", name, id, got, allowed[name+" "+id])
			}
			if (job.Environment != nil) != slices.Contains(got, "id-token: write") {
				t.Errorf("%s %s: a job has an environment if and only if it has an id token", name, id)
			}
			if job.TimeoutMinutes == nil {
				t.Errorf("%s %s: no time-out", name, id)
			}
		}
	}
	for path, text := range files(t) {
		if strings.Contains(text, "secrets.") {
			t.Errorf("%s: no stored secret is needed", path)
		}
	}
}

// A pull request's own words never reach a shell: they come as variables, and a step's
// command is one short line.
func TestRunsAreShort(t *testing.T) {
	for name, w := range workflows(t) {
		for id, job := range w.Jobs {
			for _, run := range runs(job) {
				text := run.Run.Value
				if strings.Contains(text, "${{") || strings.Contains(strings.TrimSpace(text), "\n") || len(text) > 80 {
					t.Errorf("%s %s: it belongs in a script: %s", name, id, text)
				}
			}
		}
	}
}

func runs(job *actionlint.Job) []*actionlint.ExecRun {
	var out []*actionlint.ExecRun
	for _, s := range job.Steps {
		if run, ok := s.Exec.(*actionlint.ExecRun); ok {
			out = append(out, run)
		}
	}
	return out
}

// Strangers' pull requests get no deployment.
func TestForksGetNoPreview(t *testing.T) {
	const own = "github.event.pull_request.head.repo.full_name == github.repository"
	for id, job := range workflows(t)["preview.yml"].Jobs {
		if job.If == nil || !strings.Contains(job.If.Value, own) {
			t.Errorf("%s runs for forks, too", id)
		}
	}
}

// A deployment is never cut off by the next one.
func TestConcurrency(t *testing.T) {
	all := workflows(t)
	groups := map[string]*actionlint.Concurrency{"preview.yml": all["preview.yml"].Concurrency}
	// Builds, too: a commit whose build is slow would otherwise be deployed over a newer
	// one.
	for _, id := range []string{"build", "staging", "production"} {
		groups["deploy.yml "+id] = all["deploy.yml"].Jobs[id].Concurrency
	}
	seen := map[string]bool{}
	for name, c := range groups {
		if c == nil || c.CancelInProgress == nil || c.CancelInProgress.Value || seen[c.Group.Value] {
			t.Errorf("%s: its deployments do not wait for each other, and for nobody else", name)
			continue
		}
		seen[c.Group.Value] = true
	}
}

// A run that somebody starts by hand deploys what is on main, and nothing else.
func TestOnlyMainIsDeployed(t *testing.T) {
	jobs := workflows(t)["deploy.yml"].Jobs
	if build := jobs["build"]; build.If == nil || !strings.Contains(build.If.Value, "github.ref == 'refs/heads/main'") {
		t.Error("another branch is built for staging and production, too")
	}
	for id, needed := range map[string]string{"staging": "build", "production": "staging"} {
		if n := jobs[id].Needs; len(n) != 1 || n[0].Value != needed || jobs[id].If != nil {
			t.Errorf("%s does not wait for %s, or not only", id, needed)
		}
	}
}

// What goes to staging and production is made of what go.sum and package-lock.json
// vouch for, and not of what another job has left in a cache.
func TestDeploymentsUseNoCache(t *testing.T) {
	for name, w := range workflows(t) {
		for id, job := range w.Jobs {
			for _, s := range job.Steps {
				action, ok := s.Exec.(*actionlint.ExecAction)
				if !ok || action.Uses.Value != "./.github/actions/setup" {
					continue
				}
				cache, said := action.Inputs["cache"]
				off := said && cache.Value.Value == "false"
				if off != (name == "deploy.yml") {
					t.Errorf("%s %s: cache off is %v", name, id, off)
				}
			}
		}
	}
	for path, text := range files(t) {
		if filepath.Base(path) == "action.yml" && strings.Count(text, "inputs.cache") != 2 {
			t.Errorf("%s: not both tools go by its input cache", path)
		}
		if strings.Contains(text, "actions/cache") {
			t.Errorf("%s: it has a cache of its own", path)
		}
	}
}
