package release

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// zipped is where the CDK CLI puts the zips of what it uploads: each function's code
// once more.
const zipped = ".cache"

// Pack writes a cloud assembly as a tar.gz, with the modes of its files, the same bytes
// for the same folder, before it was deployed and after. It takes files and folders
// only.
func Pack(dir string, w io.Writer) (err error) {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	root := os.DirFS(dir)
	err = fs.WalkDir(root, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		if path == zipped && e.IsDir() {
			return fs.SkipDir
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		// No time and no owner: they would make each archive another one.
		h := &tar.Header{Name: filepath.ToSlash(path), Mode: int64(info.Mode().Perm())}
		switch {
		case info.IsDir():
			h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
			return t.WriteHeader(h)
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is neither a file nor a folder", path)
		}
		h.Typeflag, h.Size = tar.TypeReg, info.Size()
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		f, err := root.Open(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(t, f)
		return errors.Join(err, f.Close())
	})
	if err = errors.Join(err, t.Close(), z.Close()); err != nil {
		return fmt.Errorf("pack %s: %w", dir, err)
	}
	return nil
}

// Unpack writes what [Pack] has packed into a folder that it makes. Nothing in the
// archive reaches outside of it.
func Unpack(r io.Reader, dir string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("unpack into %s: %w", dir, err)
		}
	}()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() // nothing is written through it by itself
	z, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			// What is behind the archive's end has the checksum of the whole.
			_, err := io.Copy(io.Discard, z)
			return err
		}
		if err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir:
			if err := root.MkdirAll(filepath.Clean(h.Name), 0o755); err != nil {
				return err
			}
		case tar.TypeReg:
			if err := unpackFile(root, h, t); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s is neither a file nor a folder", h.Name)
		}
	}
}

func unpackFile(root *os.Root, h *tar.Header, r io.Reader) error {
	name := filepath.Clean(h.Name)
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(h.Mode).Perm()
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return root.Chmod(name, mode) // whatever the process's umask is
}
