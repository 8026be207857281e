package lambda

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestUnzippedSize: what a zip says of its sizes is not believed.
func TestUnzippedSize(t *testing.T) {
	b := zipOf(t, zipFile{"a", 0o644, make([]byte, 100)})
	archive, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for left, ok := range map[int64]bool{99: false, 100: true} {
		n, err := unpackFile(archive.File[0], t.TempDir(), left)
		if ok != (err == nil) || ok && n != 100 {
			t.Errorf("with %d bytes left: %d, %v", left, n, err)
		}
	}
}

// FuzzUnpack: whatever a zip holds, nothing is written outside the folder, and
// every refusal is AWS's.
func FuzzUnpack(f *testing.F) {
	f.Add(zipOf(f, zipFile{"bootstrap", 0o755, []byte("x")}, zipFile{"a/b", 0o644, nil}))
	f.Add(zipOf(f, zipFile{"../x", 0o755, []byte("x")}))
	f.Add(zipOf(f, zipFile{"a//b/./c", 0o755, []byte("x")}))
	f.Add([]byte("PK"))
	f.Fuzz(func(t *testing.T, b []byte) {
		root := t.TempDir()
		s := &Service{opts: Options{StateDir: filepath.Join(root, "state")}}
		_, err := s.unpack(t.Context(), "f", b)
		wantAWS(t, err)
		entries, err := os.ReadDir(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name() != "state" {
				t.Errorf("%s was written", e.Name())
			}
		}
	})
}
