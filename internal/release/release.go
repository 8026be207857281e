package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/vinci-go/vinci/internal/templatediff"
)

// Options say what to deploy and how to tell that it does.
type Options struct {
	Assembly   string // folder of the cloud assembly
	Deployment string // the deployment id that it must be of

	Smoke    string // command for sh that fails when the deployment does not work; empty: none
	Releases string // bucket of the last good assemblies; empty: nothing is kept, and there is no way back

	// Watch is how long no other alarm may fire after the smoke test than those that
	// fired before the deployment, and Every how often is looked; both are needed unless
	// NoAlarms.
	Watch, Every time.Duration
	NoAlarms     bool // nobody looks at the deployment's alarms

	Stdout, Stderr io.Writer
	// Sleep waits, or returns ctx's error when that ends before. It is needed unless
	// NoAlarms.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Kind classifies an error of [Deploy]. Test for one with errors.Is.
type Kind string

// What can become of a deployment that is not good.
const (
	Refused    Kind = "refused"     // nothing was deployed
	RolledBack Kind = "rolled back" // the last good assembly is deployed again, and does
	Stranded   Kind = "stranded"    // neither the new nor the last good one is known to work: somebody has to look
	NotKept    Kind = "not kept"    // it is deployed and was not rolled back, but is not the last good one
)

// Error makes a Kind a target for errors.Is.
func (k Kind) Error() string { return string(k) }

// Error says what became of a deployment that is not good.
type Error struct {
	Kind    Kind
	Message string
	Err     error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return fmt.Sprintf("%s: %v", e.Message, e.Err)
}

// Is reports whether target is this error's kind.
func (e *Error) Is(target error) bool { return target == e.Kind }

func (e *Error) Unwrap() error { return e.Err }

func refused(err error, format string, args ...any) error {
	if interrupted(err) {
		return err
	}
	return &Error{Refused, fmt.Sprintf(format, args...) + ": nothing was deployed", err}
}

func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Deploy deploys the assembly as the package comment says. The error is an [*Error],
// or ctx's own when that ended.
func Deploy(ctx context.Context, o Options) error {
	a, err := read(o.Assembly)
	if err != nil {
		return refused(err, "it cannot be deployed")
	}
	if a.ID != o.Deployment {
		return refused(nil, "the assembly %s is of deployment %s and not of %s", o.Assembly, a.ID, o.Deployment)
	}
	if !o.NoAlarms && (o.Watch <= 0 || o.Every <= 0) {
		return refused(nil, "the alarms cannot be watched for %s, every %s: both must be longer than nothing", o.Watch, o.Every)
	}
	for _, program := range o.programs() {
		if _, err := exec.LookPath(program); err != nil {
			return refused(err, "%s is needed", program)
		}
	}
	temp, err := os.MkdirTemp("", "vinci-")
	if err != nil {
		return refused(err, "make a temporary folder")
	}
	defer os.RemoveAll(temp)
	d := &deploying{Options: &o, now: a, temp: temp}
	err = d.deploy(ctx)
	if interrupted(err) {
		o.say("interrupted while it was to %s. Nothing is rolled back: CloudFormation ends what it has begun. Deploy again, this version or another one.", d.step)
	}
	return err
}

func (o *Options) programs() []string {
	if o.NoAlarms && o.Releases == "" {
		return []string{"cdk"}
	}
	return []string{"cdk", "aws"}
}

func (o *Options) say(format string, args ...any) {
	fmt.Fprintf(o.Stderr, "vinci deploy: "+format+"\n", args...)
}

// deploying is one run of Deploy.
type deploying struct {
	*Options
	now  *assembly // to deploy
	last *assembly // the last good one; nil when there is none
	temp string
	step string   // what it is doing, for whoever interrupts it
	base []string // the alarms that fired before; they say nothing about the new version
}

func (d *deploying) begin(format string, args ...any) {
	d.step = fmt.Sprintf(format, args...)
	d.say("%s", d.step)
}

func (d *deploying) deploy(ctx context.Context) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	d.begin("deploy %s of %s: %s", d.now.ID, d.now.App, stacks(d.now))
	if err := d.cdk(ctx, d.now); err != nil {
		return d.goBack(ctx, err, "cdk deploy failed")
	}
	if err := d.smoke(ctx, "test it"); err != nil {
		return d.goBack(ctx, err, "the smoke test failed")
	}
	if !d.NoAlarms {
		firing, err := d.watch(ctx)
		switch {
		case interrupted(err):
			return err
		case err != nil:
			return &Error{NotKept, "it is deployed and passed its smoke test, and nobody knows which alarms fire, so it is not kept as the last good one", err}
		case len(firing) > 0:
			return d.goBack(ctx, nil, "alarms fire that did not before: %s", strings.Join(firing, ", "))
		}
	}
	if d.Releases == "" {
		d.say("done")
		return nil
	}
	d.begin("keep it as the last good one in %s", d.address(d.now.Deployment))
	if err := d.keep(ctx, d.now, d.temp); interrupted(err) {
		return err
	} else if err != nil {
		return &Error{NotKept, "it is deployed and good, but could not be kept as the last good one: the next roll-back would go behind it", err}
	}
	d.say("done")
	return nil
}

// prepare looks at what there is before anything is changed.
func (d *deploying) prepare(ctx context.Context) error {
	if !d.NoAlarms {
		d.begin("ask which alarms of %s* fire", d.now.Deployment.AlarmPrefix())
		var err error
		if d.base, err = d.firing(ctx, d.now); err != nil {
			return refused(err, "which alarms fire cannot be asked")
		}
		if len(d.base) > 0 {
			d.say("these fire already and cause no roll-back: %s", strings.Join(d.base, ", "))
		}
	}
	if d.Releases == "" {
		return nil
	}
	d.begin("fetch the last good assembly from %s", d.address(d.now.Deployment))
	var err error
	if d.last, err = d.fetch(ctx, d.now.Deployment, d.temp); err != nil {
		return refused(err, "the last good assembly cannot be fetched")
	}
	if d.last == nil {
		d.say("there is none yet: if this one does not do, there is nothing to go back to")
	}
	return nil
}

func (d *deploying) cdk(ctx context.Context, a *assembly) error {
	// Stacks that do not wait for each other are deployed at once. Approval was given
	// where the pipeline asked for it.
	args := []string{"deploy", "--app", a.dir, "--all", "--require-approval", "never", "--concurrency", "4", "--outputs-file", d.outputs()}
	return command(d.run(ctx, d.Stdout, nil, "cdk", args...), "cdk", args)
}

func (d *deploying) outputs() string { return filepath.Join(d.temp, "outputs.json") }

func (d *deploying) smoke(ctx context.Context, what string) error {
	if d.Smoke == "" {
		return nil
	}
	d.begin("%s: %s", what, d.Smoke)
	err := d.run(ctx, d.Stdout, []string{
		"VINCI_APP=" + d.now.App, "VINCI_DEPLOYMENT=" + d.now.ID, "VINCI_OUTPUTS=" + d.outputs(),
	}, "sh", "-c", d.Smoke)
	return command(err, d.Smoke, nil)
}

// watch looks at the alarms until one fires that did not before, or the time is over.
// It returns those that do.
func (d *deploying) watch(ctx context.Context) ([]string, error) {
	d.begin("watch the alarms of %s* for %s", d.now.Deployment.AlarmPrefix(), d.Watch)
	for left := d.Watch; ; left -= d.Every {
		firing, err := d.firing(ctx, d.now)
		if err != nil {
			return nil, err
		}
		if news := missing(firing, d.base); len(news) > 0 || left <= 0 {
			return news, nil
		}
		if err := d.Sleep(ctx, min(left, d.Every)); err != nil {
			return nil, err
		}
	}
}

// goBack deploys the last good assembly again. It never returns nil: the version that
// was to be deployed is not.
func (d *deploying) goBack(ctx context.Context, cause error, format string, args ...any) error {
	if interrupted(cause) {
		return cause
	}
	reason := fmt.Sprintf(format, args...)
	if cause != nil {
		reason += fmt.Sprintf(" (%v)", cause)
	}
	d.say("%s", reason)
	stranded := func(err error, what string) error {
		return &Error{Stranded, fmt.Sprintf("%s, and %s: look at the deployment %s of %s now", reason, what, d.now.ID, d.now.App), err}
	}
	switch {
	case d.Releases == "":
		return stranded(nil, "no bucket is named that has a last good assembly, so it stays as it is")
	case d.last == nil:
		return stranded(nil, "there is no last good assembly yet, so it stays as it is")
	}
	d.begin("go back to the last good assembly: %s", stacks(d.last))
	if left := missing(d.now.stacks, d.last.stacks); len(left) > 0 {
		d.say("it does not have the stacks %s, which stay", strings.Join(left, ", "))
	}
	d.sayData()
	if err := d.cdk(ctx, d.last); interrupted(err) {
		return err
	} else if err != nil {
		return stranded(err, "the last good assembly could not be deployed")
	}
	if err := d.smoke(ctx, "test the last good one"); interrupted(err) {
		return err
	} else if err != nil {
		return stranded(err, "the last good assembly does not pass it either")
	}
	return &Error{RolledBack, reason + ": the last good assembly is deployed again", nil}
}

// sayData says what going back does to data, and what CloudFormation will most likely
// refuse. A table that the new version has brought stays, and its name is taken: who is
// not told meets it in the next deployment.
func (d *deploying) sayData() {
	now, err := templatediff.Load(d.now.dir)
	if err != nil {
		d.say("what it does to data cannot be told: %v", err)
		return
	}
	last, err := templatediff.Load(d.last.dir)
	if err != nil {
		d.say("what it does to data cannot be told: %v", err)
		return
	}
	for _, s := range templatediff.Compare(now, last).Stacks {
		for _, r := range s.Resources {
			for _, x := range r.Dangers {
				if x.Kind == templatediff.Data || x.Kind == templatediff.Conflict {
					d.say("%s: %s/%s, %s", x.Kind, s.Name, r.Path, x.Text)
				}
			}
		}
	}
}

func stacks(a *assembly) string {
	if len(a.stacks) == 1 {
		return "1 stack"
	}
	return fmt.Sprintf("%d stacks", len(a.stacks))
}

// missing are those of all that are not among some.
func missing(all, some []string) []string {
	known := map[string]bool{}
	for _, s := range some {
		known[s] = true
	}
	var out []string
	for _, s := range all {
		if !known[s] {
			out = append(out, s)
		}
	}
	return out
}
