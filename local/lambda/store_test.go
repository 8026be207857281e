package lambda

import "testing"

// TestStore: both stores answer the same.
func TestStore(t *testing.T) {
	for name, dir := range map[string]string{"memory": "", "file": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			s, err := openStore(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			is := func(what, want string) {
				t.Helper()
				got, err := s.get(inAsync, "a")
				if err != nil || string(got) != want {
					t.Errorf("%s: there is %q, %v; want %q", what, got, err, want)
				}
			}
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			must(s.replace(inAsync, "a", []byte("1")))
			is("replaced where there is nothing", "")
			must(s.put(inAsync, "a", []byte("2")))
			must(s.replace(inAsync, "a", []byte("3")))
			is("replaced", "3")
			must(s.put(inFunctions, "a", []byte("other")))
			must(s.delete(inAsync, "a"))
			must(s.delete(inAsync, "a"))
			must(s.replace(inAsync, "a", []byte("4")))
			is("replaced after it was deleted", "")
			n := 0
			must(s.scan(inAsync, func(string, []byte) error { n++; return nil }))
			if n != 0 {
				t.Errorf("a scan finds %d", n)
			}
		})
	}
}
