package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

// An archive that names places outside of the folder writes nothing there.
func TestUnpackStaysInside(t *testing.T) {
	for _, name := range []string{"../outside", "/outside", "a/../../outside"} {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		a := tar.NewWriter(z)
		if err := a.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		parent := t.TempDir()
		if err := Unpack(&b, filepath.Join(parent, "in")); err == nil {
			t.Errorf("%s is unpacked", name)
		}
		if _, err := os.Stat(filepath.Join(parent, "outside")); !os.IsNotExist(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
