package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func TestAsk(t *testing.T) {
	for answer, want := range map[string]error{
		"y\n": nil, "Yes \n": nil, "yes": nil,
		"": errNotMeant, "\n": errNotMeant, "n\n": errNotMeant, "yesterday\n": errNotMeant,
	} {
		var out strings.Builder
		if err := ask(t.Context(), strings.NewReader(answer), &out, "delete it?"); !errors.Is(err, want) || (err == nil) != (want == nil) || out.String() != "delete it? [y/N] " {
			t.Errorf("%q: %v, printed %q", answer, err, &out)
		}
	}
	// Ctrl-C ends it while nobody answers.
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ask(ctx, r, io.Discard, "?"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// A file or a pipe has nobody who answers.
	f, err := os.Create(t.TempDir() + "/in")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if asks(f) || asks(strings.NewReader("y\n")) {
		t.Error("a file is asked")
	}
}
