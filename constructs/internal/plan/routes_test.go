package plan

import (
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// accepts reports whether net/http takes these routes together.
func accepts(routes ...string) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r, http.NotFoundHandler())
	}
	return true
}

// FuzzRoute: what is accepted here, net/http must accept as well, or the API's
// function would panic when it starts.
func FuzzRoute(f *testing.F) {
	for _, seed := range []string{"GET /", "POST /users/{id}/activate", "GET /users/{rest...}", "GET /a//b", "PUT /{_}", "GET /{a}/{a}", "GET /%zz", "HEAD /..", "GET /{9}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, route string) {
		if checkRoute(route) == nil && !accepts(route) {
			t.Errorf("route %q is accepted, but net/http refuses it", route)
		}
	})
}

// TestRoutesTogether compares compareRoutes with what net/http does, for many
// pairs of routes.
func TestRoutesTogether(t *testing.T) {
	route := rapid.Custom(func(t *rapid.T) string {
		method := rapid.SampledFrom([]string{"GET", "HEAD", "POST"}).Draw(t, "method")
		var path strings.Builder
		for i := range rapid.IntRange(1, 3).Draw(t, "parts") {
			part := rapid.SampledFrom([]string{"users", "active", "{}"}).Draw(t, "part")
			if part == "{}" {
				part = "{p" + string(rune('a'+i)) + "}"
			}
			path.WriteString("/" + part)
		}
		return method + " " + path.String()
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := route.Draw(t, "a"), route.Draw(t, "b")
		if err := checkRoute(a); err != nil {
			t.Fatalf("route %q: %v", a, err)
		}
		if got, want := compareRoutes(a, b) == apart, accepts(a, b); got != want {
			t.Fatalf("routes %q and %q: accepted is %v, net/http says %v", a, b, got, want)
		}
		if compareRoutes(a, b) != compareRoutes(b, a) {
			t.Fatalf("routes %q and %q: the order of the two matters", a, b)
		}
	})
}
