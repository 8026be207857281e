package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
)

// Options are the settings of [Start]. Engine and File name the engine and its
// data, or Endpoint names one that somebody else runs.
type Options struct {
	// Engine is the path of the engine's program: see [FindEngine].
	Engine string
	// File is the database file. It and its folder are made if they are missing.
	// Beside it lies a lock file, so that two processes cannot serve one file.
	File string
	// Endpoint is the URL of another DynamoDB, as "http://127.0.0.1:8000". Then no
	// process is started, and streams are read through its Streams API.
	Endpoint string
	// Account and Region stand in the ARNs of needs and stream records; "" means the
	// gateway's defaults.
	Account, Region string
	// Logger gets a line for a stale engine that was ended, for lost stream records
	// and for the engine's death; nil discards them.
	Logger *slog.Logger
	// Now reads the clock; nil means time.Now.
	Now func() time.Time
}

// Service is DynamoDB and its streams. It is a [gateway.Service], and safe for
// concurrent use.
type Service struct {
	account, region string
	logger          *slog.Logger
	now             func() time.Time

	client *client
	engine *engine // nil with an external endpoint
	lock   *os.File

	tokens  *tokens
	wakes   *wakes
	tables  *tableCache
	streams *streamReader

	closing chan struct{} // closed by Close
	once    sync.Once
	done    chan struct{} // closed when the engine has ended
	err     error         // read after done
}

var _ gateway.Service = (*Service)(nil)

// Start starts the engine and returns when it answers, at most 15 seconds later.
// An engine that an earlier, killed process left on the file is ended first.
//
// Errors: [ErrNoEngine], [ErrInUse], [ErrEngineDied]. The context is for the start
// only: the engine runs until [Service.Close], or until this process ends,
// whichever way it ends.
func Start(ctx context.Context, o Options) (*Service, error) {
	if (o.Endpoint == "") == (o.File == "") {
		return nil, errors.New("local DynamoDB: give a database file or an endpoint, one of them")
	}
	s := &Service{
		account: o.Account, region: o.Region, logger: o.Logger, now: o.Now,
		wakes: newWakes(), closing: make(chan struct{}), done: make(chan struct{}),
	}
	if s.account == "" {
		s.account = gateway.DefaultAccount
	}
	if s.region == "" {
		s.region = gateway.DefaultRegion
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.tokens = newTokens(s.now)
	if o.Endpoint != "" {
		u, err := url.Parse(o.Endpoint)
		if err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http") {
			return nil, fmt.Errorf("local DynamoDB: endpoint %q: want a URL like http://127.0.0.1:8000", o.Endpoint)
		}
		s.client = newClient(u.String(), signed(s.region, s.now))
	} else if err := s.startEngine(ctx, o); err != nil {
		return nil, err
	}
	s.tables = newTableCache(s)
	s.streams = newStreamReader(s)
	return s, nil
}

func (s *Service) startEngine(ctx context.Context, o Options) error {
	file, err := absolute(o.File)
	if err != nil {
		return fmt.Errorf("local DynamoDB: database file %s: %w", o.File, err)
	}
	if s.lock, err = lockFile(file); err != nil {
		return err
	}
	fail := func(err error) error {
		s.lock.Close() // the error at hand matters more
		return err
	}
	pids, err := endStale(ctx, file)
	if err != nil {
		return fail(err)
	}
	for _, pid := range pids {
		s.logger.Warn("ended a DynamoDB engine that an earlier run left behind", "pid", pid, "file", file)
	}
	probe := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	if s.engine, err = startEngine(ctx, o.Engine, file, probe); err != nil {
		return fail(err)
	}
	if err := indexStreams(ctx, file); err != nil {
		s.engine.stop(ctx)
		return fail(err)
	}
	s.client = newClient("http://"+s.engine.address+"/", unsigned)
	go s.watch()
	return nil
}

// watch waits for the engine's end, told or not.
func (s *Service) watch() {
	<-s.engine.done
	if !s.closed() {
		s.err = s.engine.ended()
		s.logger.Error(s.err.Error())
	}
	s.wakes.all() // readers find out too
	close(s.done)
}

// Done is closed when the engine has ended, after [Service.Close] or by itself.
// It is never closed while an external endpoint is in use.
func (s *Service) Done() <-chan struct{} { return s.done }

// Err is of kind [ErrEngineDied] once the engine has ended by itself, and nil
// before and after [Service.Close]. It holds the engine's last output.
func (s *Service) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// causeWithin is how long the end of a process may be known later than the end of
// its connections.
const causeWithin = 500 * time.Millisecond

// cause is the engine's end when that is why a call failed, else err.
func (s *Service) cause(err error) error {
	if s.closed() {
		return fmt.Errorf("%w (%w)", ErrClosed, err)
	}
	var api *apiError
	if s.engine == nil || errors.As(err, &api) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	wait := time.NewTimer(causeWithin)
	defer wait.Stop()
	select {
	case <-s.done:
		if s.err != nil {
			return s.err
		}
	case <-wait.C:
	}
	return err
}

func (s *Service) closed() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// Close ends the engine: it is asked first, and after 5 seconds or at the
// context's end killed. It returns after its end. Calls in flight fail.
func (s *Service) Close(ctx context.Context) error {
	var err error
	s.once.Do(func() {
		close(s.closing)
		if s.engine != nil {
			s.engine.stop(ctx)
			<-s.done
			err = s.lock.Close()
		}
		s.wakes.all() // waiting readers find out
		s.client.close()
	})
	return err
}

// Address is the URL at which the engine itself answers, without IAM. It is for
// tests and tools: a program that is told this address goes past the gateway.
func (s *Service) Address() string { return s.client.url }

func (s *Service) tableARN(name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return "arn:aws:dynamodb:" + s.region + ":" + s.account + ":table/" + name
}

// tableName is the name in a TableName parameter, which may be an ARN.
func tableName(nameOrARN string) string {
	if !strings.HasPrefix(nameOrARN, "arn:") {
		return nameOrARN
	}
	_, rest, _ := strings.Cut(nameOrARN, ":table/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}
