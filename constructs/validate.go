package constructs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"github.com/vinci-go/vinci/constructs/internal/plan"
	"github.com/vinci-go/vinci/constructs/internal/rulepack"
)

// The CDK's own switch for what it validates by itself. cdk-nag follows it: together
// they take seconds and hundreds of megabytes, which a loop that edits and runs, and
// a unit test, do without. Our own rules are always on.
const (
	validationEnv = "CDK_VALIDATION"
	validationOff = "false"
)

// failOnReport is the context key that leaves it to whoever started the app to say
// what the CDK's validation found. It is said here, together with all else.
const failOnReport = "@aws-cdk/core:failSynthOnValidationErrors"

// reportFile is where the CDK's validation leaves what it found.
const reportFile = "validation-report.json"

// addNag has cdk-nag's AwsSolutions rules look at every resource when the app is
// synthesized. Its reports are read afterwards and removed.
//
// https://github.com/cdklabs/cdk-nag/blob/main/RULES.md
func addNag(app awscdk.App) {
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{Reports: jsii.Bool(true)}), &awscdk.AspectOptions{
		// After every aspect that changes something.
		Priority: awscdk.AspectPriority_READONLY(),
	})
}

// suppress hands the exceptions from cdk-nag's rules to cdk-nag. A path that is no
// construct's is left to [rulepack.Judge], which finds the exception unused.
func suppress(app awscdk.App, p *plan.Plan, exceptions []rulepack.Exception) {
	for _, e := range exceptions {
		if !rulepack.IsNag(e.Rule) || len(rulepack.CheckExceptions([]rulepack.Exception{e})) > 0 {
			continue
		}
		stack, path := stackOf(app, p, e.Resource)
		if stack == nil {
			continue
		}
		rule, finding := rulepack.Split(e.Rule)
		s := &cdknag.NagPackSuppression{Id: jsii.String(rule), Reason: jsii.String(e.Reason)}
		if finding != "" {
			s.AppliesTo = &[]any{finding}
		}
		// cdk-nag panics for a path that is not there; the exception is then unused.
		_ = catch(func() {
			cdknag.NagSuppressions_AddResourceSuppressionsByPath(stack, path, &[]*cdknag.NagPackSuppression{s}, nil)
		})
	}
}

// stackOf finds the stack of a resource that an exception names, and the construct's
// whole path.
func stackOf(app awscdk.App, p *plan.Plan, resource string) (awscdk.Stack, string) {
	for _, path := range []string{p.Name.Name("") + resource, resource} {
		id, _, _ := strings.Cut(path, "/")
		if stack, ok := app.Node().TryFindChild(&id).(awscdk.Stack); ok {
			return stack, path
		}
	}
	return nil, ""
}

// judge says what is wrong with the assembly that was synthesized into out: by our own
// rules, by cdk-nag, and by the CDK's validation, as far as these ran. An assembly
// with problems is taken away again, so that nobody deploys it.
func (a *Application) judge(p *plan.Plan, d *Deployment, out string, w io.Writer) error {
	o := rulepack.Options{Prefix: p.Name.Name(""), Ephemeral: d.settings.Ephemeral, Exceptions: shortly(slices.Concat(a.exceptions, d.exceptions), p.Dir)}
	if a.validates() {
		report, err := rulepack.TakeNagReports(out)
		if err != nil {
			return fmt.Errorf("synthesize: %w", err)
		}
		o.Nag = report
	}
	verdict, err := rulepack.Judge(out, o)
	if err != nil {
		return fmt.Errorf("synthesize: %w", err)
	}
	if a.judged != nil {
		a.judged(o, verdict)
	}
	found, warnings, err := readReport(filepath.Join(out, reportFile))
	if err != nil {
		return fmt.Errorf("synthesize: %w", err)
	}
	if w != nil {
		for _, n := range verdict.Notices {
			fmt.Fprintln(w, "note:", n)
		}
		if a.env()("CDK_CLI_VERSION") == "" { // the CDK's command line prints them itself
			for _, n := range warnings {
				fmt.Fprintln(w, "note:", n)
			}
		}
	}
	if problems := append(verdict.Problems, found...); len(problems) > 0 {
		return &invalid{app: p.Name, problems: problems}
	}
	return nil
}

// validates reports whether the CDK's validation and cdk-nag run.
func (a *Application) validates() bool { return a.env()(validationEnv) != validationOff }

// readReport reads what the CDK's validation found. Annotations of constructs are in
// the report too, when a feature flag is set; the errors among them are left out,
// because [rulepack.Judge] reads them from where they always are.
func readReport(file string) (problems plan.Problems, warnings []string, err error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the CDK's validation report: %w", err)
	}
	var report struct {
		PluginReports []struct {
			PluginName string
			Conclusion string
			Metadata   map[string]string
			Violations []struct {
				RuleName, Description, Severity, SuggestedFix string
				ViolatingConstructs                           []violating
			}
		}
	}
	if err := json.Unmarshal(b, &report); err != nil {
		return nil, nil, fmt.Errorf("read the CDK's validation report %s: %w", filepath.Base(file), err)
	}
	for _, plugin := range report.PluginReports {
		annotations := plugin.Metadata["cdk:annotations"] == "true"
		untold := plugin.Conclusion == "failure" && !annotations
		for _, v := range plugin.Violations {
			what := plugin.PluginName + " " + v.RuleName + ": " + strings.TrimSpace(v.Description)
			wrong := v.Severity == "error" || v.Severity == "fatal" || v.Severity == "custom" && plugin.Conclusion == "failure"
			if wrong {
				untold = false
			}
			for _, c := range append(v.ViolatingConstructs, violating{})[:max(1, len(v.ViolatingConstructs))] {
				switch {
				case wrong && annotations:
				case wrong:
					problems = append(problems, plan.Problem{What: what, Where: c.where(), Mend: cmp.Or(v.SuggestedFix, "correct the resource")})
				default:
					warnings = append(warnings, what+" ("+c.where()+")")
				}
			}
		}
		if untold {
			problems = append(problems, plan.Problem{What: plugin.PluginName + " refuses the templates", Where: reportFile, Detail: plugin.Metadata["error"]})
		}
	}
	return problems, warnings, nil
}

// violating says in the report where something was found.
type violating struct {
	ConstructPath          string
	CloudFormationResource struct{ TemplatePath, LogicalID string }
}

func (v violating) where() string {
	where := strings.TrimSuffix(v.CloudFormationResource.TemplatePath, ".template.json")
	if v.CloudFormationResource.LogicalID != "" {
		where += "/" + v.CloudFormationResource.LogicalID
	}
	switch {
	case where == "" && v.ConstructPath == "":
		return "the application"
	case where == "":
		return "construct " + v.ConstructPath
	case v.ConstructPath == "":
		return where
	}
	return where + " (construct " + v.ConstructPath + ")"
}

// forget removes what the validation of an earlier synthesis left in the folder: where
// it does not run this time, it would be taken for this one's.
func forget(out string) error {
	if err := rulepack.ForgetNagReports(out); err != nil {
		return fmt.Errorf("synthesize: %w", err)
	}
	if err := os.Remove(filepath.Join(out, reportFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove an earlier validation report: %w", err)
	}
	return nil
}
