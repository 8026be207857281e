package httpflow_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/httpflow"
)

// The tenant of a request whose token says it.
func Example() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", func(_ http.ResponseWriter, r *http.Request) {
		flow := event.FlowFrom(r.Context())
		fmt.Println("order of", flow.Actor, "at", flow.TenantID)
	})
	handler := httpflow.Handler(mux, httpflow.Options{
		TenantID: func(r *http.Request) string {
			caller, _ := httpflow.CallerFrom(r.Context())
			return caller.Claims["custom:tenant"]
		},
	})

	// A test says who calls; in AWS package httpfunc does.
	ctx := httpflow.WithCaller(httptest.NewRequest("GET", "/", nil).Context(), httpflow.Caller{
		Scheme: httpflow.JWT, Principal: "ada", Claims: map[string]string{"custom:tenant": "acme"},
	})
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/orders", nil).WithContext(ctx))
	// Output: order of ada at acme
}
