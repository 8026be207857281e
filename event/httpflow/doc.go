// Package httpflow begins at an HTTP request what goes on in its events: whose
// request it is, which correlation and trace it belongs to.
//
//	http.Handle("/", httpflow.Handler(mux, httpflow.Options{
//		TenantID: func(r *http.Request) string {
//			caller, _ := httpflow.CallerFrom(r.Context())
//			return caller.Claims["tenant"]
//		},
//	}))
//
// What the handler commits with the request's context carries it, and so does what
// the handlers of those events commit: see [event.Flow].
package httpflow
