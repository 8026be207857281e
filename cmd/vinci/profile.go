package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/vinci-go/vinci/internal/awsenv"
)

// useProfile fills in what the environment does not say, from a profile that
// AWS_PROFILE names, as the CDK's command line takes it. The aws command line
// reads profiles: it knows SSO, roles and whatever else stands in one.
//
// https://docs.aws.amazon.com/cli/latest/reference/configure/export-credentials.html
func (t *target) useProfile(profile string) error {
	if t.env[awsenv.Region] == "" {
		region, err := awsCommand("configure", "get", "region", "--profile", profile)
		if err != nil {
			return fmt.Errorf("AWS_REGION is not set, and profile %s does not say it: %w", profile, err)
		}
		t.env[awsenv.Region] = strings.TrimSpace(string(region))
	}
	if t.env[awsenv.AccessKeyID] != "" && t.env[awsenv.SecretAccessKey] != "" {
		return nil // they come first for the aws command line, too
	}
	text, err := awsCommand("configure", "export-credentials", "--format", "process", "--profile", profile)
	if err != nil {
		return fmt.Errorf("get the credentials of profile %s: %w", profile, err)
	}
	var c struct{ AccessKeyId, SecretAccessKey, SessionToken string }
	if err := json.Unmarshal(text, &c); err != nil {
		return fmt.Errorf("get the credentials of profile %s: read what the aws command line prints: %w", profile, err)
	}
	t.env[awsenv.AccessKeyID], t.env[awsenv.SecretAccessKey], t.env[awsenv.SessionToken] = c.AccessKeyId, c.SecretAccessKey, c.SessionToken
	return nil
}

// awsCommand runs the aws command line and returns what it prints.
func awsCommand(args ...string) ([]byte, error) {
	out, err := exec.Command("aws", args...).Output()
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("the aws command line is not installed (https://aws.amazon.com/cli/): install it, or export AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	case errors.As(err, &exit):
		return nil, fmt.Errorf("aws %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(exit.Stderr)))
	case err != nil:
		return nil, fmt.Errorf("aws %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}
