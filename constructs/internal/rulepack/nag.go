package rulepack

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// NagReport is what cdk-nag's own reports say.
type NagReport struct {
	Suppressed []NagLine
	Unknown    []NagLine // rules that could not be judged, because of an expression in the resource
}

// NagLine is one line of a report.
type NagLine struct {
	Rule    string // AwsSolutions-SQS3
	Finding string // Resource::*; empty for a rule that has one finding only
	Path    string // construct path
	Reason  string // of a suppression
}

const nagReports = "AwsSolutions-*-NagReport.csv"

// TakeNagReports reads the reports that cdk-nag left in the assembly's folder, and
// removes them: they are no part of what is deployed.
func TakeNagReports(dir string) (*NagReport, error) {
	files, err := filepath.Glob(filepath.Join(dir, nagReports))
	if err != nil {
		return nil, fmt.Errorf("find cdk-nag's reports: %w", err)
	}
	report := &NagReport{}
	var errs []error
	for _, file := range files {
		if err := report.add(file); err != nil {
			errs = append(errs, fmt.Errorf("read cdk-nag's report %s: %w", filepath.Base(file), err))
		}
		if err := os.Remove(file); err != nil {
			errs = append(errs, fmt.Errorf("remove cdk-nag's report: %w", err))
		}
	}
	return report, errors.Join(errs...)
}

// ForgetNagReports removes the reports of an earlier synthesis, which may have ended
// in the middle of one.
func ForgetNagReports(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, nagReports))
	if err != nil {
		return fmt.Errorf("find cdk-nag's reports: %w", err)
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("remove an earlier report of cdk-nag's: %w", err)
		}
	}
	return nil
}

func (n *NagReport) add(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close() // it was only read
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return err
	}
	for _, l := range lines {
		if len(l) < 4 {
			return fmt.Errorf("a line of %d columns, where rule, resource, compliance and reason are expected", len(l))
		}
		line := NagLine{Rule: l[0], Path: l[1], Reason: l[3]}
		if finding, reason, ok := strings.Cut(strings.TrimPrefix(l[3], "["), "] "); ok && strings.HasPrefix(l[3], "[") {
			line.Finding, line.Reason = finding, reason
		}
		switch l[2] {
		case "Suppressed":
			n.Suppressed = append(n.Suppressed, line)
		case "UNKNOWN":
			n.Unknown = append(n.Unknown, line)
		}
	}
	return nil
}
