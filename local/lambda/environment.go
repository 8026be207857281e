package lambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// phase is where an environment is in its life.
type phase int

const (
	starting phase = iota // the process runs, and has not asked for work yet
	idle                  // waits for work; it is in version.idle
	busy                  // has an invocation
	ending                // told to end, or killed
	gone                  // reaped
)

// sigtermGrace is how long a process that asked for SIGTERM has before SIGKILL.
const sigtermGrace = 500 * time.Millisecond

// environment is one process with its own Runtime API. Its fields belong to
// function.mu unless said otherwise.
type environment struct {
	svc       *Service
	fn        *function
	v         *version
	logStream string
	server    *http.Server
	work      chan *invocation // holds one
	quit      chan struct{}    // closed when the process is gone

	launched chan struct{} // closed when proc is set; it does not change after
	proc     *process

	started      time.Time
	phase        phase
	initTimer    *time.Timer
	idleTimer    *time.Timer
	initDuration time.Duration // 0 once an invocation has reported it
	initError    []byte        // what the process posted to init/error
	initTimeout  bool
	sigterm      bool // it registered for SIGTERM (extensions API)

	current atomic.Pointer[invocation] // read by the log without the lock

	frozen      bool
	freezeTimer *time.Timer // nil before it was idle
	memoryTimer *time.Timer
	tooBig      bool  // killed because of its memory
	memory      int64 // the peak that was last found, in bytes, and when
	memoryAt    time.Time

	tmp string // its own folder for temporary files
}

// launch starts an environment of version v. On an error nothing is left behind.
func (s *Service) launch(fn *function, v *version) (*environment, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the Runtime API: %w", err)
	}
	e := &environment{
		svc: s, fn: fn, v: v,
		logStream: s.newLogStream(),
		work:      make(chan *invocation, 1),
		quit:      make(chan struct{}),
		launched:  make(chan struct{}),
		started:   time.Now(),
	}
	e.server = &http.Server{Handler: e.runtimeAPI()}
	go func() {
		if err := e.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.logger.Error("the Runtime API of a function stopped", "function", v.cfg.Name, "error", err)
		}
	}()
	env := s.variables(&v.cfg, listener.Addr().String(), e.logStream)
	if e.tmp, err = s.makeTemp(); err == nil {
		env = append(env, "TMPDIR="+e.tmp)
		e.proc, err = s.spawner.startProcess(v.cfg.Dir, env, e.log, e.exited)
	}
	if err != nil {
		s.removeTemp(e.tmp)
		_ = e.server.Close()
		return nil, err
	}
	fn.mu.Lock()
	v.envs[e] = struct{}{}
	e.initTimer = time.AfterFunc(s.initTimeout, e.initTimedOut)
	e.memoryTimer = time.AfterFunc(watchMemory, e.watchMemory)
	retired := v.retired
	fn.mu.Unlock()
	close(e.launched)
	if retired {
		e.end()
	}
	return e, nil
}

// log writes a line for the invocation that runs, if one does.
func (e *environment) log(text string) {
	id := ""
	if inv := e.current.Load(); inv != nil {
		if inv.quiet && inv.told.CompareAndSwap(false, true) {
			e.log(startLine(inv))
		}
		id = inv.id
		inv.tail.add(text)
	}
	e.svc.logs(LogLine{Time: e.svc.now(), Function: e.v.cfg.Name, RequestID: id, Stream: e.logStream, Text: text})
}

// askedFor is the answer to a runtime that asks for work.
type askedFor int

const (
	work    askedFor = iota // it may wait for an invocation
	refused                 // it has one that it has not answered
	none                    // it is about to be killed: no answer, which it would report as an error
)

// asked is called when the runtime asks for work: its start, or its invocation, is
// over. A runtime may ask with more than one connection.
func (e *environment) asked() askedFor {
	<-e.launched
	e.proc.logs.flush()
	e.fn.mu.Lock()
	defer e.fn.mu.Unlock()
	if inv := e.current.Load(); inv != nil {
		switch {
		case inv.timedOut || inv.outOfMemory:
			return none
		case !inv.responded:
			return refused
		case inv.finished: // another connection was first, and ends it just now
			return work
		}
		if !e.complete(inv) {
			return none
		}
	}
	switch e.phase {
	case starting:
		if e.overMemory(e.proc.maxMemory()) {
			return none
		}
		e.v.starting--
		e.initTimer.Stop()
		e.initDuration = time.Since(e.started)
	case busy:
	case idle: // it asks again, with another connection
		return work
	default:
		return none
	}
	e.memoryTimer.Stop()
	if e.v.retired {
		e.phase = ending
		go e.end()
		return none
	}
	e.phase = idle
	e.v.idle = append(e.v.idle, e)
	e.idleTimer = time.AfterFunc(e.svc.opts.IdleTimeout, e.idledOut)
	e.fn.dispatch()
	if e.phase == idle {
		if e.freezeTimer == nil {
			e.freezeTimer = time.AfterFunc(freezeAfter, e.freeze)
		} else {
			e.freezeTimer.Reset(freezeAfter)
		}
	}
	return work
}

// complete ends the current invocation, which is answered and whose runtime has
// asked for the next. It reports false when the process has taken more memory than
// it may: then its death ends the invocation. fn.mu is held, but not while it logs.
func (e *environment) complete(inv *invocation) bool {
	used := e.usedMemory()
	if e.overMemory(used) {
		return false
	}
	inv.timer.Stop()
	inv.finished = true
	init := e.initDuration
	e.initDuration = 0
	e.fn.mu.Unlock()

	// A function that returns an error has answered: AWS shows no status for it.
	e.logEnd(inv, init, used, "")

	e.fn.mu.Lock()
	e.current.Store(nil)
	e.fn.finish(inv, nil)
	return true
}

// logEnd writes the END and REPORT lines of inv.
func (e *environment) logEnd(inv *invocation, init time.Duration, memory int64, status string) {
	if inv.quiet && !inv.told.Load() && status == "" && inv.result.FunctionError == "" {
		return // there was nothing to tell
	}
	e.log("END RequestId: " + inv.id)
	e.log(report(inv.id, time.Since(inv.start), init, e.v.cfg.MemoryMB, memory, status))
}

// assign gives an idle environment its next invocation. fn.mu is held.
func (e *environment) assign(inv *invocation) {
	e.idleTimer.Stop()
	e.phase = busy
	e.memoryTimer.Reset(watchMemory)
	if e.freezeTimer != nil {
		e.freezeTimer.Stop()
	}
	e.thaw()
	inv.start = time.Now()
	inv.timer = time.AfterFunc(e.v.cfg.Timeout, func() { e.timedOut(inv) })
	e.current.Store(inv)
	e.work <- inv
}

// deliver marks that the runtime is about to be sent inv. It reports false when
// the process has died meanwhile and inv went to another environment.
func (e *environment) deliver(inv *invocation) bool {
	e.fn.mu.Lock()
	// One that died idle is not always reaped yet.
	mine := e.current.Load() == inv && e.proc.alive()
	if mine {
		inv.delivered = true
	}
	e.fn.mu.Unlock()
	if mine && !inv.quiet {
		e.log(startLine(inv))
	}
	return mine
}

func startLine(inv *invocation) string { return "START RequestId: " + inv.id + " Version: $LATEST" }

// respond sets the result of the invocation of that id and reports whether
// there was one to be answered.
func (e *environment) respond(id string, set func(*invocation)) bool {
	e.fn.mu.Lock()
	defer e.fn.mu.Unlock()
	inv := e.current.Load()
	if inv == nil || inv.id != id || inv.responded || inv.timedOut {
		return false
	}
	inv.responded = true
	set(inv)
	return true
}

// timedOut kills the process of an invocation whose time is up.
func (e *environment) timedOut(inv *invocation) {
	e.fn.mu.Lock()
	if inv.finished || inv.timedOut || e.current.Load() != inv {
		e.fn.mu.Unlock()
		return
	}
	inv.timedOut = true
	e.phase = ending
	if !inv.responded {
		inv.fail("Sandbox.Timedout", failed("Sandbox.Timedout",
			"RequestId: %s Error: Task timed out after %.2f seconds", inv.id, e.v.cfg.Timeout.Seconds()))
	}
	e.fn.mu.Unlock()
	e.proc.signal(syscall.SIGKILL)
}

func (e *environment) initTimedOut() {
	<-e.launched
	e.fn.mu.Lock()
	if e.phase != starting {
		e.fn.mu.Unlock()
		return
	}
	e.initTimeout = true
	e.fn.mu.Unlock()
	e.proc.signal(syscall.SIGKILL)
}

func (e *environment) idledOut() {
	e.fn.mu.Lock()
	if e.phase != idle {
		e.fn.mu.Unlock()
		return
	}
	e.v.removeIdle(e)
	e.phase = ending
	e.fn.mu.Unlock()
	e.end()
}

// end ends the process: with SIGKILL as AWS does, or with SIGTERM first when it
// registered for it.
func (e *environment) end() {
	<-e.launched
	e.fn.mu.Lock()
	sigterm := e.sigterm
	e.fn.mu.Unlock()
	if sigterm {
		e.proc.signal(syscall.SIGTERM)
		e.proc.signal(syscall.SIGCONT) // a frozen process does not see it
		select {
		case <-e.quit:
			return
		case <-time.After(sigtermGrace):
		}
	}
	e.proc.signal(syscall.SIGKILL)
}

// exited is called once, when the process is gone.
func (e *environment) exited(x exit) {
	<-e.launched
	defer e.svc.running.Done()
	close(e.quit)
	_ = e.server.Close()
	e.svc.removeTemp(e.tmp)

	f := e.fn
	f.mu.Lock()
	e.memoryTimer.Stop()
	was := e.phase
	e.phase = gone
	e.v.removeIdle(e)
	delete(e.v.envs, e)
	e.v.live--
	inv := e.current.Load()
	switch {
	case was == starting:
		e.v.starting--
		e.initTimer.Stop()
		if e.v.retired {
			break
		}
		failure := startFailure{errorType: "Runtime.ExitError", reason: x.reason, payload: e.initError}
		if e.tooBig {
			failure = startFailure{errorType: outOfMemory, reason: x.reason}
		}
		if e.initTimeout {
			failure = startFailure{errorType: "Sandbox.Timedout",
				reason: fmt.Sprintf("Task timed out after %.2f seconds", e.svc.initTimeout.Seconds())}
		}
		f.mu.Unlock()
		e.svc.logStartFailure(e.v.cfg.Name, e.logStream, time.Since(e.started), failure)
		f.mu.Lock()
		f.startFailed(failure)
	case inv == nil || inv.finished:
		// Nothing ran, or complete is about to end what did.
	case !inv.delivered && !inv.timedOut:
		// It died idle and never saw the invocation: another one takes it.
		inv.timer.Stop()
		e.current.Store(nil)
		if f.version == nil {
			f.finish(inv, f.closed)
			break
		}
		f.waiters = slices.Insert(f.waiters, 0, inv)
	default:
		e.endDead(inv, x)
	}
	f.dispatch()
	f.mu.Unlock()
}

// endDead ends the invocation of a process that died under it. fn.mu is held,
// but not while it logs.
func (e *environment) endDead(inv *invocation, x exit) {
	inv.timer.Stop()
	inv.finished = true
	status := "Status: timeout"
	switch {
	case inv.timedOut:
	case inv.outOfMemory:
		// Whatever it answered: on AWS it would not have come so far.
		inv.fail(outOfMemory, failed(outOfMemory, "RequestId: %s Error: %s", inv.id, x.reason))
		x.maxMemory = int64(e.v.cfg.MemoryMB) << 20 // AWS shows no more than there is
		status = "Status: error\tError Type: " + outOfMemory
	default:
		if !inv.responded {
			inv.fail("Runtime.ExitError", failed("Runtime.ExitError", "RequestId: %s Error: %s", inv.id, x.reason))
		}
		status = "Status: error\tError Type: Runtime.ExitError"
		if inv.errorType != "" {
			status = "Status: error\tError Type: " + inv.errorType
		}
	}
	init := e.initDuration
	e.fn.mu.Unlock()
	if inv.timedOut {
		e.log(fmt.Sprintf("%s %s Task timed out after %.2f seconds",
			e.svc.now().UTC().Format("2006-01-02T15:04:05.000Z"), inv.id, e.v.cfg.Timeout.Seconds()))
	} else {
		e.log(fmt.Sprintf("RequestId: %s Error: %s", inv.id, x.reason))
		e.log(cmp.Or(inv.errorType, "Runtime.ExitError"))
	}
	e.logEnd(inv, init, x.maxMemory, status)
	e.fn.mu.Lock()
	e.current.Store(nil)
	e.fn.finish(inv, nil)
}

// waitWork returns the next invocation, or nil when there will be none.
func (e *environment) waitWork(ctx context.Context) *invocation {
	select {
	case inv := <-e.work:
		return inv
	case <-e.quit:
	case <-ctx.Done():
	}
	return nil
}
