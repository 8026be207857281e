package release

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/internal/moduletest"
)

// options deploy a version of shop, deployment prod, and look at its alarms three times:
// at the beginning, in the middle and in the end of what passes for a time.
func (w *world) options(assembly string) (Options, *bytes.Buffer) {
	var said bytes.Buffer
	return Options{
		Assembly: assembly, Deployment: "prod", Smoke: "smoke", Releases: "releases",
		Watch: 20 * time.Minute, Every: 10 * time.Minute,
		Stdout: &said, Stderr: &said,
		Sleep: func(ctx context.Context, d time.Duration) error {
			if d != 10*time.Minute {
				w.t.Errorf("it sleeps for %s", d)
			}
			return ctx.Err()
		},
	}, &said
}

// good deploys version v1, which becomes the last good one.
func (w *world) good() {
	w.t.Helper()
	o, said := w.options(w.assembly("v1", "prod", "api", "log"))
	if err := Deploy(w.t.Context(), o); err != nil {
		w.t.Fatalf("v1: %v\n%s", err, said)
	}
	if err := os.Remove(filepath.Join(w.dir, "log")); err != nil {
		w.t.Fatal(err)
	}
}

const (
	alarms = "aws cloudwatch describe-alarms"
	list   = "aws s3api list-objects-v2"
	cp     = "aws s3 cp"
)

// Two alarms of the deployment, not in their order.
const (
	late = "shop-prod/timers/remind/Late"
	dead = "shop-prod/subscriptions/send_welcome/DeadLetters"
)

func smoke(version string) string { return "smoke " + version + " shop prod https://api.example.com" }

func TestDeploy(t *testing.T) {
	tests := []struct {
		name  string
		good  bool // v1 is the last good one
		given func(w *world, o *Options)
		log   []string
		kind  error // nil: it is good
		says  string
		now   string // deployed in the end
		kept  string // the last good one in the end
	}{
		{"the first time", false, nil,
			[]string{alarms, list, "cdk deploy v2", smoke("v2"), alarms, alarms, alarms, cp}, nil, "", "v2", "v2"},
		{"the next time", true, nil,
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), alarms, alarms, alarms, cp}, nil, "", "v2", "v2"},
		{"the smoke test fails", true, func(w *world, o *Options) { w.set("fail-smoke-v2", "") },
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), "cdk deploy v1", smoke("v1")},
			RolledBack, "the smoke test failed (smoke: exit status 1): the last good assembly is deployed again", "v1", "v1"},
		{"the deployment fails", true, func(w *world, o *Options) { w.set("fail-deploy-v2", "") },
			[]string{alarms, list, cp, "cdk deploy v2", "cdk deploy v1", smoke("v1")},
			RolledBack, "cdk deploy failed", "v1", "v1"},
		{"an alarm fires at once", true, func(w *world, o *Options) { w.alarms("", late) },
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), alarms, "cdk deploy v1", smoke("v1")},
			RolledBack, "alarms fire that did not before: " + late + ": the last good assembly is deployed again", "v1", "v1"},
		{"alarms fire in the end", true, func(w *world, o *Options) { w.alarms("", "", "", late+" "+dead) },
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), alarms, alarms, alarms, "cdk deploy v1", smoke("v1")},
			RolledBack, "alarms fire that did not before: " + dead + ", " + late + ": the", "v1", "v1"},
		{"an alarm fires for a moment", true, func(w *world, o *Options) { w.alarms("", "", late, "") },
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), alarms, alarms, "cdk deploy v1", smoke("v1")},
			RolledBack, late, "v1", "v1"},
		{"no last good one yet", false, func(w *world, o *Options) { w.set("fail-smoke-v2", "") },
			[]string{alarms, list, "cdk deploy v2", smoke("v2")},
			Stranded, "there is no last good assembly yet, so it stays as it is: look at the deployment prod of shop now", "v2", ""},
		{"no bucket", false, func(w *world, o *Options) { o.Releases = ""; w.set("fail-smoke-v2", "") },
			[]string{alarms, "cdk deploy v2", smoke("v2")}, Stranded, "no bucket is named", "v2", ""},
		{"the roll-back fails", true, func(w *world, o *Options) { w.set("fail-smoke-v2", ""); w.set("fail-deploy-v1", "") },
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), "cdk deploy v1"},
			Stranded, "the last good assembly could not be deployed: look at the deployment prod of shop now: cdk deploy --app: exit status 1", "v2", "v1"},
		{"the last good one does not work either", true, func(w *world, o *Options) { w.set("fail-smoke-v2", ""); w.set("fail-smoke-v1", "") },
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), "cdk deploy v1", smoke("v1")},
			Stranded, "the last good assembly does not pass it either", "v1", "v1"},
		{"an alarm fires before and after", true, func(w *world, o *Options) { w.alarms(late) },
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), alarms, alarms, alarms, cp}, nil, "", "v2", "v2"},
		{"an alarm that fired before goes and comes", true, func(w *world, o *Options) { w.alarms(late, "", late) },
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), alarms, alarms, alarms, cp}, nil, "", "v2", "v2"},
		{"another one fires than before", true, func(w *world, o *Options) { w.alarms(late, late+" "+dead) },
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), alarms, "cdk deploy v1", smoke("v1")},
			RolledBack, "alarms fire that did not before: " + dead + ": the", "v1", "v1"},
		{"another deployment's alarm fires", true, func(w *world, o *Options) {
			w.alarms("", "shop-prod2/"+strings.TrimPrefix(late, "shop-prod/")+" shop-prod-"+late)
		},
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), alarms, alarms, alarms, cp}, nil, "", "v2", "v2"},
		{"the answer is empty", true, func(w *world, o *Options) { w.alarms("(silence)") },
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), alarms, alarms, alarms, cp}, nil, "", "v2", "v2"},
		{"it is not known what fires before", true, func(w *world, o *Options) { w.set("fail-alarms", "") },
			[]string{alarms}, Refused, "which alarms fire cannot be asked: nothing was deployed: aws cloudwatch describe-alarms: exit status 254", "v1", "v1"},
		{"it is not known what fires after", true, func(w *world, o *Options) { o.Smoke = `smoke && touch "$W/fail-alarms"` },
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), alarms},
			NotKept, "nobody knows which alarms fire, so it is not kept as the last good one: aws cloudwatch describe-alarms: exit status 254", "v2", "v1"},
		{"the answer cannot be read", true, func(w *world, o *Options) { w.alarms(`shop-prod/"`) },
			[]string{alarms}, Refused, "aws cloudwatch describe-alarms: its answer is no JSON", "v1", "v1"},
		{"an alarm fires in the assembly's region", true, func(w *world, o *Options) {
			o.Assembly = w.assemblyIn("v2", "prod", "eu-central-1")
			w.set("alarms-eu-central-1", "\n"+late+"\n")
		},
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), alarms, "cdk deploy v1", smoke("v1")}, RolledBack, late, "v1", "v1"},
		{"an alarm fires in another region", true, func(w *world, o *Options) {
			o.Assembly = w.assemblyIn("v2", "prod", "eu-central-1")
			w.set("alarms-eu-central-1", "\n")
			w.alarms("", late)
		},
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), alarms, alarms, alarms, cp}, nil, "", "v2", "v2"},
		{"nobody watches", true, func(w *world, o *Options) { o.NoAlarms = true; w.set("fail-alarms", "") },
			[]string{list, cp, "cdk deploy v2", smoke("v2"), cp}, nil, "", "v2", "v2"},
		{"a preview", false, func(w *world, o *Options) { o.NoAlarms, o.Releases = true, "" },
			[]string{"cdk deploy v2", smoke("v2")}, nil, "", "v2", ""},
		{"no smoke test", true, func(w *world, o *Options) { o.Smoke = "" },
			[]string{alarms, list, cp, "cdk deploy v2", alarms, alarms, alarms, cp}, nil, "", "v2", "v2"},
		{"the bucket cannot be read", true, func(w *world, o *Options) { w.set("fail-list", "") },
			[]string{alarms, list}, Refused, "the last good assembly cannot be fetched: nothing was deployed", "v1", "v1"},
		{"the last good one cannot be read", true, func(w *world, o *Options) { w.set("fail-get", "") },
			[]string{alarms, list, cp}, Refused, "aws s3 cp: exit status 1", "v1", "v1"},
		{"the last good one is broken", true, func(w *world, o *Options) { w.set("s3/releases/shop/prod.tar.gz", "no archive") },
			[]string{alarms, list, cp}, Refused, "the last good assembly cannot be fetched", "v1", ""},
		{"it cannot be kept", true, func(w *world, o *Options) { w.set("fail-put", "") },
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), alarms, alarms, alarms, cp}, NotKept, "the next roll-back would go behind it", "v2", "v1"},
		{"another deployment's assembly", false, func(w *world, o *Options) { o.Deployment = "staging" },
			[]string{""}, Refused, "is of deployment prod and not of staging: nothing was deployed", "", ""},
		{"no assembly", false, func(w *world, o *Options) { o.Assembly = w.dir },
			[]string{""}, Refused, "synthesize into it first", "", ""},
		{"no time to watch", false, func(w *world, o *Options) { o.Watch = 0 },
			[]string{""}, Refused, "the alarms cannot be watched for 0s", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.good {
				w.good()
			}
			o, said := w.options(w.assembly("v2", "prod"))
			if tt.given != nil {
				tt.given(w, &o)
			}
			err := Deploy(t.Context(), o)
			if tt.kind == nil && err != nil || tt.kind != nil && !errors.Is(err, tt.kind) {
				t.Errorf("error %v, want %v", err, tt.kind)
			}
			if err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("the error lacks %q: %v", tt.says, err)
			}
			if got := w.log(); !slices.Equal(got, tt.log) {
				t.Errorf("asked:\n%s\nwanted:\n%s", strings.Join(got, "\n"), strings.Join(tt.log, "\n"))
			}
			if got := strings.TrimSpace(w.get("deployed")); got != tt.now {
				t.Errorf("deployed is %q, want %q", got, tt.now)
			}
			if got := w.kept(); got != tt.kept {
				t.Errorf("the last good one is %q, want %q", got, tt.kept)
			}
			if t.Failed() {
				t.Logf("said:\n%s", said)
			}
		})
	}
}

// kept is the version that the bucket has; "" when it has none that can be read.
func (w *world) kept() string {
	f, err := os.Open(filepath.Join(w.dir, "s3/releases/shop/prod.tar.gz"))
	if err != nil {
		return ""
	}
	defer f.Close()
	dir := w.t.TempDir()
	if err := Unpack(f, dir); err != nil {
		return ""
	}
	b, err := os.ReadFile(filepath.Join(dir, "version"))
	if err != nil {
		w.t.Error(err)
	}
	return strings.TrimSpace(string(b))
}

// What goes back to the CDK is the whole of what was deployed, and it is told what it
// does not know of.
func TestGoingBack(t *testing.T) {
	w := newWorld(t)
	w.good()
	o, said := w.options(w.assembly("v2", "prod", "api", "log", "search"))
	// The CDK shows what it was given.
	w.program("cdk", `
while [ $# -gt 0 ]; do case $1 in --app) app=$2;; --outputs-file) echo '{}' > "$2";; esac; shift; done
cat "$app/version" > "$W/deployed"
stat -c %a "$app/asset.1/bootstrap" > "$W/mode"
cat "$app/asset.1/bootstrap" > "$W/code"
`)
	w.set("fail-smoke-v2", "")
	if err := Deploy(t.Context(), o); !errors.Is(err, RolledBack) {
		t.Fatalf("%v\n%s", err, said)
	}
	if code, mode := w.get("code"), strings.TrimSpace(w.get("mode")); code != "code of v1" || mode != "755" {
		t.Errorf("the CDK got %q with mode %s", code, mode)
	}
	if !strings.Contains(said.String(), "it does not have the stacks shop-prod-search, which stay") {
		t.Errorf("it does not say what stays:\n%s", said)
	}
}

// What going back does to data is said before it is done: the table that the new
// version has brought stays, its name is taken, and the next deployment of it fails.
func TestGoingBackSaysWhatItDoesToData(t *testing.T) {
	w := newWorld(t)
	w.good()
	dir := w.assembly("v2", "prod", "api", "log")
	moduletest.Write(t, filepath.Join(dir, "log.json"), `{"Resources":{
		"Carts":{"Type":"AWS::DynamoDB::GlobalTable","DeletionPolicy":"RetainExceptOnCreate","Properties":{"TableName":"shop-prod-carts"}},
		"Mails":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"shop-prod-mails"}},
		"Role":{"Type":"AWS::IAM::Role"}}}`)
	w.set("fail-smoke-v2", "")
	o, said := w.options(dir)
	if err := Deploy(t.Context(), o); !errors.Is(err, RolledBack) {
		t.Fatalf("%v\n%s", err, said)
	}
	_, back, _ := strings.Cut(said.String(), "go back to the last good assembly: 2 stacks\n")
	const want = `vinci deploy: data: shop-prod-log/Carts, removed: the old one stays, with its data, outside of CloudFormation (RetainExceptOnCreate)
vinci deploy: data: shop-prod-log/Mails, removed: its data is deleted
`
	if !strings.HasPrefix(back, want) {
		t.Errorf("it says\n%s\nwant at once\n%s", back, want)
	}
}

// What cannot be told of data keeps nobody from going back.
func TestGoingBackWithoutTemplates(t *testing.T) {
	w := newWorld(t)
	w.good()
	dir := w.assembly("v2", "prod", "api", "log")
	if err := os.Remove(filepath.Join(dir, "log.json")); err != nil {
		t.Fatal(err)
	}
	w.set("fail-smoke-v2", "")
	o, said := w.options(dir)
	if err := Deploy(t.Context(), o); !errors.Is(err, RolledBack) || !strings.Contains(said.String(), "what it does to data cannot be told: ") {
		t.Errorf("%v\n%s", err, said)
	}
}

// The arguments are those that the real programs take.
func TestArguments(t *testing.T) {
	w := newWorld(t)
	w.good()
	o, _ := w.options(w.assembly("v2", "prod"))
	if err := Deploy(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got := w.get("cdk-arguments"); !strings.Contains(got, "--all --require-approval never --concurrency 4 --outputs-file /") {
		t.Errorf("cdk: %s", got)
	}
	for _, want := range []string{
		"cloudwatch describe-alarms --alarm-name-prefix shop-prod/ --state-value ALARM --output json\n",
		"s3api list-objects-v2 --bucket releases --prefix shop/prod.tar.gz --max-items 1 --output json\n",
		"s3 cp --only-show-errors s3://releases/shop/prod.tar.gz /",
		" s3://releases/shop/prod.tar.gz\n",
	} {
		if !strings.Contains(w.get("aws-arguments"), want) {
			t.Errorf("aws: no %q in\n%s", want, w.get("aws-arguments"))
		}
	}
}

func TestMissingPrograms(t *testing.T) {
	w := newWorld(t)
	o, _ := w.options(w.assembly("v2", "prod"))
	t.Setenv("PATH", t.TempDir())
	if err := Deploy(t.Context(), o); !errors.Is(err, Refused) || !strings.Contains(err.Error(), "cdk is needed") {
		t.Errorf("without cdk: %v", err)
	}
}

// What fires already is said before anything is deployed.
func TestFiresAlready(t *testing.T) {
	w := newWorld(t)
	w.alarms(late + " " + dead)
	o, said := w.options(w.assembly("v2", "prod"))
	if err := Deploy(t.Context(), o); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	before, _, _ := strings.Cut(said.String(), "deploy prod of shop")
	if want := "these fire already and cause no roll-back: " + dead + ", " + late + "\n"; !strings.Contains(before, want) {
		t.Errorf("it does not say %q before it deploys:\n%s", want, said)
	}
}

// A deployment in two regions has alarms in both. One of them may be wherever the
// environment says.
func TestRegions(t *testing.T) {
	for _, region := range []string{"eu-west-1", "unknown-region"} {
		w := newWorld(t)
		dir := w.assemblyIn("v2", "prod", region, "api", "log", "users")
		file := filepath.Join(dir, "manifest.json")
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		moduletest.Write(t, file, strings.Replace(string(b), region, "us-east-1", 1))
		w.alarms(dead)
		w.set("alarms-eu-west-1", dead+"\n")
		w.set("alarms-us-east-1", dead+"\n"+late+"\n")
		o, said := w.options(dir)
		if err := Deploy(t.Context(), o); !errors.Is(err, Stranded) || !strings.Contains(err.Error(), "did not before: "+late+", and") {
			t.Errorf("%s: error %v\n%s", region, err, said)
		}
		if want := "no roll-back: " + dead + "\n"; !strings.Contains(said.String(), want) {
			t.Errorf("%s: it does not say %q:\n%s", region, want, said)
		}
		// Twice in each.
		if asked := w.get("aws-arguments"); strings.Count(asked, "--region us-east-1\n") != 2 || strings.Count(asked, "describe-alarms") != 4 {
			t.Errorf("%s: asked:\n%s", region, asked)
		}
	}
}

// Ctrl-C stops what runs and rolls nothing back, wherever it comes.
func TestInterrupt(t *testing.T) {
	tests := []struct {
		name, hang string
		given      func(w *world)
		log        []string
		step       string
	}{
		{"while it deploys", "deploy-v2", func(*world) {},
			[]string{alarms, list, cp, "cdk deploy v2", "interrupted deploy-v2"}, "deploy prod of shop: 1 stack"},
		{"while it tests", "smoke-v2", func(*world) {},
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), "interrupted smoke-v2"}, "test it: smoke"},
		{"while it goes back", "deploy-v1", func(w *world) { w.set("fail-smoke-v2", "") },
			[]string{alarms, list, cp, "cdk deploy v2", smoke("v2"), "cdk deploy v1", "interrupted deploy-v1"}, "go back to the last good assembly"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.good()
			tt.given(w)
			w.set("hang-"+tt.hang, "")
			o, said := w.options(w.assembly("v2", "prod"))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				w.wait("hangs")
				cancel()
			}()
			if err := Deploy(ctx, o); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			if got := w.log(); !slices.Equal(got, tt.log) {
				t.Errorf("asked:\n%s", strings.Join(got, "\n"))
			}
			if want := "interrupted while it was to " + tt.step; !strings.Contains(said.String(), want) {
				t.Errorf("it does not say %q:\n%s", want, said)
			}
			if w.kept() != "v1" {
				t.Errorf("the last good one is %s", w.kept())
			}
		})
	}

	t.Run("while it watches", func(t *testing.T) {
		w := newWorld(t)
		w.good()
		o, said := w.options(w.assembly("v2", "prod"))
		ctx, cancel := context.WithCancel(t.Context())
		o.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
		if err := Deploy(ctx, o); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if w.kept() != "v1" || !strings.Contains(said.String(), "interrupted while it was to watch the alarms of shop-prod/* for 20m0s") {
			t.Errorf("kept %s, said\n%s", w.kept(), said)
		}
	})
}

func TestArchive(t *testing.T) {
	w := newWorld(t)
	dir := w.assembly("v1", "prod")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	var one, two bytes.Buffer
	if err := Pack(dir, &one); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "version"), later, later); err != nil {
		t.Fatal(err)
	}
	if err := Pack(dir, &two); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("the same folder is packed in two ways")
	}
	// The CDK CLI zips each function's code beside it before it uploads it.
	moduletest.Write(t, filepath.Join(dir, ".cache", "1.zip"), "the code once more")
	var uploaded bytes.Buffer
	if err := Pack(dir, &uploaded); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Bytes(), uploaded.Bytes()) {
		t.Error("what the CDK has zipped is packed, too")
	}
	if err := os.RemoveAll(filepath.Join(dir, ".cache")); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "a", "b")
	if err := Unpack(&one, to); err != nil {
		t.Fatal(err)
	}
	if got, want := tree(t, to), tree(t, dir); got != want {
		t.Errorf("unpacked:\n%s\npacked:\n%s", got, want)
	}
	for n := range two.Len() - 1 {
		if err := Unpack(bytes.NewReader(two.Bytes()[:n]), t.TempDir()); err == nil {
			t.Fatalf("%d of %d bytes are unpacked as if they were all", n, two.Len())
		}
	}

	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := Pack(dir, &one); err == nil || !strings.Contains(err.Error(), "link is neither a file nor a folder") {
		t.Errorf("a link: %v", err)
	}
}

// tree is all that is in a folder, with modes.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		out.WriteString(path + " " + info.Mode().String())
		if !e.IsDir() {
			b, err := os.ReadFile(filepath.Join(dir, path))
			if err != nil {
				return err
			}
			out.WriteString(" " + string(b))
		}
		out.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}
