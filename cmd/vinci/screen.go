package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/emf"
	"github.com/vinci-go/vinci/local"
)

// ANSI colours, used on a terminal only.
const (
	dim   = "\x1b[2m"
	red   = "\x1b[31m"
	cyan  = "\x1b[36m"
	reset = "\x1b[0m"
)

// screen prints what the developer sees.
type screen struct {
	w     io.Writer
	color bool
}

// newScreen prints in colour on a terminal, unless NO_COLOR is set
// (https://no-color.org).
func newScreen(w io.Writer) *screen {
	return &screen{w: w, color: isTerminal(w) && os.Getenv("NO_COLOR") == ""}
}

func (s *screen) paint(color, text string) string {
	if !s.color {
		return text
	}
	return color + text + reset
}

// banner says where everything is, and with which keys it is reached.
func (s *screen) banner(rt *local.Runtime, owner local.Credentials) {
	for _, note := range rt.Notes() {
		fmt.Fprintln(s.w, s.paint(dim, "note: "+note))
	}
	for _, api := range rt.APIs() {
		s.api(api)
	}
	fmt.Fprintf(s.w, "AWS endpoint  %s\n\n", s.paint(cyan, rt.Endpoint()))
	fmt.Fprintf(s.w, "  export AWS_ENDPOINT_URL=%s AWS_REGION=%s\n", rt.Endpoint(), owner.Region)
	fmt.Fprintf(s.w, "  export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n\n", owner.AccessKeyID, owner.SecretAccessKey)
}

// api says where an HTTP API is, and who may call its routes.
func (s *screen) api(api local.API) {
	fmt.Fprintf(s.w, "HTTP API %s  %s\n", api.Name, s.paint(cyan, api.URL))
	byCaller := map[string][]string{}
	for _, r := range api.Routes {
		c := callersOf(r)
		byCaller[c] = append(byCaller[c], r.Key)
	}
	for _, c := range slices.Sorted(maps.Keys(byCaller)) {
		fmt.Fprintf(s.w, "  %s: %s\n", c, strings.Join(byCaller[c], ", "))
	}
}

// callersOf is who may call a route.
func callersOf(r local.APIRoute) string {
	switch r.Authorization {
	case "NONE":
		return "public"
	case "AWS_IAM":
		return "IAM (signed with the keys below)"
	}
	text := r.Authorization + " of " + r.Issuer
	if len(r.Scopes) > 0 {
		text += " with scope " + strings.Join(r.Scopes, " or ")
	}
	return text
}

// log shows what a function wrote, but for metrics: they are for CloudWatch, come
// with every batch, and say nothing that the lines about the events do not.
func (s *screen) log(l local.LogLine) {
	if emf.IsLine(l.Text) {
		return
	}
	fmt.Fprintf(s.w, "%s %s\n", s.paint(dim, l.Time.Format("15:04:05.000")+" "+l.Function), l.Text)
}

func (s *screen) notice(text string) { fmt.Fprintln(s.w, s.paint(cyan, text)) }

func (s *screen) problem(err error) { fmt.Fprintln(s.w, s.paint(red, err.Error())) }
