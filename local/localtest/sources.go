package localtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// cacheVersion changes when an assembly of the same sources would be another one,
// because this package or package synth does something else.
const cacheVersion = "1"

// sourceKey is a hash of everything that the assembly of the app in dir is made
// from. See the package comment for what that is.
func sourceKey(ctx context.Context, dir string) (string, error) {
	root := above(dir, "go.mod")
	if root == "" {
		root = dir // an app in another language: its folder is all there is to see
	}
	from, err := filepath.Rel(root, dir)
	if err != nil {
		return "", err
	}
	folders, err := modules(ctx, root)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	// What the go command and the synthesis are told by the environment.
	fmt.Fprintf(h, "%s %s %s %q %q %q\n", cacheVersion, runtime.Version(), runtime.GOARCH, os.Getenv("GOFLAGS"), os.Getenv("GOEXPERIMENT"), from)
	for i, folder := range folders {
		fmt.Fprintf(h, "module %d\n", i)
		if err := hashFolder(ctx, h, folder); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// above is dir, or the nearest folder above it, that holds the file; "" when none
// does.
func above(dir, file string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if info, err := os.Stat(filepath.Join(at, file)); err == nil && info.Mode().IsRegular() {
			return at
		}
		if at == filepath.Dir(at) {
			return ""
		}
	}
}

// modules are the folders of the module's own sources: its own, and those that
// its go.mod or its workspace puts in the place of published modules.
func modules(ctx context.Context, root string) ([]string, error) {
	folders := []string{root}
	var files []string
	if above(root, "go.mod") == root {
		files = append(files, filepath.Join(root, "go.mod"))
	}
	switch work := os.Getenv("GOWORK"); work {
	case "off":
	case "":
		if at := above(root, "go.work"); at != "" {
			files = append(files, filepath.Join(at, "go.work"))
		}
	default:
		files = append(files, work)
	}
	for _, file := range files {
		named, err := localFolders(ctx, file)
		if err != nil {
			return nil, err
		}
		for _, folder := range named {
			if rel, err := filepath.Rel(root, folder); err == nil && filepath.IsLocal(rel) {
				continue // it is below the module: seen with it
			}
			folders = append(folders, folder)
		}
	}
	return folders, nil
}

// localFolders are the folders that a go.mod or go.work file names.
func localFolders(ctx context.Context, file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("find the sources: %w", err)
	}
	kind := strings.TrimPrefix(filepath.Ext(file), ".")
	if kind == "mod" && !bytes.Contains(text, []byte("replace")) {
		return nil, nil // the go command need not be asked
	}
	out, err := exec.CommandContext(ctx, "go", kind, "edit", "-json", file).Output()
	if err != nil {
		return nil, fmt.Errorf("find the sources: go %s edit -json %s: %w", kind, file, err)
	}
	var named struct {
		Use     []struct{ DiskPath string }
		Replace []struct {
			New struct{ Path, Version string }
		}
	}
	if err := json.Unmarshal(out, &named); err != nil {
		return nil, fmt.Errorf("find the sources: go %s edit -json %s: %w", kind, file, err)
	}
	var folders []string
	add := func(path string) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(file), path)
		}
		folders = append(folders, path)
	}
	for _, u := range named.Use {
		add(u.DiskPath)
	}
	for _, r := range named.Replace {
		if r.New.Version == "" {
			add(r.New.Path)
		}
	}
	return folders, nil
}

// hashFolder adds names and contents of a folder's files, in their order.
func hashFolder(ctx context.Context, h hash.Hash, folder string) error {
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		name := d.Name()
		if path != folder && (name == "node_modules" || name == "cdk.out" || strings.HasPrefix(name, ".")) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		relative, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		return hashFile(h, path, relative, d)
	})
	if err != nil {
		return fmt.Errorf("look at the sources in %s: %w", folder, err)
	}
	return nil
}

func hashFile(h hash.Hash, path, name string, d fs.DirEntry) error {
	switch {
	case d.Type()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%q -> %q\n", name, target)
		// What it leads to counts as well, unless that is a folder or nothing.
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return nil
		}
	case !d.Type().IsRegular():
		return nil // a socket or a pipe: no build reads it
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another program's temporary file
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	// The length, so that no two lists of files hash the same bytes.
	fmt.Fprintf(h, "%q %o %d\n", name, info.Mode().Perm()&0o111, info.Size())
	_, err = io.Copy(h, f)
	return err
}
