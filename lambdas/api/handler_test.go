package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vinci-go/vinci/domain"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/event/httpflow"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newTestAPI(store orm.Store, logTo io.Writer) http.Handler {
	now := func() time.Time { return noon }
	var ids atomic.Int64
	newID := func() string { return fmt.Sprintf("u%d", ids.Add(1)) }
	log := eventlog.New(store, eventlog.Options{Source: domain.Application, Now: now, NewID: newID})
	return newHandler(&api{
		service: users.NewService(store, log, now, func() string { return "alice" }),
		orders:  orders.NewService(store, log, orders.Options{Now: now, NewID: newID}),
		queries: orders.NewQueries(store, first{}, first{}),
		now:     now,
		logger:  slog.New(slog.NewTextHandler(logTo, nil)),
	})
}

// first is the first generation of a read model.
type first struct{}

func (first) Generation(context.Context) (string, error) { return "", nil }

func do(t *testing.T, h http.Handler, method, path, body string) (*http.Response, map[string]any) {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(method, path, strings.NewReader(body)))
	resp := rec.Result()
	var doc map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		t.Fatalf("%s %s: answer %q: %v", method, path, rec.Body, err)
	}
	return resp, doc
}

// What a request says of its trace and correlation is in the events it causes, and who
// has sent it.
func TestRequestFlowsIntoEvents(t *testing.T) {
	store := ormtest.New()
	h := newTestAPI(store, io.Discard)
	r := httptest.NewRequest("POST", "/users", strings.NewReader(`{"email":"alice@example.com","name":"Alice"}`))
	r.Header.Set("X-Correlation-Id", "order-7")
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	r.Header.Set("X-Actor", "mallory")
	r = r.WithContext(httpflow.WithCaller(r.Context(), httpflow.Caller{Scheme: httpflow.IAM, Principal: "arn:aws:iam::123456789012:user/shop"}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 201 || w.Header().Get("X-Correlation-Id") != "order-7" {
		t.Fatalf("answer %d %v", w.Code, w.Header())
	}
	log := eventlog.New(store, eventlog.Options{Source: domain.Application})
	n := 0
	for e, err := range log.Stream(t.Context(), "user/alice", 1) {
		if err != nil || e.CorrelationID != "order-7" || !strings.HasPrefix(e.TraceParent, "00-0af7651916cd43dd8448eb211c80319c-") || strings.Contains(e.TraceParent, "b7ad6b7169203331") || e.Actor != "arn:aws:iam::123456789012:user/shop" {
			t.Errorf("event %+v, %v", e.Metadata, err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func TestUserLife(t *testing.T) {
	h := newTestAPI(ormtest.New(), io.Discard)

	resp, user := do(t, h, "POST", "/users", `{"email":"alice@example.com","name":"Alice"}`)
	if resp.StatusCode != 201 || resp.Header.Get("Location") != "/users/alice" || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("register: %d %v", resp.StatusCode, resp.Header)
	}
	want := map[string]any{"user_id": "alice", "email": "alice@example.com", "name": "Alice", "status": "pending", "created_at": "2026-03-01T12:00:00Z"}
	if fmt.Sprint(user) != fmt.Sprint(want) {
		t.Errorf("registered %v, want %v", user, want)
	}
	if resp, user = do(t, h, "POST", "/users/alice/activate", ""); resp.StatusCode != 200 || user["status"] != "active" {
		t.Errorf("activate: %d %v", resp.StatusCode, user)
	}
	if resp, user = do(t, h, "GET", "/users/alice", ""); resp.StatusCode != 200 || user["status"] != "active" {
		t.Errorf("read: %d %v", resp.StatusCode, user)
	}
	if resp, stats := do(t, h, "GET", "/stats", ""); resp.StatusCode != 200 || fmt.Sprint(stats) != "map[active_users:0 total_users:0]" {
		t.Errorf("stats: %d %v", resp.StatusCode, stats)
	}
}

func TestProblems(t *testing.T) {
	tests := []struct {
		name, method, path, body string
		status                   int
		field                    string
	}{
		{"no body", "POST", "/users", "", 400, ""},
		{"no JSON", "POST", "/users", "alice", 400, ""},
		{"not an object", "POST", "/users", `[]`, 400, ""},
		{"cut off", "POST", "/users", `{"email":`, 400, ""},
		{"two values", "POST", "/users", `{"email":"a@example.com","name":"A"} {}`, 400, ""},
		{"wrong type", "POST", "/users", `{"email":1}`, 400, "email"},
		{"unknown field", "POST", "/users", `{"email":"a@example.com","name":"A","password":"x"}`, 400, "password"},
		{"no email", "POST", "/users", `{"name":"Alice"}`, 400, "email"},
		{"bad email", "POST", "/users", `{"email":"alice","name":"Alice"}`, 400, "email"},
		{"no name", "POST", "/users", `{"email":"alice@example.com"}`, 400, "name"},
		{"taken", "POST", "/users", `{"email":"Bob@example.com","name":"Bob"}`, 409, "email"},
		{"no such user", "GET", "/users/nobody", "", 404, "user_id"},
		{"activate no such user", "POST", "/users/nobody/activate", "", 404, "user_id"},
		{"activate again", "POST", "/users/alice/activate", "", 409, "status"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newTestAPI(ormtest.New(), io.Discard)
			do(t, h, "POST", "/users", `{"email":"bob@example.com","name":"Bob"}`)
			do(t, h, "POST", "/users/alice/activate", "")

			resp, doc := do(t, h, tt.method, tt.path, tt.body)
			if resp.StatusCode != tt.status || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Fatalf("status %d, type %s: %v", resp.StatusCode, resp.Header.Get("Content-Type"), doc)
			}
			if doc["status"] != float64(tt.status) || doc["title"] != http.StatusText(tt.status) || doc["detail"] == nil {
				t.Errorf("problem %v", doc)
			}
			if detail, _ := doc["detail"].(string); strings.Contains(detail, "Go value") {
				t.Errorf("the detail shows the program's inside: %s", detail)
			}
			if field, _ := doc["field"].(string); field != tt.field {
				t.Errorf("field %q, want %q", field, tt.field)
			}
		})
	}
}

// failing is a store that answers all that the API asks with one error.
type failing struct {
	orm.Store
	err error
}

func (f failing) Get(context.Context, *orm.GetRequest) (orm.Item, error)      { return nil, f.err }
func (f failing) Query(context.Context, *orm.QueryRequest) (*orm.Page, error) { return nil, f.err }
func (f failing) Do(context.Context, orm.Action) (orm.Item, error)            { return nil, f.err }
func (f failing) Transact(context.Context, string, []orm.Action) error        { return f.err }

func TestServerSide(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		status int
	}{
		{"unknown", errors.New("secret of the inside"), 500},
		{"throttled", &orm.Error{Kind: orm.KindThrottled, Op: "get", Table: "users"}, 503},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var logged bytes.Buffer
			resp, doc := do(t, newTestAPI(failing{err: tt.err}, &logged), "GET", "/users/alice", "")
			if resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d: %v", resp.StatusCode, tt.status, doc)
			}
			if strings.Contains(fmt.Sprint(doc), "secret") {
				t.Errorf("the answer shows the cause: %v", doc)
			}
			if !strings.Contains(logged.String(), tt.err.Error()) {
				t.Errorf("the log lacks the cause: %s", &logged)
			}
		})
	}
}
