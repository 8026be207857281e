package stacks

import "testing"

func TestSettings(t *testing.T) {
	for id, want := range map[string]struct{ ephemeral, protected bool }{
		"prod": {protected: true}, "staging": {}, "dev": {}, "local": {},
		"pr1": {ephemeral: true}, "pr123": {ephemeral: true},
		// What only looks like a pull request is somebody's data.
		"pr": {}, "prod2": {}, "press": {}, "pr12a": {}, "apr12": {},
	} {
		if got := Settings(id); got.Ephemeral != want.ephemeral || got.Protected != want.protected {
			t.Errorf("%s: ephemeral %v, protected %v, want %+v", id, got.Ephemeral, got.Protected, want)
		}
	}
	if s := Settings("local"); s.LogDays != 0 || s.Ephemeral || s.LogLevel != 0 || len(s.Concurrency) > 0 {
		t.Errorf("the laptop's deployment is not as the framework makes it: %+v", s)
	}
}
