package doctest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// pages are the README and everything in docs/.
func pages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, file := range append(files, filepath.Join(root, "README.md")) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(b)
	}
	if len(texts) < 4 {
		t.Fatalf("found only %d pages", len(texts))
	}
	return texts
}

var (
	code    = regexp.MustCompile("`([^`\n]+)`")
	shBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	link    = regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
	block   = regexp.MustCompile("(?s)```.*?```")
	flag    = regexp.MustCompile(`--[a-z][a-z-]*`)
	envVar  = regexp.MustCompile(`^[A-Z_]+=\S*$`)
)

// commands are what a page tells the reader to type: lines of sh blocks and
// inline code.
func commands(text string) []string {
	var found []string
	for _, m := range shBlock.FindAllStringSubmatch(text, -1) {
		found = append(found, strings.Split(strings.TrimSpace(m[1]), "\n")...)
	}
	for _, m := range code.FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

func TestMakeTargetsExist(t *testing.T) {
	checked := 0
	for page, text := range pages(t) {
		for _, c := range commands(text) {
			words := strings.Fields(c)
			if len(words) < 2 || words[0] != "make" || strings.Contains(words[1], "=") {
				continue
			}
			checked++
			args := []string{"-n", "-C", root}
			for _, w := range words[1:] {
				args = append(args, strings.Trim(w, `"`))
			}
			if out, err := exec.Command("make", args...).CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", page, c, err, out)
			}
		}
	}
	if checked < 5 {
		t.Errorf("only %d commands were checked", checked)
	}
}

func TestVinciFlagsExist(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "vinci")
	build := exec.Command("go", "build", "-o", bin, "./cmd/vinci")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	checked := 0
	for page, text := range pages(t) {
		for _, c := range commands(text) {
			words := strings.Fields(c)
			for len(words) > 0 && envVar.MatchString(words[0]) {
				words = words[1:]
			}
			if len(words) < 2 || words[0] != "vinci" {
				continue
			}
			checked++
			help, err := exec.Command(bin, append(subcommand(words[1:]), "--help")...).CombinedOutput()
			if err != nil || !strings.Contains(string(help), strings.Join(append([]string{"vinci"}, subcommand(words[1:])...), " ")) {
				t.Errorf("%s: %s: there is no such command: %s", page, c, help)
				continue
			}
			for _, f := range flag.FindAllString(c, -1) {
				if !strings.Contains(string(help), f+" ") {
					t.Errorf("%s: %s: there is no flag %s:\n%s", page, c, f, help)
				}
			}
		}
	}
	if checked == 0 {
		t.Error("no command was checked")
	}
}

// subcommand is what stands before arguments and flags: a group such as tables
// has commands of its own.
func subcommand(words []string) []string {
	group := slices.Contains([]string{"dlq", "stacks", "tables"}, words[0])
	if group && len(words) > 1 && !strings.HasPrefix(words[1], "-") {
		return words[:2]
	}
	return words[:1]
}

func TestLinksLead(t *testing.T) {
	for page, text := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(block.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: link %s: %v", page, m[1], err)
			}
		}
	}
}

var goBlock = regexp.MustCompile("(?s)```go([^\n]*)\n(.*?)```")

// The Go that docs/ shows is part of a file that is compiled, or run as an
// example: the fence names the file, from the root.
func TestGoIsFromFiles(t *testing.T) {
	checked := 0
	for page, text := range pages(t) {
		if filepath.Base(page) == "README.md" {
			continue // its blocks are steps, which cmd/vinci follows
		}
		for _, m := range goBlock.FindAllStringSubmatch(text, -1) {
			checked++
			file, ok := strings.CutPrefix(strings.TrimSpace(m[1]), "from=")
			if !ok {
				t.Errorf("%s: a Go block names no file, as in ```go from=orm/example_test.go:\n%s", page, m[2])
				continue
			}
			b, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if !strings.Contains(flat(string(b)), flat(m[2])) {
				t.Errorf("%s: %s does not have these lines:\n%s", page, file, m[2])
			}
		}
	}
	if checked == 0 {
		t.Error("no block was checked")
	}
}

// flat takes indentation and empty lines away, in which a page may differ.
func flat(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

// The folders that the README's table of the house names are there.
func TestHouse(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	rooms := regexp.MustCompile("\\| `([a-z]+/|app\\.go)`").FindAllStringSubmatch(string(b), -1)
	if len(rooms) < 10 {
		t.Errorf("found only %d rooms", len(rooms))
	}
	for _, m := range rooms {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Error(fmt.Errorf("README: %w", err))
		}
	}
}
