package local

import (
	"net"
	"net/http"
	"strings"
)

// notFromPages refuses what a browser sends for a web page. The open gateway takes
// any key, and functions run as the developer: without this, a page that is open in
// a browser could run programs here. A browser tells by Origin or Sec-Fetch-Site; a
// page whose own name was made to lead here (DNS rebinding) is told by Host.
//
// https://fetch.spec.whatwg.org/#origin-header
// https://www.w3.org/TR/fetch-metadata/
func notFromPages(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site := r.Header.Get("Sec-Fetch-Site")
		if r.Header.Get("Origin") != "" || site != "" && site != "none" || !loopbackHost(r.Host) {
			http.Error(w, "the local runtime takes no calls of web pages, and only those to localhost", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func loopbackHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil { // there is no port
		host = hostport
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
