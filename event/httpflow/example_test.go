package httpflow_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/httpflow"
)

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
