package ormtest

import (
	"strings"
	"testing"
)

func TestEngineMissing(t *testing.T) {
	t.Chdir(t.TempDir())
	if path, err := findEngine(); err == nil || !strings.Contains(err.Error(), "run npm ci") {
		t.Errorf("found %q, error %v; want one that says what to run", path, err)
	}
}
