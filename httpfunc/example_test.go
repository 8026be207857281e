package httpfunc_test

import (
	"fmt"
	"net/http"

	"github.com/vinci-go/vinci/event/httpflow"
	"github.com/vinci-go/vinci/httpfunc"
)

// The function of an API is a net/http handler. Whoever called is in the request's
// context, as API Gateway has verified it.
func ExampleStart() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		caller, ok := httpflow.CallerFrom(r.Context())
		if !ok {
			http.Error(w, "this route is for tokens", http.StatusUnauthorized)
			return
		}
		fmt.Fprintln(w, caller.Principal)
	})
	main := func() { httpfunc.Start(httpflow.Handler(mux, httpflow.Options{})) }
	_ = main // only Lambda can run it
}
