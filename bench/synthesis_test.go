package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The comparison with the TypeScript is honest only as long as both make the same.
func TestDifferences(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.template.json": `{"Resources":{"Q":{"Type":"AWS::SQS::Queue"},"R":{"Type":"AWS::SQS::Queue"}}}`,
		"b.template.json": `{"Resources":{"T":{"Type":"AWS::SNS::Topic"}}}`,
		"manifest.json":   `{"Resources":{"X":{"Type":"None"}}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := inventoryOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	if found.resources() != 3 || found.stacks != 2 || found.largest != 2 || found.bytes == 0 {
		t.Errorf("found %+v", found)
	}
	if err := differences(found, found); err != nil {
		t.Errorf("an assembly differs from itself: %v", err)
	}
	other := inventory{types: map[string]int{"AWS::SQS::Queue": 2, "AWS::IAM::Role": 1}}
	err = differences(found, other)
	if err == nil || !strings.Contains(err.Error(), "AWS::IAM::Role: 0 of ours, 1 of theirs") || !strings.Contains(err.Error(), "AWS::SNS::Topic: 1 of ours, 0 of theirs") || strings.Contains(err.Error(), "Queue") {
		t.Errorf("differences are %v", err)
	}
	if _, err := inventoryOf(t.TempDir()); err == nil {
		t.Error("an empty folder was taken for an assembly")
	}
}

func TestMedian(t *testing.T) {
	m := median([]synthCost{{3 * time.Second, time.Second, 5}, {time.Second, 3 * time.Second, 9}, {2 * time.Second, 2 * time.Second, 7}})
	if m != (synthCost{2 * time.Second, 2 * time.Second, 9}) {
		t.Errorf("the median is %+v", m)
	}
}
