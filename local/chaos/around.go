package chaos

import (
	"bytes"
	"net/http"

	"github.com/vinci-go/vinci/local/gateway"
)

// serve is how a service answers a call that IAM has let through.
type serve = func(w http.ResponseWriter, r *gateway.Request)

// Around is for [gateway.Options.Around]: it answers a call as AWS might on a bad day,
// or lets the service serve it. The connection of a call whose answer is lost is cut
// with http.ErrAbortHandler.
func (p *Plan) Around(w http.ResponseWriter, r *gateway.Request, serve serve) {
	c := p.begin(r)
	p.pause(r.HTTP.Context(), c.subject)
	if _, yes := c.fails(Throttle); yes {
		p.tell(Throttle, c.subject, "%s", throttle(w, r, c.service))
		return
	}
	if p.conflict(w, r, c) {
		return
	}
	if around := p.special(r, c); around != nil {
		inner := serve
		serve = func(w http.ResponseWriter, r *gateway.Request) { around(w, r, c, inner) }
	}
	death := p.death(r, c)
	if death.before && p.die(death, c) {
		panic(http.ErrAbortHandler)
	}
	_, lose := c.fails(Lose)
	if !lose && !death.after {
		serve(w, r)
		c.passed()
		return
	}
	a := newAnswer()
	serve(a, r)
	if lose {
		p.tell(Lose, c.subject, "the answer, status %d", a.status)
		if a.status == http.StatusOK {
			p.rememberLost(r)
		}
	}
	// The process dies first: cut off alone, it could try again.
	if death.after && p.die(death, c) || lose {
		panic(http.ErrAbortHandler)
	}
	a.sendTo(w)
	c.passed()
}

// death is whose process dies at a call, and when.
type death struct {
	function      string // "" for any
	before, after bool   // the call has its effect; neither: nobody dies
	roll          roll
}

// death decides. A function's call is the death of one of its own processes that
// run, anybody else's of any. A retry kills nobody: the call it repeats was asked.
func (p *Plan) death(r *gateway.Request, c *call) death {
	if c.of.made > 1 {
		return death{}
	}
	roll, yes := p.ask(Kill, c.subject)
	if !yes {
		return death{}
	}
	before := roll.fraction(2) < 0.5
	d := death{before: before, after: !before, roll: roll}
	if functions := p.opts.Functions(r.Caller.RoleARN); len(functions) > 0 {
		d.function = functions[int(roll[3]%uint64(len(functions)))]
	}
	if p.spared(d.function) {
		return death{}
	}
	return d
}

// die carries it out, and reports whether the call ends with it: a caller that is
// no function goes on.
func (p *Plan) die(d death, c *call) bool {
	kill := p.kill.Load()
	if kill == nil {
		return false
	}
	victim, ok := (*kill)(d.function, d.roll.below)
	if !ok {
		return false
	}
	when := "before"
	if d.after {
		when = "after"
	}
	p.tell(Kill, c.subject, "a process of %s, %s the call has its effect", victim, when)
	return d.function != ""
}

// answer keeps what a service answers.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newAnswer() *answer { return &answer{header: http.Header{}} }

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements [http.ResponseWriter].
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

func (a *answer) sendTo(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // a client that hung up has no use for the error
}
