package lambda

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// function is what invocations of one name go to, through all its versions.
type function struct {
	svc  *Service
	name string

	mu       sync.Mutex
	version  *version      // nil when the function was removed
	waiters  []*invocation // accepted, not yet given to an environment
	inflight int           // accepted and not finished
	closed   error         // why invocations are refused, when version is nil
	old      []*version    // retired ones that may have environments left
}

// version is one state of a function's code and configuration.
type version struct {
	cfg  FunctionConfig
	hash string // of the code

	max      int  // environments
	reserved *int // concurrency

	idle     []*environment // last used last, and taken from there
	envs     map[*environment]struct{}
	live     int // environments, from before their start until they are reaped
	starting int // of them, those that have not asked for work yet
	retired  bool
}

// startFailure is why an environment did not come up.
type startFailure struct {
	errorType string
	reason    string
	payload   []byte // what the process itself said, or nil
}

// invoke runs one invocation and waits for it, or until ctx is done: then the
// function runs on, as it does on AWS when its caller goes away.
func (f *function) invoke(ctx context.Context, o invokeOptions, payload []byte) (Result, error) {
	inv := &invocation{id: o.id, payload: payload, quiet: o.quiet, client: o.client, trace: f.svc.traceOf(ctx), done: make(chan outcome, 1)}
	if inv.id == "" {
		inv.id = f.svc.newID()
	}
	inv.result.RequestID = inv.id
	f.mu.Lock()
	switch {
	case f.version == nil:
		err := f.closed
		f.mu.Unlock()
		return Result{}, err
	case f.version.reserved != nil && f.inflight >= *f.version.reserved:
		reserved := *f.version.reserved
		f.mu.Unlock()
		return Result{}, fmt.Errorf("invoke function %s: %w: all of %d are in use", f.name, ErrThrottled, reserved)
	}
	f.inflight++
	f.waiters = append(f.waiters, inv)
	f.dispatch()
	f.mu.Unlock()

	select {
	case o := <-inv.done:
		return o.result, o.err
	case <-ctx.Done():
		f.mu.Lock()
		if i := slices.Index(f.waiters, inv); i >= 0 {
			f.waiters = slices.Delete(f.waiters, i, i+1)
			f.inflight--
		}
		f.mu.Unlock()
		return Result{}, fmt.Errorf("invoke function %s: %w", f.name, context.Cause(ctx))
	}
}

// finish hands the outcome to whoever waits. f.mu is held.
func (f *function) finish(inv *invocation, err error) {
	f.inflight--
	inv.result.LogTail = inv.tail.bytes()
	inv.done <- outcome{inv.result, err}
}

// dispatch gives waiting invocations to idle environments and starts as many
// more as are wanted and allowed. f.mu is held.
func (f *function) dispatch() {
	v := f.version
	if v == nil {
		return
	}
	for len(f.waiters) > 0 && len(v.idle) > 0 {
		e := v.idle[len(v.idle)-1]
		v.idle = v.idle[:len(v.idle)-1]
		inv := f.waiters[0]
		f.waiters = slices.Delete(f.waiters, 0, 1)
		e.assign(inv)
	}
	for v.starting < len(f.waiters) && v.live < v.max {
		v.live++
		v.starting++
		f.svc.running.Add(1)
		go f.launch(v)
	}
}

// launch starts one environment that is already counted.
func (f *function) launch(v *version) {
	if _, err := f.svc.launch(f, v); err != nil {
		failure := invalidEntrypoint(v.cfg.Dir, err)
		f.svc.logStartFailure(f.name, "", 0, failure)
		f.mu.Lock()
		v.live--
		v.starting--
		if !v.retired {
			f.startFailed(failure)
		}
		f.dispatch()
		f.mu.Unlock()
		f.svc.running.Done()
	}
}

// invalidEntrypoint words why a bootstrap could not even be started.
func invalidEntrypoint(dir string, err error) startFailure {
	reason := err.Error()
	switch {
	case errors.Is(err, os.ErrNotExist):
		reason = fmt.Sprintf("Couldn't find valid bootstrap(s): [%s/bootstrap]", dir)
	case errors.Is(err, syscall.ENOEXEC):
		reason += ": it is no binary for this machine (" + hostArchitecture() + ")"
	}
	return startFailure{errorType: "Runtime.InvalidEntrypoint", reason: reason}
}

// logStartFailure writes the lines that AWS writes, without a request: an
// environment is not started for one.
func (s *Service) logStartFailure(function, stream string, took time.Duration, f startFailure) {
	status := "error\tError Type: " + f.errorType
	if f.errorType == "Sandbox.Timedout" {
		status = "timeout"
	}
	for _, text := range []string{
		"Error: " + f.reason,
		fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: init\tStatus: %s", milliseconds(took), status),
	} {
		s.logs(LogLine{Time: s.now(), Function: function, Stream: stream, Text: text})
	}
}

// startFailed tells the first waiting invocation that an environment did not
// come up. It fails with the second such failure; before, it waits for the
// start that dispatch will try again. f.mu is held.
func (f *function) startFailed(failure startFailure) {
	if len(f.waiters) == 0 {
		return
	}
	inv := f.waiters[0]
	inv.initFailures++
	if inv.initFailures < 2 {
		return
	}
	f.waiters = slices.Delete(f.waiters, 0, 1)
	payload := failure.payload
	if payload == nil {
		payload = failed(failure.errorType, "RequestId: %s Error: %s", inv.id, failure.reason)
	}
	inv.fail(failure.errorType, payload)
	f.finish(inv, nil)
}

// replace makes next the version that new invocations go to; nil removes the
// function. Invocations that run are left to finish on the old version.
func (f *function) replace(next *version, closed error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.version
	f.version, f.closed = next, closed
	if old != nil {
		old.retire()
		f.old = append(f.old, old)
	}
	f.old = slices.DeleteFunc(f.old, func(v *version) bool { return v.live == 0 })
	if next == nil {
		for _, inv := range f.waiters {
			f.finish(inv, closed)
		}
		f.waiters = nil
	}
	f.dispatch()
}

// reserve changes the reserved concurrency of the version there is.
func (f *function) reserve(reserved *int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.version.reserve(reserved, f.svc.opts.MaxEnvironments)
	f.dispatch()
}

// retire ends the environments that run nothing. function.mu is held.
func (v *version) retire() {
	v.retired = true
	v.idle = nil
	for e := range v.envs {
		switch e.phase {
		case idle:
			e.idleTimer.Stop()
			e.phase = ending
			go e.end()
		case starting:
			go e.end()
		}
	}
}

// kill ends what the retired versions still run and counts the invocations that
// it cuts short.
func (f *function) kill() (cut int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, v := range f.old {
		for e := range v.envs {
			if inv := e.current.Load(); inv != nil && !inv.finished {
				cut++
			}
			go func() {
				<-e.launched
				e.proc.signal(syscall.SIGKILL)
			}()
		}
	}
	return cut
}

// drained reports whether no process of the function is left.
func (f *function) drained() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.version == nil && !slices.ContainsFunc(f.old, func(v *version) bool { return v.live > 0 })
}

func (v *version) removeIdle(e *environment) {
	if i := slices.Index(v.idle, e); i >= 0 {
		v.idle = slices.Delete(v.idle, i, i+1)
	}
}
