package lambda

import (
	"context"
	"log/slog"
	"reflect"
	"sync/atomic"
	"time"
)

// mapping is an event source mapping that runs.
type mapping struct {
	cfg   MappingConfig
	stop  context.CancelFunc // no new batches
	cut   context.CancelFunc // nor wait for those there are
	began chan struct{}      // closed when it takes batches
	done  chan struct{}

	result atomic.Pointer[string] // of a stream's last batch, in AWS's words
}

// invoker runs a function and waits for it.
type invoker func(ctx context.Context, payload []byte) (Result, error)

// runner takes batches until poll is done, and finishes those it has unless
// work is done.
type runner interface {
	run(poll, work context.Context)
}

// newRunner makes the runner of a checked configuration.
func (s *Service) newRunner(c MappingConfig, result *atomic.Pointer[string]) runner {
	source, _ := parseARN(c.SourceARN)
	filters, _ := compileFilters(c.FilterPatterns)
	invoke := func(ctx context.Context, payload []byte) (Result, error) {
		return s.Invoke(ctx, c.FunctionName, payload)
	}
	log := s.logger.With("mapping", c.ID, "function", c.FunctionName, "source", source.resource)
	if source.service == "sqs" {
		return &queueMapping{
			cfg: c, region: source.region, filters: filters,
			queues: s.opts.Queues, invoke: invoke, log: log,
			limit: func() int { return s.concurrency(c.FunctionName) },
		}
	}
	table, _ := source.streamTable()
	m := &streamMapping{
		cfg: c, table: table, filters: filters,
		streams: s.opts.Streams, queues: s.opts.Queues, invoke: invoke, log: log,
		functionARN: func() string { return s.functionARN(c.FunctionName) },
		positions:   positions{dir: s.opts.StateDir, id: c.ID, source: c.SourceARN},
		now:         s.now, newID: s.newID, result: result,
	}
	if sharded, ok := s.opts.Streams.(ShardedStreams); ok {
		return newShardedMapping(m, sharded.Shards(table))
	}
	return m
}

// concurrency is how many invocations of a function can run at once.
func (s *Service) concurrency(name string) int {
	most := 0
	s.withVersion(name, func(v *version) { most = v.max })
	return most
}

func (s *Service) functionARN(name string) string {
	arn := ""
	s.withVersion(name, func(v *version) { arn = v.cfg.ARN })
	return arn
}

// withVersion lets do look at what a function runs, if it is there.
func (s *Service) withVersion(name string, do func(*version)) {
	s.mu.RLock()
	f := s.functions[name]
	s.mu.RUnlock()
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.version != nil {
		do(f.version)
	}
}

// retireMappings tells the mappings to stop that are not among next, or not as
// they were. It returns, by id, those that a new one must wait for.
func (s *Service) retireMappings(next []MappingConfig) map[string]*mapping {
	keep := map[string]bool{}
	for _, c := range next {
		if m := s.mappings[c.ID]; m != nil && c.Enabled && reflect.DeepEqual(m.cfg, c) {
			keep[c.ID] = true
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, m := range s.mappings {
		if !keep[id] {
			m.stop()
			delete(s.mappings, id)
			s.stopping[id] = m
		}
	}
	for id, m := range s.stopping {
		select {
		case <-m.done:
			delete(s.stopping, id)
		default:
		}
	}
	return s.stopping
}

// startMappings starts those of next that do not run. One whose predecessor is
// still at work begins after it: two would read a stream twice.
func (s *Service) startMappings(next []MappingConfig, after map[string]*mapping) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range next {
		if !c.Enabled || s.mappings[c.ID] != nil {
			continue
		}
		ctx := WithPoller(context.Background(), c.FunctionName)
		poll, stop := context.WithCancel(ctx)
		work, cut := context.WithCancel(ctx)
		m := &mapping{cfg: c, stop: stop, cut: cut, began: make(chan struct{}), done: make(chan struct{})}
		r, before := s.newRunner(c, &m.result), after[c.ID]
		go func() {
			defer close(m.done)
			defer cut()
			if before != nil {
				<-before.done
			}
			if poll.Err() == nil {
				close(m.began)
				r.run(poll, work)
			}
		}()
		s.mappings[c.ID] = m
	}
}

// stopMappings stops all of them and waits until they have finished their
// batches, or until ctx is done, when it cuts them short.
func (s *Service) stopMappings(ctx context.Context) {
	s.mu.Lock()
	var all []*mapping
	for _, set := range []map[string]*mapping{s.mappings, s.stopping} {
		for _, m := range set {
			m.stop()
			all = append(all, m)
		}
	}
	clear(s.mappings)
	clear(s.stopping)
	s.mu.Unlock()
	for _, m := range all {
		select {
		case <-m.done:
		case <-ctx.Done():
			for _, m := range all {
				m.cut()
			}
			<-m.done
		}
	}
}

// backoff waits longer each time it is asked in a row, from first up to limit.
type backoff struct {
	first, limit time.Duration
	next         time.Duration
}

func (b *backoff) reset() { b.next = 0 }

// wait returns false when ctx was done first.
func (b *backoff) wait(ctx context.Context) bool {
	b.next = min(max(b.first, 2*b.next), b.limit)
	t := time.NewTimer(b.next)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// warnOnce logs the first of a row of equal troubles, so that a missing queue
// does not fill the log.
type warnOnce struct {
	log  *slog.Logger
	last string
}

func (w *warnOnce) warn(message string, err error) {
	if text := message + err.Error(); text != w.last {
		w.last = text
		w.log.Warn(message, "error", err)
	}
}

func (w *warnOnce) clear() { w.last = "" }
