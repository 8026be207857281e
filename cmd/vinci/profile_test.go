package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/awsenv"
)

// A profile is read by the aws command line, of which there is one here that
// knows two.
func TestProfile(t *testing.T) {
	bin := t.TempDir()
	const script = `#!/bin/sh
case "$*" in
"configure get region --profile team") echo eu-west-1 ;;
"configure export-credentials --format process --profile team") echo '{"Version":1,"AccessKeyId":"AKIATEAM","SecretAccessKey":"s","SessionToken":"token"}' ;;
"configure export-credentials --format process --profile odd") echo no JSON ;;
*) echo "The config profile could not be found" >&2; exit 255 ;;
esac
`
	if err := os.WriteFile(filepath.Join(bin, "aws"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	path := os.Getenv("PATH")
	for name, tt := range map[string]struct {
		env  map[string]string
		path string
		want string // region, key, token; or an error
	}{
		"all of it":         {map[string]string{"AWS_PROFILE": "team"}, bin, "eu-west-1 AKIATEAM token"},
		"another region":    {map[string]string{"AWS_PROFILE": "team", awsenv.Region: "us-east-2"}, bin, "us-east-2 AKIATEAM token"},
		"other keys":        {map[string]string{"AWS_PROFILE": "team", awsenv.AccessKeyID: "AKIAENV", awsenv.SecretAccessKey: "s"}, bin, "eu-west-1 AKIAENV "},
		"keys and region":   {map[string]string{"AWS_PROFILE": "no", awsenv.Region: "us-east-2", awsenv.AccessKeyID: "AKIAENV", awsenv.SecretAccessKey: "s"}, bin, "us-east-2 AKIAENV "},
		"unknown":           {map[string]string{"AWS_PROFILE": "no"}, bin, "profile no does not say it: aws configure get region --profile no: exit status 255: The config profile could not be found"},
		"unknown, a region": {map[string]string{"AWS_PROFILE": "no", awsenv.Region: "us-east-2"}, bin, "get the credentials of profile no: aws configure export-credentials"},
		"no JSON":           {map[string]string{"AWS_PROFILE": "odd", awsenv.Region: "us-east-2"}, bin, "read what the aws command line prints"},
		"no aws":            {map[string]string{"AWS_PROFILE": "team"}, t.TempDir(), "the aws command line is not installed"},
		"no profile":        {nil, bin, "AWS_REGION is not set: export region and credentials, or name a profile"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", tt.path)
			if tt.path == bin {
				t.Setenv("PATH", bin+string(os.PathListSeparator)+path)
			}
			w := where{deployment: "dev"}
			got, err := w.target(&application{dir: t.TempDir(), name: "shop"}, func(name string) string { return tt.env[name] })
			text := ""
			if err != nil {
				text = err.Error()
			} else {
				text = got.env[awsenv.Region] + " " + got.env[awsenv.AccessKeyID] + " " + got.env[awsenv.SessionToken]
			}
			if !strings.Contains(text, tt.want) || err == nil && text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}
