package constructs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/constructs/internal/build"
)

// TestBeside: whatever goes wrong beside the build is an error of whoever waits for it.
// A panic of another goroutine would end the program, and what is wrong with the
// application would be told to nobody.
func TestBeside(t *testing.T) {
	var none map[string]int
	for want, f := range map[string]func(){
		"":                               func() {},
		"synthesize: no response":        func() { panic(errors.New("no response")) },
		"assignment to entry in nil map": func() { none["a"] = 1 },
	} {
		err := beside(f)()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
		if err != nil && strings.Contains(want, "nil map") && !strings.Contains(err.Error(), "cdk_test.go") {
			t.Errorf("the error does not say where it was: %v", err)
		}
	}
}

// TestStopped: whoever has asked the program to end gets no assembly, even when all
// functions were built before it noticed.
func TestStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	app := testApp(false, map[string]string{"deployment": "dev"})
	app.build = func(_ context.Context, r build.Request) (map[string]string, error) {
		stop()
		return fakeBuild(t.Context(), r)
	}
	out := filepath.Join(t.TempDir(), "out")
	if err := app.Synthesize(ctx, &SynthOptions{Dir: module(t), OutDir: out}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want %v", err, context.Canceled)
	}
	if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
}
