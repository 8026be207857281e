package release

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/internal/moduletest"
)

// world is a folder in which programs named cdk, aws and smoke play AWS. They are on
// the PATH, and write what they were asked into a file.
type world struct {
	t   *testing.T
	dir string
}

// The programs read how to behave from files of the world:
//
//	fail-<what>       what fails: deploy-v2, smoke-v2, alarms, list, get, put
//	alarms            what fires, names in a line, a line for each question; the last one stays
//	alarms-<region>   the same for a region that is asked for by name
//	deployed          the version that cdk has deployed
//	hang-<what>       what never ends by itself: deploy-v2, smoke-v2
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t, t.TempDir()}
	w.program("cdk", `
app=; outputs=; all="$*"
while [ $# -gt 0 ]; do
	case $1 in --app) app=$2; shift;; --outputs-file) outputs=$2; shift;; esac; shift
done
version=$(cat "$app/version")
echo "cdk deploy $version" >> "$W/log"
echo "$all" >> "$W/cdk-arguments"
hang "deploy-$version"
[ ! -e "$W/fail-deploy-$version" ] || { echo "stack failed" >&2; exit 1; }
echo "$version" > "$W/deployed"
echo '{"shop-prod-api":{"APIURL1234":"https://api.example.com"}}' > "$outputs"
`)
	w.program("smoke", `
version=$(cat "$W/deployed")
echo "smoke $version $VINCI_APP $VINCI_DEPLOYMENT $(sed 's/.*https/https/; s/".*//' "$VINCI_OUTPUTS")" >> "$W/log"
hang "smoke-$version"
[ ! -e "$W/fail-smoke-$version" ]
`)
	w.program("aws", `
echo "aws $1 $2" >> "$W/log"
echo "$*" >> "$W/aws-arguments"
case "$1 $2" in
"cloudwatch describe-alarms")
	[ ! -e "$W/fail-alarms" ] || exit 254
	[ "$3 $5 $6 $7 $8" = "--alarm-name-prefix --state-value ALARM --output json" ] || exit 252
	file=$W/alarms; [ "$9" != --region ] || file=$W/alarms-${10}
	fires=$(head -n 1 "$file")
	[ "$(wc -l < "$file")" -le 1 ] || sed -i 1d "$file"
	[ "$fires" != "(silence)" ] || exit 0
	list=
	for name in $fires; do
		case $name in "$4"*) list="$list,{\"AlarmName\":\"$name\",\"StateValue\":\"ALARM\"}";; esac
	done
	echo "{\"MetricAlarms\":[${list#,}],\"CompositeAlarms\":[]}";;
"s3api list-objects-v2")
	[ ! -e "$W/fail-list" ] || { echo AccessDenied >&2; exit 254; }
	if [ -e "$W/s3/$4/$6" ]; then echo "{\"Contents\":[{\"Key\":\"$6\"}]}"; fi;;
"s3 cp")
	case $4 in
	s3://*) [ ! -e "$W/fail-get" ] || exit 1; cp "$W/s3/${4#s3://}" "$5";;
	*) [ ! -e "$W/fail-put" ] || exit 1; mkdir -p "$(dirname "$W/s3/${5#s3://}")"; cp "$4" "$W/s3/${5#s3://}";;
	esac;;
*) echo "aws: $* is not known here" >&2; exit 252;;
esac
`)
	t.Setenv("PATH", filepath.Join(w.dir, "bin")+":"+os.Getenv("PATH"))
	t.Setenv("W", w.dir)
	w.alarms("")
	return w
}

// program writes one. The function hang stays until it is interrupted, and says so.
func (w *world) program(name, body string) {
	file := filepath.Join(w.dir, "bin", name)
	moduletest.Write(w.t, file, `#!/bin/sh
hang() {
	[ -e "$W/hang-$1" ] || return 0
	trap 'echo "interrupted $1" >> "$W/log"; exit 130' INT
	echo > "$W/hangs"
	while :; do sleep 0.02; done
}
`+body)
	if err := os.Chmod(file, 0o755); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) set(name, text string) { moduletest.Write(w.t, filepath.Join(w.dir, name), text) }

// alarms are those that fire, as answers to one question after the other.
func (w *world) alarms(fire ...string) { w.set("alarms", strings.Join(fire, "\n")+"\n") }

func (w *world) get(name string) string {
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if os.IsNotExist(err) {
		return ""
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// log is what was asked of the programs, one after the other.
func (w *world) log() []string {
	return strings.Split(strings.TrimSpace(w.get("log")), "\n")
}

// wait returns when the file is there.
func (w *world) wait(name string) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(w.dir, name)); err == nil {
			return
		}
		if time.Now().After(end) {
			w.t.Errorf("%s did not come", name)
			return
		}
	}
}

// assembly writes a version of the application, and an asset whose mode matters.
func (w *world) assembly(version, deployment string, stacks ...string) string {
	return w.assemblyIn(version, deployment, "unknown-region", stacks...)
}

// assemblyIn is one that belongs to a region.
func (w *world) assemblyIn(version, deployment, region string, stacks ...string) string {
	dir := filepath.Join(w.t.TempDir(), "cdk.out")
	if len(stacks) == 0 {
		stacks = []string{"api"}
	}
	var artifacts []string
	for _, s := range stacks {
		artifacts = append(artifacts, fmt.Sprintf(`%q: {"type":"aws:cloudformation:stack","environment":"aws://unknown-account/%s","properties":{"templateFile":"%s.json","tags":{"vinci:application":"shop","vinci:deployment":%q}}}`,
			"shop-"+deployment+"-"+s, region, s, deployment))
		moduletest.Write(w.t, filepath.Join(dir, s+".json"), `{"Resources":{}}`)
	}
	moduletest.Write(w.t, filepath.Join(dir, "manifest.json"), `{"artifacts":{`+strings.Join(artifacts, ",")+`}}`)
	moduletest.Write(w.t, filepath.Join(dir, "version"), version+"\n")
	moduletest.Write(w.t, filepath.Join(dir, "asset.1", "bootstrap"), "code of "+version)
	if err := os.Chmod(filepath.Join(dir, "asset.1", "bootstrap"), 0o755); err != nil {
		w.t.Fatal(err)
	}
	return dir
}
