package httpapi

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/lambda"
)

// TestThrottle: each route has a bucket that fills with the clock; what is over it
// gets 429, and neither authorizer nor function is asked.
func TestThrottle(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	calls := 0
	h := newAPI(t, func(context.Context, string, []byte) (lambda.Result, error) {
		calls++
		return lambda.Result{Payload: []byte(`{}`)}, nil
	}, func(c *Config) {
		c.Now = func() time.Time { return now }
		c.Authorizers = []Authorizer{{ID: "z", Name: "users", Issuer: "https://id.example.com", Audience: []string{"app"}}}
		c.Routes = []Route{
			{Key: "GET /a", FunctionARN: "f", Throttle: &Throttle{Rate: 2, Burst: 3}},
			{Key: "GET /b/{id}", FunctionARN: "f", Throttle: &Throttle{Rate: 2, Burst: 3}},
			{Key: "GET /jwt", FunctionARN: "f", Throttle: &Throttle{Rate: 0, Burst: 1}, AuthorizationType: "JWT", AuthorizerID: "z"},
			{Key: "GET /closed", FunctionARN: "f", Throttle: &Throttle{}},
			{Key: "GET /open", FunctionARN: "f"},
		}
	})
	passed := func(path string, requests int) int {
		t.Helper()
		before, n := calls, 0
		for range requests {
			switch w := do(h, httptest.NewRequest("GET", path, nil)); w.Code {
			case 200:
				n++
			case 429:
				if w.Body.String() != `{"message":"Too Many Requests"}` {
					t.Errorf("%s: %s", path, w.Body)
				}
			default:
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
		if calls != before+n {
			t.Errorf("%s: %d passed and %d calls", path, n, calls-before)
		}
		return n
	}
	for _, step := range []struct {
		after time.Duration
		path  string
		want  int // of ten requests at once
	}{
		{0, "/a", 3},
		{0, "/b/1", 3}, // a bucket of its own, which all paths of the route share
		{0, "/b/2", 0},
		{499 * time.Millisecond, "/a", 0},
		{time.Millisecond, "/a", 1},
		{time.Second, "/a", 2},
		{time.Hour, "/a", 3},
		{-time.Hour, "/a", 0},
		{time.Hour, "/a", 3},
		{0, "/closed", 0},
		{0, "/open", 10},
	} {
		now = now.Add(step.after)
		if got := passed(step.path, 10); got != step.want {
			t.Errorf("%v later %d requests to %s pass, want %d", step.after, got, step.path, step.want)
		}
	}
	for i, want := range []int{401, 429} {
		if w := do(h, httptest.NewRequest("GET", "/jwt", nil)); w.Code != want {
			t.Errorf("request %d without a token: %d, want %d", i, w.Code, want)
		}
	}
}

func TestThrottleRefused(t *testing.T) {
	for _, bad := range []Throttle{{Rate: -1, Burst: 1}, {Rate: 1, Burst: -1}} {
		_, err := New(Config{ID: "a", Routes: []Route{{Key: "GET /", FunctionARN: "f", Throttle: &bad}}}, nil)
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
