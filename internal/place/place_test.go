package place

import (
	"regexp"
	"testing"
)

func define() string { return Caller() }

func TestCaller(t *testing.T) {
	if got := define(); !regexp.MustCompile(`^internal/place/place_test\.go:\d+$`).MatchString(got) {
		t.Errorf("defined at %q", got)
	}
}

func TestFolder(t *testing.T) {
	tests := []struct {
		function string
		test     bool
		main     string
		want     string
	}{
		{"example.com/app/domain/users.init.0", false, "example.com/app", "domain/users"},
		{"example.com/app/domain/users.init", false, "example.com/app", "domain/users"},
		{"example.com/app.Define[...]", false, "example.com/app", ""},
		{"example.com/app/users_test.TestX", true, "example.com/app", "users"},
		{"example.com/app/users_test.F", false, "example.com/app", "users_test"}, // a package may be called that
		{"main.main", false, "example.com/app", ""},
		{"example.com/other/events.init", false, "example.com/app", "example.com/other/events"},
		{"example.com/application/x.init", false, "example.com/app", "example.com/application/x"},
		{"example.com/app/v2.3/users.init", false, "", "example.com/app/v2.3/users"},
		{"nodot", false, "example.com/app", ""},
	}
	for _, tt := range tests {
		if got := folder(tt.function, tt.test, tt.main); got != tt.want {
			t.Errorf("folder(%q, %v, %q) = %q, want %q", tt.function, tt.test, tt.main, got, tt.want)
		}
	}
}
