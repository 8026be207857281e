package constructs

import (
	"flag"
	"os"
	"testing"

	"github.com/aws/jsii-runtime-go"
)

var update = flag.Bool("update", false, "write the golden files again")

// validateHere is set in the process of the one test that validates for real.
const validateHere = "VINCI_TEST_VALIDATION"

// The CDK takes one request at a time: no test of this package is parallel.
func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(validateHere) == "" {
		os.Setenv(validationEnv, validationOff) // 3 s and 400 MB; make synth has it on
	}
	os.Setenv("JSII_DEPRECATED", "fail") // else a deprecated call prints a warning at every synth
	for _, key := range []string{"CDK_OUTDIR", "CDK_CONTEXT_JSON", "CONTEXT_OVERFLOW_LOCATION_ENV", "CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION"} {
		if os.Getenv(validateHere) == "" {
			os.Unsetenv(key)
		}
	}
	// The jsii runtime took the environment when the packages were initialized, and
	// takes it again when it is used after it was closed.
	jsii.Close()
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}
