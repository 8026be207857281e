package constructs

import "testing"

// Synth synthesizes an application whose functions are those of the test module, and
// builds none of them.
func Synth(t *testing.T, app *Application) string {
	t.Helper()
	app.build = fakeBuild
	return synth(t, app)
}
