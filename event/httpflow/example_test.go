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

// What a request commits carries whose it is and what it belongs to: the handler passes
// its context on, and that is all.
func ExampleHandler() {
	api := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		flow := event.FlowFrom(r.Context()) // log.Commit(r.Context(), …) does so
		fmt.Println(flow.TenantID, flow.CorrelationID)
	})
	handler := httpflow.Handler(api, httpflow.Options{
		TenantID: func(r *http.Request) string { return r.Header.Get("Tenant") }, // from a verified token in a program
	})

	r := httptest.NewRequest(http.MethodPost, "/orders", nil)
	r.Header.Set("Tenant", "acme")
	r.Header.Set(httpflow.CorrelationHeader, "checkout-7")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Println(w.Header().Get(httpflow.CorrelationHeader))
	// Output:
	// acme checkout-7
	// checkout-7
}
