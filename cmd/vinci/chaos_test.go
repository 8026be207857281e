package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/local/chaos"
)

func TestReadChaos(t *testing.T) {
	if c, tell, end, err := readChaos("", ""); c != nil || tell != nil || err != nil || end() != nil {
		t.Errorf("without flags: %v, %v", c, err)
	}
	file := filepath.Join(t.TempDir(), "chaos.log")
	c, tell, end, err := readChaos("7,kill=0.5", file)
	if err != nil || c.Seed != 7 || c.Kill != 0.5 {
		t.Fatalf("%v, %v", c, err)
	}
	tell(chaos.Decision{Kind: chaos.Kill, Subject: "a call", What: "a process"})
	if err := end(); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(file); string(b) != "kill: a call: a process\n" || err != nil {
		t.Errorf("the log has %q, %v", b, err)
	}
	for _, bad := range []struct{ text, file, says string }{
		{"x", "", "--chaos x: invalid chaos configuration: the seed"},
		{"", "f", "nothing to write without --chaos"},
		{"1", t.TempDir(), "--chaos-log: "},
	} {
		if _, _, _, err := readChaos(bad.text, bad.file); err == nil || !strings.Contains(err.Error(), bad.says) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	tell(chaos.Decision{}) // the file is closed
	if err := end(); err == nil {
		t.Error("a decision that was not written is told by nobody")
	}
}
