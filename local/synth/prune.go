package synth

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Prune removes the asset folders that the assembly no longer names. The CDK
// leaves those of every synthesis behind, and each changed function is ten
// megabytes: a day of edits would fill a disk. Call it when nothing starts from
// the old folders any more; a program that runs from one goes on running.
func Prune(assembly string) error {
	manifests, err := filepath.Glob(filepath.Join(assembly, "*.assets.json"))
	if err != nil {
		return fmt.Errorf("prune %s: %w", assembly, err)
	}
	named := map[string]bool{}
	for _, file := range manifests {
		b, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("prune: %w", err)
		}
		var manifest struct {
			Files map[string]struct {
				Source struct{ Path string }
			}
		}
		if err := json.Unmarshal(b, &manifest); err != nil {
			return fmt.Errorf("prune: read %s: %w", file, err)
		}
		for _, f := range manifest.Files {
			named[f.Source.Path] = true
		}
	}
	entries, err := os.ReadDir(assembly)
	if err != nil {
		return fmt.Errorf("prune: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), "asset.") && !named[e.Name()] {
			errs = append(errs, os.RemoveAll(filepath.Join(assembly, e.Name())))
		}
	}
	return errors.Join(errs...)
}
