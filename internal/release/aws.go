package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/vinci-go/vinci/internal/names"
)

// firing asks for the names of the deployment's alarms that fire now, in order. A
// deployment without alarms has none. The aws command reads all pages of an answer.
func (o *Options) firing(ctx context.Context, a *assembly) ([]string, error) {
	var firing []string
	for _, region := range a.regions {
		args := []string{"cloudwatch", "describe-alarms", "--alarm-name-prefix", a.Deployment.AlarmPrefix(), "--state-value", "ALARM", "--output", "json"}
		if region != "" {
			args = append(args, "--region", region)
		}
		out, err := o.output(ctx, "aws", args...)
		if err != nil {
			return nil, err
		}
		var answer struct{ MetricAlarms []struct{ AlarmName string } }
		if err := unmarshal(out, &answer); err != nil {
			return nil, fmt.Errorf("aws cloudwatch describe-alarms: its answer is no JSON: %w", err)
		}
		for _, alarm := range answer.MetricAlarms {
			firing = append(firing, alarm.AlarmName)
		}
	}
	slices.Sort(firing)
	return slices.Compact(firing), nil
}

// unmarshal reads an answer of the aws command, which prints nothing at all where
// there is nothing.
func unmarshal(out []byte, answer any) error {
	if len(out) == 0 {
		return nil
	}
	return json.Unmarshal(out, answer)
}

// fetch brings the last good assembly into a folder of temp; nil when there is none
// yet.
func (o *Options) fetch(ctx context.Context, d names.Deployment, temp string) (*assembly, error) {
	out, err := o.output(ctx, "aws", "s3api", "list-objects-v2",
		"--bucket", o.Releases, "--prefix", d.Release(), "--max-items", "1", "--output", "json")
	if err != nil {
		return nil, err
	}
	var answer struct{ Contents []struct{ Key string } }
	if err := unmarshal(out, &answer); err != nil {
		return nil, fmt.Errorf("aws s3api list-objects-v2: its answer is no JSON: %w", err)
	}
	if len(answer.Contents) == 0 {
		return nil, nil
	}
	file := filepath.Join(temp, "last-good.tar.gz")
	if _, err := o.output(ctx, "aws", "s3", "cp", "--only-show-errors", o.address(d), file); err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(temp, "last-good")
	if err := errors.Join(Unpack(f, dir), f.Close(), os.Remove(file)); err != nil {
		return nil, err
	}
	a, err := read(dir)
	if err != nil {
		return nil, err
	}
	if a.Deployment != d {
		return nil, fmt.Errorf("%s holds an assembly of %s, deployment %s", o.address(d), a.App, a.ID)
	}
	return a, nil
}

// keep makes the assembly the last good one.
func (o *Options) keep(ctx context.Context, a *assembly, temp string) error {
	file := filepath.Join(temp, "good.tar.gz")
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := errors.Join(Pack(a.dir, f), f.Close()); err != nil {
		return err
	}
	_, err = o.output(ctx, "aws", "s3", "cp", "--only-show-errors", file, o.address(a.Deployment))
	return err
}

func (o *Options) address(d names.Deployment) string { return "s3://" + o.Releases + "/" + d.Release() }
