package local

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTablesOfConstructs loads the templates that package constructs makes of
// tables with every setting there is: nothing of them may be unknown here.
func TestTablesOfConstructs(t *testing.T) {
	for _, golden := range []string{"settings", "settings_ephemeral"} {
		t.Run(golden, func(t *testing.T) {
			templates, err := filepath.Glob("../constructs/testdata/golden/" + golden + "/*-table-*.template.json")
			if err != nil || len(templates) == 0 {
				t.Fatalf("no golden templates: %v", err)
			}
			dir := t.TempDir()
			type artifact struct {
				Type        string            `json:"type"`
				Environment string            `json:"environment"`
				Properties  map[string]string `json:"properties"`
			}
			artifacts := map[string]artifact{}
			for _, file := range templates {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				base := filepath.Base(file)
				if err := os.WriteFile(filepath.Join(dir, base), text, 0o644); err != nil {
					t.Fatal(err)
				}
				artifacts[strings.TrimSuffix(base, ".template.json")] = artifact{"aws:cloudformation:stack", "aws://unknown-account/unknown-region", map[string]string{"templateFile": base}}
			}
			manifest, err := json.Marshal(map[string]any{"version": "54.0.0", "artifacts": artifacts})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "manifest.json"), manifest, 0o644); err != nil {
				t.Fatal(err)
			}
			p, err := planOf(t, dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(p.tables) != len(templates) {
				t.Errorf("%d tables, want %d", len(p.tables), len(templates))
			}
			for _, c := range p.tables {
				if strings.HasSuffix(c.Name, "-capped") && (len(c.GlobalIndexes) != 5 || len(c.LocalIndexes) != 1 || !slices.Equal(c.GlobalIndexes[2].Include, []string{"a", "f"})) {
					t.Errorf("%s has indexes %+v and %+v", c.Name, c.GlobalIndexes, c.LocalIndexes)
				}
			}
		})
	}
}
