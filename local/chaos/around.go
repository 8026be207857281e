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
	function, before := p.victim(r, c)
	if function != "" && before && p.killOne(function) {
		p.tell(Kill, c.subject, "a process of %s, before the call has its effect", function)
		panic(http.ErrAbortHandler)
	}
	_, lose := c.fails(Lose)
	if !lose && (function == "" || before) {
		serve(w, r)
		c.passed()
		return
	}
	a := newAnswer()
	serve(a, r)
	switch {
	case lose:
		p.tell(Lose, c.subject, "the answer, status %d", a.status)
		if a.status == http.StatusOK {
			p.rememberLost(r)
		}
		panic(http.ErrAbortHandler)
	case p.killOne(function):
		p.tell(Kill, c.subject, "a process of %s, after the call had its effect", function)
		panic(http.ErrAbortHandler)
	}
	a.sendTo(w)
}

// victim is the function whose process dies at this call, "" for none, and whether
// it dies before the call is done. A retry of a call kills nobody.
func (p *Plan) victim(r *gateway.Request, c *call) (function string, before bool) {
	if c.of.made > 1 {
		return "", false
	}
	roll, yes := p.ask(Kill, c.subject)
	if !yes {
		return "", false
	}
	functions := p.opts.Functions(r.Caller.RoleARN)
	if len(functions) == 0 {
		return "", false
	}
	return functions[roll.below(len(functions))], roll.fraction(2) < 0.5
}

func (p *Plan) killOne(function string) bool {
	kill := p.kill.Load()
	return kill != nil && (*kill)(function)
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
