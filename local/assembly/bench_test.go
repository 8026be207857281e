package assembly

import "testing"

// BenchmarkLoad reads and resolves an assembly of four stacks.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load("testdata/cdk", testEnv); err != nil {
			b.Fatal(err)
		}
	}
}
