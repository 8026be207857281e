package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Limits of a function's code (gettingstarted-limits in the developer guide).
const (
	maxZipped   = 50 << 20  // bytes, of a zip in a request
	maxUnzipped = 250 << 20 // bytes, of all its files
)

// codeRoot is where the code of functions that SDK calls made is.
func (s *Service) codeRoot() string {
	if s.opts.StateDir == "" {
		return filepath.Join(s.tmp, "code")
	}
	return filepath.Join(s.opts.StateDir, "code")
}

// codeDir is the folder of a function's code, which is named after the zip's hash.
func (s *Service) codeDir(function, sha string) string {
	sum, err := base64.StdEncoding.DecodeString(sha)
	if err != nil {
		sum = []byte(sha) // no zip has it: the folder will not be there
	}
	return filepath.Join(s.codeRoot(), function, hex.EncodeToString(sum))
}

// code is a zip that was unpacked.
type code struct {
	dir, sha, hash string
	size           int64
}

// unpack checks a zip and unpacks it into the function's folder. A folder of the
// same content that is there already is used.
func (s *Service) unpack(ctx context.Context, function string, zipped []byte) (code, error) {
	sum := sha256.Sum256(zipped)
	c := code{sha: base64.StdEncoding.EncodeToString(sum[:]), size: int64(len(zipped))}
	c.dir = s.codeDir(function, c.sha)
	if c.size > maxZipped {
		return c, tooLarge(maxCodeRequest, "CreateFunction")
	}
	archive, err := zip.NewReader(bytes.NewReader(zipped), c.size)
	if err != nil {
		return c, badZip()
	}
	if _, err := os.Stat(c.dir); errors.Is(err, fs.ErrNotExist) {
		if err := s.unpackTo(archive, c.dir); err != nil {
			return c, err
		}
	}
	c.hash, _, err = hashCode(ctx, c.dir)
	return c, err
}

func badZip() error {
	return badParameter("Could not unzip uploaded file. Please check your file, then try to upload again.")
}

// unpackTo unpacks into a folder beside dir and renames it, so that dir is whole or
// not there.
func (s *Service) unpackTo(archive *zip.Reader, dir string) (err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	draft, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(draft))
		}
	}()
	left := int64(maxUnzipped)
	if len(archive.File) == 0 {
		return badParameter("Uploaded file must be a non-empty zip")
	}
	for _, f := range archive.File {
		n, err := unpackFile(f, draft, left)
		if err != nil {
			return err
		}
		left -= n
	}
	return os.Rename(draft, dir)
}

// unpackFile writes one file of a zip below dir, and gives its size. It is careful
// with what a zip can say: a name that leads out of dir, a link, a device, a size
// that is not true. Files keep the zip's mode: a bootstrap that is not executable
// fails at its first start, as on AWS.
func unpackFile(f *zip.File, dir string, left int64) (int64, error) {
	name := filepath.FromSlash(f.Name)
	if !filepath.IsLocal(name) || strings.ContainsAny(f.Name, "\\\x00") {
		return 0, badZip()
	}
	path := filepath.Join(dir, name)
	mode := f.Mode()
	if mode.IsDir() || strings.HasSuffix(f.Name, "/") {
		return 0, zipError(os.MkdirAll(path, 0o755))
	}
	if !mode.IsRegular() {
		return 0, badParameter("%s in the uploaded file is not a regular file; the local runtime takes files and folders only", f.Name)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return 0, zipError(err)
	}
	in, err := f.Open()
	if err != nil {
		return 0, badZip()
	}
	defer in.Close()
	// No process may start meanwhile: it would have the file open for writing until
	// it is another program, and a bootstrap that is open so cannot be started.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode.Perm()|0o400)
	if err != nil {
		return 0, zipError(err)
	}
	n, err := io.Copy(out, io.LimitReader(in, left+1))
	err = errors.Join(err, out.Close())
	switch {
	case n > left:
		return 0, badParameter("Unzipped size must be smaller than %d bytes", maxUnzipped)
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrAlgorithm), errors.Is(err, io.ErrUnexpectedEOF):
		return 0, badZip()
	case err != nil:
		return 0, err
	}
	return n, zipError(os.Chmod(path, mode.Perm()|0o400)) // whatever the umask is
}

// zipError is the answer to a zip whose names cannot all be: a file that another
// needs as its folder, two of one name, a name too long.
func zipError(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) && (errors.Is(err, syscall.ENOTDIR) || errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.EINVAL)) {
		return badZip()
	}
	if err != nil {
		return fmt.Errorf("unpack code: %w", err)
	}
	return nil
}
