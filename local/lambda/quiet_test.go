package lambda

import (
	"encoding/json"
	"strings"
	"testing"
)

// A quiet invocation leaves lines when there is something to tell, and then all
// of them.
func TestInvokeQuietly(t *testing.T) {
	s, logs := start(t, Options{NewID: sequence("request-")}, echo())
	for _, tt := range []struct {
		request request
		id      string
		lines   []string // what the lines hold
	}{
		{request{Do: "echo", Text: "hello"}, "request-1", nil},
		{request{Do: "log", N: 1}, "request-2", []string{"START RequestId: request-2", "line 0", "warn 0", "END RequestId: request-2", "REPORT RequestId: request-2"}},
		{request{Do: "error", Text: "no"}, "request-3", []string{"START", "END", "REPORT"}},
		{request{Do: "exit"}, "request-4", []string{"START", "END", "REPORT"}},
	} {
		payload, err := json.Marshal(tt.request)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.InvokeQuietly(t.Context(), "echo", payload); err != nil {
			t.Fatal(err)
		}
		got := logs.texts(tt.id)
		if len(tt.lines) > 0 && !strings.HasPrefix(got[0], "START") || len(tt.lines) == 0 && len(got) > 0 {
			t.Errorf("%s: lines are %q, want %q", tt.request.Do, got, tt.lines)
		}
		contains(t, got, tt.lines...)
	}
	// Others are as ever.
	call(t, s, request{Do: "echo"})
	contains(t, logs.texts("request-5"), "START", "END", "REPORT")
}
