package local

import (
	"context"
	"maps"
	"slices"
)

// Endpoint is the gateway's URL: AWS_ENDPOINT_URL for any SDK and the aws CLI.
func (r *Runtime) Endpoint() string { return r.gateway.url() }

// Owner are the developer's own credentials, which may do everything. They are
// made anew at each start.
func (r *Runtime) Owner() Credentials {
	k := r.credentials.Owner()
	return Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, Region: r.config.Region}
}

// APIs are the HTTP APIs, by name.
func (r *Runtime) APIs() []API { return r.apis.list() }

// Notes are lines for people: each resource that is not served, and the
// properties that have no effect here, with the reason.
func (r *Runtime) Notes() []string { return slices.Clone(r.plan.Load().notes) }

// Logs are the functions' logs.
func (r *Runtime) Logs() *Logs { return r.logs }

// Subscribe is short for Logs().Subscribe.
func (r *Runtime) Subscribe(ctx context.Context) <-chan LogLine { return r.logs.Subscribe(ctx) }

// Lines is short for Logs().Lines.
func (r *Runtime) Lines(function string) []LogLine { return r.logs.Lines(function) }

// Functions are the short names of all functions, sorted.
func (r *Runtime) Functions() []string { return slices.Sorted(maps.Values(r.plan.Load().labels)) }

// Processes are the process ids of a function's environments at the moment, by
// its short name. It is for tests that end one.
func (r *Runtime) Processes(function string) []int {
	var pids []int
	for name, label := range r.plan.Load().labels {
		if label == function {
			pids = append(pids, r.lambda.Processes(name)...)
		}
	}
	slices.Sort(pids)
	return pids
}

// Done is closed when something has ended that the runtime cannot live without;
// Err says what. Stop does not close it.
func (r *Runtime) Done() <-chan struct{} { return r.done }

// Err is nil until Done is closed.
func (r *Runtime) Err() error {
	select {
	case <-r.done:
		return r.err
	default:
		return nil
	}
}

// Stop ends everything that Start began, the last first: HTTP APIs and mappings
// take nothing new, functions finish what they have until ctx ends and are killed
// then, and no child process is left when it returns. A temporary data folder is
// removed. A second call waits for the first and gives the same answer.
func (r *Runtime) Stop(ctx context.Context) error {
	r.stopOnce.Do(func() {
		r.changing.Lock()
		defer r.changing.Unlock()
		r.stopped = true
		r.stopErr = r.close(ctx)
	})
	return r.stopErr
}
