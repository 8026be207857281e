package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/local"
	"github.com/vinci-go/vinci/orm"
)

// poll is how often a condition is looked at that nothing signals.
const poll = 10 * time.Millisecond

// Stage is the running application with the means to use it and look inside it.
type Stage struct {
	Runtime *local.Runtime
	API     string        // URL of the HTTP API
	Store   orm.Store     // every table, with the developer's own credentials
	Log     *eventlog.Log // the application's log
	env     map[string]string
	config  aws.Config
	signer  *v4.Signer // of requests to the API
	sqs     *sqs.Client
	out     io.Writer
	insists bool // makes requests again that the API did not answer
}

// AWS is the configuration of SDK clients that reach the local endpoint with the
// developer's own credentials.
func (s *Stage) AWS() aws.Config { return s.config }

// Environ is the environment of a program that works on the application with the
// developer's own credentials, as `vinci migrate` and `vinci rebuild` run them.
func (s *Stage) Environ() []string {
	environ := os.Environ()
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		environ = append(environ, name+"="+s.env[name])
	}
	return environ
}

func newStage(rt *local.Runtime, out io.Writer) (*Stage, error) {
	apis := rt.APIs()
	if len(apis) != 1 {
		return nil, fmt.Errorf("the assembly has %d HTTP APIs, the scenario drives one", len(apis))
	}
	stage, err := Connect(apis[0].URL, rt.Endpoint(), rt.Owner())
	if err != nil {
		return nil, err
	}
	stage.Runtime, stage.out = rt, out
	return stage, nil
}

// Connect is the stage of an application that runs in another process, which
// says where: its HTTP API, the AWS endpoint, and the developer's own credentials.
// What the stage looks at with those, no function's role need allow. Its Runtime
// is nil, so it cannot be stopped.
func Connect(api, endpoint string, owner local.Credentials) (*Stage, error) {
	env := map[string]string{
		names.EnvApplication:    Deployment.App,
		names.EnvDeployment:     Deployment.ID,
		"AWS_REGION":            owner.Region,
		"AWS_ACCESS_KEY_ID":     owner.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY": owner.SecretAccessKey,
		"AWS_ENDPOINT_URL":      endpoint,
	}
	getenv := func(name string) string { return env[name] }
	log, store, err := eventlog.FromEnv(getenv)
	if err != nil {
		return nil, err
	}
	config := awsenv.Config(getenv)
	return &Stage{API: api, env: env, Store: store, Log: log, config: config, signer: v4.NewSigner(), sqs: sqs.NewFromConfig(config), out: io.Discard}, nil
}

// stepError names the step that failed and the function to look at.
type stepError struct {
	Step     string
	Function string // empty: none in particular
	Err      error
}

func (e *stepError) Error() string { return fmt.Sprintf("step %s: %v", e.Step, e.Err) }

func (e *stepError) Unwrap() error { return e.Err }

// showLog prints what the function wrote, which most often says why.
func (e *stepError) showLog(w io.Writer, rt *local.Runtime) {
	if e.Function == "" {
		return
	}
	lines := rt.Lines(e.Function)
	if len(lines) == 0 {
		fmt.Fprintf(w, "function %s wrote no log: it was never invoked\n", e.Function)
		return
	}
	fmt.Fprintf(w, "log of function %s:\n", e.Function)
	for _, l := range lines {
		fmt.Fprintf(w, "  %s %s\n", l.Time.Format("15:04:05.000"), l.Text)
	}
}

// Delivered waits until the subscription's delivery of the event has the wanted
// status, or ctx ends.
func (s *Stage) Delivered(ctx context.Context, id string, sub *bus.Definition, want bus.Status) error {
	last := "no delivery was recorded"
	for {
		d, err := bus.Deliveries.Get(ctx, s.Store, orm.Key(id, sub.Name))
		switch {
		case err == nil && d.Status == want:
			return nil
		case err == nil:
			last = fmt.Sprintf("its status is %s after %d attempts %s", d.Status, d.Attempts, d.ErrorMessage)
			if d.Status == bus.Dead {
				return fmt.Errorf("event %s at %s: %s", id, sub.Name, last)
			}
		case !errors.Is(err, orm.KindNotFound) && ctx.Err() == nil:
			return fmt.Errorf("event %s at %s: %w", id, sub.Name, err)
		}
		if err := wait(ctx); err != nil {
			return fmt.Errorf("event %s at %s was not %s in time: %s", id, sub.Name, want, last)
		}
	}
}

// logged waits for a structured log line of the function.
func (s *Stage) logged(ctx context.Context, function string, match func(map[string]any) bool) error {
	for {
		for _, line := range s.Runtime.Lines(function) {
			var record map[string]any
			// Lines that are no JSON are Lambda's own.
			if json.Unmarshal([]byte(line.Text), &record) == nil && match(record) {
				return nil
			}
		}
		if err := wait(ctx); err != nil {
			return fmt.Errorf("function %s did not log it in time", function)
		}
	}
}

func wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(poll):
		return nil
	}
}

// Event reads one event of a stream from the log.
func (s *Stage) Event(ctx context.Context, stream string, version int64) (event.Envelope, error) {
	for e, err := range s.Log.Stream(ctx, stream, version) {
		return e, err
	}
	return event.Envelope{}, fmt.Errorf("stream %s has no version %d", stream, version)
}
