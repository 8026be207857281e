package workflows

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/moduletest"
)

// step is how a step's command is tried here.
type step struct {
	// dry is why only make's plan is looked at; the programs in it are others' tests.
	dry string
	// env has what the workflow's expressions would give, and what makes it short.
	env map[string]string
	// given prepares the machine, check looks at what became of it.
	given, check func(s *sandbox)
}

// steps are the commands of all workflows. No command reaches AWS here: cdk, aws and gh
// are played (fakes), for only an account and GitHub have the real answers.
func steps() map[string]step {
	quick := map[string]string{"VINCI_RELEASES": "releases", "ARGS": "--watch 20ms --every 10ms"}
	fromArtifact := func(s *sandbox) {
		s.run(map[string]string{"ARGS": ""}, `make assemblies DEPLOYMENTS="staging prod"`)
		// The next job is another machine, which gets the archive only.
		if err := os.RemoveAll(s.path(".vinci/assemblies")); err != nil {
			s.t.Fatal(err)
		}
	}
	released := func(id string) func(s *sandbox) {
		return func(s *sandbox) {
			s.asked("cdk deploy " + id + " mode 755")
			s.asked("smoke user-system " + id + " https://api.example.com")
			s.asked("aws s3 cp s3://releases/user-system/" + id + ".tar.gz")
		}
	}
	return map[string]step{
		"make test": {dry: "it takes minutes, and this test is part of it"},
		"make race": {dry: "it takes minutes; .ci/run runs it"},
		"make synth DEPLOYMENT=ci": {check: func(s *sandbox) {
			s.asked("cdk synth ci")
		}},
		"make template-diff BASE=HEAD^1": {
			env: map[string]string{"GITHUB_STEP_SUMMARY": "summary.md"},
			check: func(s *sandbox) {
				for _, file := range []string{".vinci/diff/diff.md", "summary.md"} {
					if text := s.read(file); !strings.Contains(text, "`\"before\"` → `\"after\"`") || !strings.Contains(text, "REPLACED for QueueName") {
						s.t.Errorf("%s:\n%s", file, text)
					}
				}
				if left := s.run(nil, "git worktree list"); strings.Count(left, "\n") != 1 {
					s.t.Errorf("work trees are left:\n%s", left)
				}
			},
		},
		`./scripts/comment.sh "$NUMBER" .vinci/diff/diff.md`: {
			env: map[string]string{"NUMBER": "12", "GH_TOKEN": "t", "GITHUB_REPOSITORY": "octo/shop"},
			given: func(s *sandbox) {
				moduletest.Write(s.t, s.path(".vinci/diff/diff.md"), "### Template diff\n\n`$HOME` stays\n")
			},
			check: func(s *sandbox) {
				s.asked("gh POST repos/octo/shop/issues/12/comments")
				if body := s.read("gh-body"); body != "<!-- vinci template diff -->\n### Template diff\n\n`$HOME` stays\n" {
					s.t.Errorf("the comment is %q", body)
				}
				// The second time there is one.
				moduletest.Write(s.t, s.path("gh-comments"), "77\n88\n")
				s.run(map[string]string{"NUMBER": "12", "GH_TOKEN": "t", "GITHUB_REPOSITORY": "octo/shop"}, `./scripts/comment.sh "$NUMBER" .vinci/diff/diff.md`)
				s.asked("gh PATCH repos/octo/shop/issues/comments/77")
			},
		},
		"make preview": {env: map[string]string{"DEPLOYMENT": "pr12"}, check: func(s *sandbox) {
			s.asked("cdk synth pr12 ephemeral")
			s.asked("cdk deploy pr12 mode 755")
			s.asked("smoke user-system pr12 https://api.example.com")
			if strings.Contains(s.read("log"), "aws ") {
				s.t.Errorf("a preview has no last good assembly:\n%s", s.read("log"))
			}
		}},
		"make preview-down": {env: map[string]string{"DEPLOYMENT": "pr12"}, check: func(s *sandbox) {
			s.asked("cdk destroy pr12 ephemeral")
			// Another application's stacks and another pull request's are not its own.
			moduletest.Write(s.t, s.path("stacks-left"), "mail-pr12-old\nuser-system-pr123-old\nx-user-system-pr12-old\n")
			s.run(map[string]string{"DEPLOYMENT": "pr12"}, "make preview-down")
			moduletest.Write(s.t, s.path("stacks-left"), "mail-pr12-old\nuser-system-pr12-old\n")
			if said := s.fails(map[string]string{"DEPLOYMENT": "pr12"}, "make preview-down"); !strings.Contains(said, "these stacks of pr12 are left, delete them by hand: user-system-pr12-old\n") {
				s.t.Errorf("it says:\n%s", said)
			}
			for _, id := range []string{"prod", "pr", "pr1x", "staging", "pr12 prod"} {
				if said := s.fails(map[string]string{"DEPLOYMENT": id}, "make preview-down"); !strings.Contains(said, "is none of a pull request") {
					s.t.Errorf("%s: it says:\n%s", id, said)
				}
			}
			if said := s.fails(nil, "./scripts/preview.sh dwon pr12"); !strings.Contains(said, "dwon: it is up or down") {
				s.t.Errorf("it says:\n%s", said)
			}
			if n := strings.Count(s.read("log"), "cdk destroy"); n != 3 {
				s.t.Errorf("%d deployments were destroyed:\n%s", n, s.read("log"))
			}
		}},
		`make assemblies DEPLOYMENTS="staging prod"`: {env: map[string]string{"ARGS": "-c vinci:alarm-email=ops@example.com"}, check: func(s *sandbox) {
			s.asked("cdk synth staging -c vinci:alarm-email=ops@example.com")
			s.asked("cdk synth prod -c vinci:alarm-email=ops@example.com")
			if list := s.run(nil, "tar -tvzf .vinci/assemblies.tar.gz"); !strings.Contains(list, "-rwxr-xr-x") || !strings.Contains(list, "assemblies/prod/asset.1/bootstrap") {
				s.t.Errorf("the archive has:\n%s", list)
			}
			moduletest.Write(s.t, s.path("other-code"), "")
			if said := s.fails(map[string]string{"ARGS": ""}, `make assemblies DEPLOYMENTS="staging prod"`); !strings.Contains(said, "the functions of prod are not those of staging") {
				s.t.Errorf("it says:\n%s", said)
			}
		}},
		"make release DEPLOYMENT=staging": {env: quick, given: fromArtifact, check: released("staging")},
		"make release DEPLOYMENT=prod": {env: quick, given: fromArtifact, check: func(s *sandbox) {
			released("prod")(s)
			// Without its bucket there would be no way back.
			if said := s.fails(map[string]string{"VINCI_RELEASES": ""}, "make release DEPLOYMENT=prod"); !strings.Contains(said, "VINCI_RELEASES") {
				s.t.Errorf("it says:\n%s", said)
			}
			// An alarm that fires before does not count, and one that comes does.
			moduletest.Write(s.t, s.path("alarms"), "user-system-prod/api/Errors")
			if said := s.run(quick, "make release DEPLOYMENT=prod"); !strings.Contains(said, "these fire already and cause no roll-back: user-system-prod/api/Errors") {
				s.t.Errorf("it says:\n%s", said)
			}
			moduletest.Write(s.t, s.path("alarms-after-smoke"), "user-system-prod/relay/Errors")
			if said := s.fails(quick, "make release DEPLOYMENT=prod"); !strings.Contains(said, "alarms fire that did not before: user-system-prod/relay/Errors") {
				s.t.Errorf("it says:\n%s", said)
			}
		}},
	}
}

// Every command of every step is in the list, and does what it should.
func TestSteps(t *testing.T) {
	known, used := steps(), map[string]bool{}
	for name, w := range workflows(t) {
		for id, job := range w.Jobs {
			for _, run := range runs(job) {
				text := strings.TrimSpace(run.Run.Value)
				if _, ok := known[text]; !ok {
					t.Errorf("%s %s: %s is tried nowhere: add it to steps", name, id, text)
				}
				used[text] = true
			}
		}
	}
	bin := build(t)
	for _, text := range slices.Sorted(maps.Keys(known)) {
		if !used[text] {
			t.Errorf("no workflow runs %s", text)
		}
		t.Run(text, func(t *testing.T) {
			tried := known[text]
			if tried.dry != "" {
				target := strings.TrimPrefix(text, "make ")
				out, err := exec.Command("make", "-C", root, "-n", target).CombinedOutput()
				if err != nil || !bytes.Contains(out, []byte("go test")) {
					t.Errorf("make -n %s: %v\n%s", target, err, out)
				}
				t.Logf("not run here: %s", tried.dry)
				return
			}
			s := newSandbox(t, bin)
			if tried.given != nil {
				tried.given(s)
			}
			s.run(tried.env, text)
			tried.check(s)
		})
	}
}

// build makes the vinci tool once, which the sandboxes' go "builds".
func build(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "vinci"), "github.com/vinci-go/vinci/cmd/vinci").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// sandbox is a repository of two commits with this one's Makefile and scripts. What
// the programs on its PATH were asked is in its file log.
type sandbox struct {
	t   *testing.T
	dir string
	env []string
}

func newSandbox(t *testing.T, bin string) *sandbox {
	t.Helper()
	s := &sandbox{t: t, dir: t.TempDir()}
	copied, err := filepath.Glob(filepath.Join(root, "scripts", "*.sh"))
	if err != nil || len(copied) == 0 {
		t.Fatal(copied, err)
	}
	for _, file := range append(copied, filepath.Join(root, "Makefile"), filepath.Join(root, "package.json"), filepath.Join(root, "package-lock.json"), filepath.Join(root, ".gitignore")) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		moduletest.Write(t, s.path(name), string(b))
		if strings.HasSuffix(name, ".sh") {
			s.chmod(name)
		}
	}
	for name, body := range fakes() {
		moduletest.Write(t, s.path(filepath.Join("fakes", name)), "#!/bin/bash\nset -eu\n"+body)
		s.chmod(filepath.Join("fakes", name))
	}
	s.env = append(os.Environ(), "PATH="+s.path("fakes")+":"+os.Getenv("PATH"), "S="+s.dir, "BIN="+bin,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "MAKEFLAGS=", "MAKELEVEL=", "GITHUB_STEP_SUMMARY=", "DEPLOYMENT=", "ARGS=")
	moduletest.Write(t, s.path("queue"), "before")
	s.run(nil, "git init -q && git add Makefile scripts package.json package-lock.json .gitignore queue && git commit -qm base")
	moduletest.Write(t, s.path("queue"), "after")
	s.run(nil, "git commit -qam head")
	// npm has been here, after the sources were written.
	s.run(nil, "mkdir -p node_modules/.bin && touch -d '+1 hour' node_modules/.package-lock.json")
	return s
}

func (s *sandbox) path(name string) string { return filepath.Join(s.dir, name) }

func (s *sandbox) chmod(name string) {
	if err := os.Chmod(s.path(name), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sandbox) read(name string) string {
	s.t.Helper()
	b, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Error(err)
	}
	return string(b)
}

// shell runs a command as GitHub runs a step's.
func (s *sandbox) shell(env map[string]string, command string) (string, error) {
	cmd := exec.Command("bash", "-e", "-c", command)
	cmd.Dir, cmd.Env = s.dir, slices.Clone(s.env)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, name+"="+env[name])
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s *sandbox) run(env map[string]string, command string) string {
	s.t.Helper()
	out, err := s.shell(env, command)
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return out
}

func (s *sandbox) fails(env map[string]string, command string) string {
	s.t.Helper()
	out, err := s.shell(env, command)
	if err == nil {
		s.t.Errorf("%s does not fail:\n%s", command, out)
	}
	return out
}

// asked checks that a program was asked something.
func (s *sandbox) asked(line string) {
	s.t.Helper()
	if log := s.read("log"); !strings.Contains("\n"+log, "\n"+line+"\n") {
		s.t.Errorf("nobody asked %q:\n%s", line, log)
	}
}

// fakes are the programs that a sandbox has in place of real ones. $S is its folder.
func fakes() map[string]string {
	return map[string]string{
		// Modules are there; what is built is built already, but for the smoke test,
		// which would need a deployment.
		"go": `
case $1 in
mod) ;;
build)
	shift; [ "$1 $2" = "-o .vinci/bin/" ]; shift 2
	for package; do case $package in
	./cmd/vinci) cp "$BIN/vinci" .vinci/bin/vinci;;
	./scenario/smoke) cp "$S/fakes/played-smoke" .vinci/bin/smoke;;
	*) echo "go build $package" >&2; exit 1;;
	esac; done;;
*) echo "go $*: not here" >&2; exit 1;;
esac`,
		"npm": `echo "npm $*: nothing is to be installed" >&2; exit 1`,
		"played-smoke": `
[ "$1" = --outputs ]
echo "smoke $VINCI_APP $VINCI_DEPLOYMENT $(sed 's/.*https/https/; s/".*//' "$2")" >> "$S/log"
[ ! -e "$S/alarms-after-smoke" ] || mv "$S/alarms-after-smoke" "$S/alarms"`,
		"cdk": `
what=$1; shift; id=; out=cdk.out; app=; outputs=; more=
while [ $# -gt 0 ]; do case $1 in
	-c) case $2 in deployment=*) id=${2#deployment=};; vinci:ephemeral=true) more="$more ephemeral";; *) more="$more -c $2";; esac; shift;;
	-o) out=$2; shift;;
	--app) app=$2; shift;;
	--outputs-file) outputs=$2; shift;;
	esac; shift; done
[ -n "$app" ] || { rm -rf "$out"; mkdir -p "$out/asset.1"
	echo "{\"artifacts\":{\"user-system-$id-api\":{\"type\":\"aws:cloudformation:stack\",\"properties\":{\"templateFile\":\"t.json\",\"tags\":{\"vinci:application\":\"user-system\",\"vinci:deployment\":\"$id\"}}}}}" > "$out/manifest.json"; }
case $what in
synth)
	if [ -e "$S/other-code" ]; then mv "$out/asset.1" "$out/asset.$id"; else echo code > "$out/asset.1/bootstrap"; chmod 755 "$out/asset.1/bootstrap"; fi
	echo "{\"Resources\":{\"Q\":{\"Type\":\"AWS::SQS::Queue\",\"Properties\":{\"QueueName\":\"$(cat queue)\"}}}}" > "$out/t.json"
	echo "cdk synth $id$more" >> "$S/log";;
deploy)
	echo "cdk deploy $(basename "$app") mode $(stat -c %a "$app/asset.1/bootstrap")" >> "$S/log"
	echo '{"user-system-x-api":{"APIURL1234":"https://api.example.com"}}' > "$outputs";;
destroy) echo "cdk destroy $id$more" >> "$S/log";;
*) exit 1;;
esac`,
		"aws": `
case "$1 $2" in
"cloudwatch describe-alarms")
	[ "$3 $5 $6" = "--alarm-name-prefix --state-value ALARM" ]
	name=$(cat "$S/alarms" 2>/dev/null || true)
	case $name in "$4"*) echo "{\"MetricAlarms\":[{\"AlarmName\":\"$name\"}]}";; *) echo '{"MetricAlarms":[]}';; esac;;
"s3api list-objects-v2") ;;
"s3 cp") echo "aws s3 cp ${5}" >> "$S/log";;
"cloudformation list-stacks")
	begin=$(sed -n "s/.*starts_with(StackName, '\([^']*\)').*/\1/p" <<< "$6")
	[ -n "$begin" ]
	grep "^$begin" "$S/stacks-left" 2>/dev/null || true;;
*) echo "aws $*: not here" >&2; exit 1;;
esac`,
		"gh": `
[ "$1" = api ] && [ -n "$GH_TOKEN" ]
if [ "$2" = --paginate ]; then cat "$S/gh-comments" 2>/dev/null || true; exit 0; fi
[ "$2 $3 $6" = "--silent --method -F" ]
echo "gh $4 $5" >> "$S/log"
cp "${7#body=@}" "$S/gh-body"`,
	}
}
