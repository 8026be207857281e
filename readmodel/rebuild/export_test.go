package rebuild

import (
	"context"
	"io"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
)

// Process is what a program made with Main finds around it.
type Process struct {
	Args           []string
	Stdout, Stderr io.Writer
	Terminal       bool
	Store          orm.Store
	Queues         ops.Queues
	Born           time.Time
	Err            error // of reaching the deployment
	// Getenv finds a deployment as Main does, in place of Store and Born.
	Getenv func(string) string
}

// Run is Main, with its exit code.
func (p Process) Run(ctx context.Context, sub *bus.Definition, tables []Table, parts ...bus.Part) int {
	return program{args: p.Args, getenv: p.Getenv, stdout: p.Stdout, stderr: p.Stderr, terminal: p.Terminal, now: time.Now, open: func(ctx context.Context, getenv func(string) string) (deployment, error) {
		if getenv != nil {
			d, err := open(ctx, getenv)
			if p.Queues != nil {
				d.queues = p.Queues
			}
			return d, err
		}
		return deployment{Deployment: names.Deployment{App: "sim", ID: "test"}, store: p.Store, queues: p.Queues, born: p.Born}, p.Err
	}}.run(ctx, sub, tables, parts)
}
