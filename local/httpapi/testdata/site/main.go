// Command site is a function that serves net/http through aws-lambda-go-api-proxy.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /users/{id}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			log.Print(err)
		}
		cookie, err := r.Cookie("session")
		if err != nil {
			log.Print(err)
		} else {
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: cookie.Value})
		}
		http.SetCookie(w, &http.Cookie{Name: "second", Value: "2"})
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Host", r.Host)
		// As the function is told, and as its request is.
		w.Header().Set("X-Invocation-Trace", fmt.Sprint(r.Context().Value("x-amzn-trace-id")))
		w.Header().Set("X-Request-Trace", r.Header.Get("X-Amzn-Trace-Id"))
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"id":%q,"q":%q,"body":%q,"agent":%q}`, r.PathValue("id"), strings.Join(r.URL.Query()["q"], "|"), body, r.UserAgent())
	})
	mux.HandleFunc("POST /raw", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		if _, err := io.Copy(w, r.Body); err != nil {
			log.Print(err)
		}
	})
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("oh") })
	lambda.Start(httpadapter.NewV2(mux).ProxyWithContext)
}
