package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
)

// writeTimeout bounds a write whose caller has gone.
const writeTimeout = 60 * time.Second

// Prefixes are DynamoDB's and its streams'.
func (s *Service) Prefixes() []string { return []string{targetTables, targetStreams} }

// Serve passes the call on and its answer back unchanged. Readers of the streams
// of tables that it wrote are woken.
func (s *Service) Serve(w http.ResponseWriter, r *gateway.Request) {
	op := operations[r.Operation]
	ctx := r.HTTP.Context()
	if op.writes != nil {
		// A caller that hangs up does not undo a write: it is seen to its end, so
		// that its token and its stream records are right.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		defer cancel()
	}
	var a *answer
	var err error
	if r.Operation == "TransactWriteItems" {
		a, err = s.transact(ctx, r)
	} else {
		a, err = s.client.post(ctx, r.HTTP.Header, r.Body)
	}
	if err != nil {
		gateway.WriteError(w, r, s.explain(err))
		return
	}
	if a.status == http.StatusOK {
		s.written(r.Operation, op, r.Body)
	}
	h := w.Header()
	for k, v := range a.header {
		h[k] = v
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that hung up has no use for the error
}

// written tells those who need to know of a successful write or table change.
func (s *Service) written(operation string, op operation, body []byte) {
	switch {
	case op.writes != nil:
		tables, err := op.writes(body)
		if err != nil { // cannot be: the engine has understood the same body
			s.wakes.all()
			return
		}
		for _, t := range tables {
			s.wakes.wake(tableName(t))
		}
	case op.schema:
		var in struct{ TableName string }
		if json.Unmarshal(body, &in) == nil {
			s.tables.forget(tableName(in.TableName))
			s.streams.forget(tableName(in.TableName))
		}
	}
}

// explain turns a failure to reach the engine into an answer that says why. The
// SDKs retry it.
func (s *Service) explain(err error) error {
	var e *gateway.Error
	if errors.As(err, &e) {
		return e
	}
	if err = s.cause(err); errors.Is(err, ErrEngineDied) {
		return err
	}
	return fmt.Errorf("the call to DynamoDB at %s failed: %w", s.client.url, err)
}

// transact keeps the request token here instead of in the engine: see tokens.
func (s *Service) transact(ctx context.Context, r *gateway.Request) (*answer, error) {
	body, token, parameters, err := stripToken(r.Body)
	// A body or token that is wrong goes to the engine as it is, for its error.
	if err != nil || len(token) < 1 || len(token) > 36 {
		return s.client.post(ctx, r.HTTP.Header, r.Body)
	}
	use, earlier, err := s.tokens.begin(token, parameters)
	if err != nil {
		return nil, err
	}
	if earlier != nil {
		return replay(r, earlier), nil
	}
	defer use.end() // after done: nothing
	a, err := s.client.post(ctx, r.HTTP.Header, body)
	if err == nil && a.status == http.StatusOK {
		use.done(a.body)
	}
	return a, err
}
