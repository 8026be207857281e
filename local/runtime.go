package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/chaos"
	"github.com/vinci-go/vinci/local/dynamodb"
	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/lambda"
	"github.com/vinci-go/vinci/local/sqs"
)

// Runtime is a running assembly. Its methods may be called from many goroutines.
type Runtime struct {
	config Config
	logger *slog.Logger
	logs   *Logs
	chaos  *chaos.Plan // nil for none

	// In the order in which they are started. Stop goes the other way round.
	lock        *os.File // of the data folder
	temporary   bool     // the data folder goes with the runtime
	dynamodb    *dynamodb.Service
	sqs         *sqs.Service
	eventbridge *eventbridge.Service
	credentials *gateway.Credentials
	gateway     *server
	lambda      *lambda.Service
	targets     *functionTargets // of event buses
	apis        *apiServers

	plan atomic.Pointer[plan] // what runs

	changing sync.Mutex // held by Reload and Stop
	stopped  bool
	stopOnce sync.Once
	stopErr  error
	stopping chan struct{}

	doneOnce sync.Once
	done     chan struct{}
	err      error // read after done
}

// callGrace is how long a call of the gateway may go on when the runtime stops: a
// receiver waits for messages up to 20 seconds, and for nothing any more.
const callGrace = 500 * time.Millisecond

// stopWithin bounds how long a failed start may take to end what it had started.
const stopWithin = 10 * time.Second

// Start runs an assembly, or the bare services when there is none. It returns when
// everything answers: tables are there, mappings poll, HTTP APIs take requests. ctx
// bounds the start only; the runtime then runs until [Runtime.Stop].
//
// Errors: [ErrAssembly] and the kinds of package assembly tell everything that is
// wrong with the assembly; [ErrAddress] for a port that is taken; [ErrInUse] for a
// data folder that another runtime uses; dynamodb.ErrNoEngine when an npm package
// is missing. When Start fails, nothing it began is left.
func Start(ctx context.Context, c Config) (*Runtime, error) {
	c = c.withDefaults()
	r := &Runtime{config: c, logger: c.Logger, logs: newLogs(), stopping: make(chan struct{}), done: make(chan struct{})}
	if err := r.planChaos(); err != nil {
		return nil, fmt.Errorf("start the local runtime: %w", err)
	}
	began := time.Now()
	if err := r.start(ctx); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		return nil, fmt.Errorf("start the local runtime: %w", errors.Join(err, r.close(stopCtx)))
	}
	r.logger.Info("local runtime started", "took", time.Since(began).Round(time.Millisecond), "endpoint", r.Endpoint())
	return r, nil
}

func (r *Runtime) start(ctx context.Context) error {
	if err := r.openData(); err != nil {
		return err
	}
	// The ports first: queue URLs and API endpoints in the assembly need them.
	var err error
	if r.gateway, err = newServer("the AWS endpoint", r.config.GatewayAddr, 0, r.logger); err != nil {
		return err
	}
	r.gateway.grace = callGrace
	r.apis = &apiServers{
		addr: r.config.APIAddr, account: r.config.Account, region: r.config.Region, logger: r.logger, now: r.config.Now,
		failed: r.fail, servers: map[string]*apiServer{},
	}

	p, err := r.load(r.config.Assembly)
	if err != nil {
		return err
	}
	// Tables and queues do not need each other.
	var tables, queues error
	var wg sync.WaitGroup
	wg.Go(func() { tables = r.startTables(ctx, p) })
	wg.Go(func() { queues = r.startQueues(p) })
	wg.Wait()
	if err := errors.Join(tables, queues); err != nil {
		return err
	}
	if err := r.startEvents(p); err != nil {
		return err
	}
	if err := r.newFunctions(ctx, p); err != nil {
		return err
	}
	r.startGateway(p)
	r.lambda.Start()
	if err := r.startSchedules(); err != nil {
		return err
	}
	if err := r.apis.apply(ctx, p.apis, r.chaos.Invoker(r.lambda)); err != nil {
		return err
	}
	go r.watch()
	return nil
}

// Tables are the names of the assembly's tables, sorted. Those that calls of the
// gateway made are not among them: ListTables knows all.
func (r *Runtime) Tables() []string {
	var names []string
	for _, t := range r.plan.Load().tables {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return names
}

// openData makes and locks the data folder.
func (r *Runtime) openData() error {
	if r.config.Data == "" {
		dir, err := os.MkdirTemp("", "vinci-")
		if err != nil {
			return fmt.Errorf("make a temporary data folder: %w", err)
		}
		r.config.Data, r.temporary = dir, true
	}
	var err error
	if r.lock, err = lockData(r.config.Data); err != nil {
		return err
	}
	return checkPlace(r.config.Data, r.config.Account, r.config.Region)
}

// load reads an assembly and makes a plan of it; of none, an empty one.
func (r *Runtime) load(dir string) (*plan, error) {
	if dir == "" {
		return newPlan(&assembly.Assembly{Environment: assembly.Environment{Account: r.config.Account, Region: r.config.Region}})
	}
	var portErr error
	a, err := assembly.Load(dir, assembly.Environment{
		Account: r.config.Account, Region: r.config.Region,
		QueueURL: func(name string) string { return r.Endpoint() + "/" + r.config.Account + "/" + name },
		APIEndpoint: func(id string) string {
			s, err := r.apis.get(id)
			if err != nil {
				portErr = err
				return ""
			}
			return s.url()
		},
	})
	if portErr != nil {
		return nil, portErr
	}
	if err != nil {
		return nil, err
	}
	return newPlan(a)
}

// watch ends the runtime when the engine does.
func (r *Runtime) watch() {
	select {
	case <-r.dynamodb.Done():
		if err := r.dynamodb.Err(); err != nil {
			r.fail(err)
		}
	case <-r.stopping:
	}
}

// fail says that the runtime cannot go on. The first reason counts.
func (r *Runtime) fail(err error) {
	r.doneOnce.Do(func() {
		r.err = err
		close(r.done)
	})
}

// close ends what was started, that which others need last, and tells every
// failure. Parts that a failed start did not come to are nil.
func (r *Runtime) close(ctx context.Context) error {
	close(r.stopping)
	var errs []error
	end := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", what, err))
		}
	}
	if r.apis != nil {
		end("HTTP APIs", r.apis.stop(ctx))
	}
	if r.eventbridge != nil {
		end("schedules", r.eventbridge.StopSchedules(ctx))
	}
	if r.lambda != nil {
		end("functions", r.lambda.Close(ctx))
	}
	if r.gateway != nil {
		end("the AWS endpoint", r.gateway.stop(ctx))
	}
	if r.eventbridge != nil {
		end("event buses", r.eventbridge.Close(ctx))
	}
	if r.sqs != nil {
		end("queues", r.sqs.Close())
	}
	if r.dynamodb != nil {
		end("DynamoDB", r.dynamodb.Close(ctx))
	}
	if r.lock != nil {
		end("the lock of the data folder", r.lock.Close())
	}
	if r.temporary {
		end("the temporary data folder", os.RemoveAll(r.config.Data))
	}
	r.logs.close()
	return errors.Join(errs...)
}
