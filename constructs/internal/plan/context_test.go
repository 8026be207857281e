package plan

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadContext(t *testing.T) {
	dir := t.TempDir()
	overflow := filepath.Join(dir, "context.json")
	if err := os.WriteFile(overflow, []byte(`{"deployment":"big","vinci:ephemeral":true}`), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken.json")
	if err := os.WriteFile(broken, []byte(`[`), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		env  map[string]string
		want Context
		err  string
	}{
		"nothing":          {nil, Context{}, ""},
		"text":             {map[string]string{"CDK_CONTEXT_JSON": `{"deployment":"dev","architecture":"x86_64"}`}, Context{"deployment": "dev", "architecture": "x86_64"}, ""},
		"others' keys":     {map[string]string{"CDK_CONTEXT_JSON": `{"deployment":"dev","@aws-cdk/core:target-partitions":["aws"],"other":{}}`}, Context{"deployment": "dev"}, ""},
		"nearly ours":      {map[string]string{"CDK_CONTEXT_JSON": `{"deploymnt":"dev","Ephemeral":true,"acme:ephemeral":true,"@aws-cdk/x:deployment":1,"stage":"dev"}`}, Context{"deploymnt": "dev", "Ephemeral": "true"}, ""},
		"not text":         {map[string]string{"CDK_CONTEXT_JSON": `{"deployment":7,"vinci:ephemeral":true}`}, Context{"deployment": "7", "vinci:ephemeral": "true"}, ""},
		"a file":           {map[string]string{"CDK_CONTEXT_JSON": `{"deployment":"dev"}`, "CONTEXT_OVERFLOW_LOCATION_ENV": overflow}, Context{"deployment": "big", "vinci:ephemeral": "true"}, ""},
		"no JSON":          {map[string]string{"CDK_CONTEXT_JSON": `deployment=dev`}, nil, "CDK_CONTEXT_JSON"},
		"no file":          {map[string]string{"CONTEXT_OVERFLOW_LOCATION_ENV": filepath.Join(dir, "absent")}, nil, "CONTEXT_OVERFLOW_LOCATION_ENV"},
		"no JSON in there": {map[string]string{"CONTEXT_OVERFLOW_LOCATION_ENV": broken}, nil, broken},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadContext(func(key string) string { return test.env[key] })
			if !maps.Equal(got, test.want) {
				t.Errorf("context is %v, want %v", got, test.want)
			}
			if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error is %v, want %q", err, test.err)
			}
		})
	}
}

// Without credentials the command line passes a region that nobody has chosen.
func TestReadCredentials(t *testing.T) {
	for _, test := range []struct {
		env  map[string]string
		want Credentials
	}{
		{nil, Credentials{}},
		{map[string]string{"CDK_DEFAULT_REGION": "us-east-1"}, Credentials{}},
		{map[string]string{"CDK_DEFAULT_ACCOUNT": "123456789012", "CDK_DEFAULT_REGION": "us-east-1"}, Credentials{"123456789012", "us-east-1"}},
	} {
		if got := ReadCredentials(func(key string) string { return test.env[key] }); got != test.want {
			t.Errorf("%v gives %v, want %v", test.env, got, test.want)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	p := validPlan(b)
	p.SetDefaults()
	for b.Loop() {
		if problems := p.Check(); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
