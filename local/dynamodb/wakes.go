package dynamodb

import "sync"

// wakes lets readers of a stream wait for the next write to its table.
type wakes struct {
	mu     sync.Mutex
	tables map[string]chan struct{}
}

func newWakes() *wakes { return &wakes{tables: map[string]chan struct{}{}} }

// next returns a channel that is closed by the next write. Take it before
// reading: a write between the reading and the waiting is then not missed.
func (w *wakes) next(table string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.tables[table]
	if !ok {
		c = make(chan struct{})
		w.tables[table] = c
	}
	return c
}

func (w *wakes) wake(table string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c, ok := w.tables[table]; ok {
		close(c)
		delete(w.tables, table)
	}
}

func (w *wakes) all() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for t, c := range w.tables {
		close(c)
		delete(w.tables, t)
	}
}
