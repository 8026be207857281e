package plan

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxBody is what Lambda takes in one invocation; API Gateway itself takes 10 MB.
//
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxBody = 6 << 20

// checkTraffic checks how much an API takes.
func (c *checker) checkTraffic(a API, subject string) {
	if a.Throttling.Rate < 1 || a.Throttling.Burst < 1 {
		c.add(Problem{
			What: fmt.Sprintf("%s: throttling at %d requests a second, %d at once", subject, a.Throttling.Rate, a.Throttling.Burst), Where: a.At,
			Allowed: "both from 1", Mend: "set APIProps.Throttling, or leave it out for the default",
		})
	}
	if a.MaxBody < 1 || a.MaxBody > maxBody {
		c.add(Problem{
			What: fmt.Sprintf("%s: a request's body may have %d bytes", subject, a.MaxBody), Where: a.At,
			Allowed: fmt.Sprintf("1 to %d: Lambda takes no more", maxBody), Mend: "set APIProps.MaxBodyBytes; let clients put larger things into S3",
		})
	}
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
const maxCORSAge = 24 * time.Hour

var (
	corsMethod = regexp.MustCompile(`^(\*|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT)$`)
	// A header's name is a token: https://www.rfc-editor.org/rfc/rfc9110#name-tokens
	corsHeader = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
)

// checkCORS checks what API Gateway refuses, and what no browser would take.
func (c *checker) checkCORS(a API, subject string) {
	s := a.CORS
	wrong := func(allowed, format string, args ...any) {
		c.add(Problem{
			What: subject + ": CORS: " + fmt.Sprintf(format, args...), Where: a.At,
			Allowed: allowed, Mend: "correct APIProps.CORS",
		})
	}
	if len(s.Origins) == 0 {
		wrong("at least one origin, such as https://app.example.com; leave CORS out when pages of this API's own origin are the only ones", "has no origin")
	}
	for _, o := range s.Origins {
		if !soundOrigin(o) {
			wrong("scheme, host and port as browsers send them (https://app.example.com), https://*, http://* or *", "origin %q", o)
		}
	}
	for _, list := range []struct {
		what  string
		names []string
		ok    *regexp.Regexp
	}{{"method", s.Methods, corsMethod}, {"header", s.Headers, corsHeader}, {"exposed header", s.ExposeHeaders, corsHeader}} {
		for _, name := range list.names {
			if !list.ok.MatchString(name) {
				wrong("names of "+list.what+"s as HTTP has them, or *", "%s %q", list.what, name)
			}
		}
	}
	if s.MaxAge < 0 || s.MaxAge > maxCORSAge || s.MaxAge%time.Second != 0 {
		wrong("up to 24h in whole seconds; zero: the browser decides", "a preflight's answer holds %s", s.MaxAge)
	}
	if !s.Credentials {
		return
	}
	// With credentials browsers read * as a name, and every page there is could act
	// for whoever looks at it.
	for _, list := range []struct {
		what  string
		names []string
	}{{"origin", s.Origins}, {"method", s.Methods}, {"header", s.Headers}, {"exposed header", s.ExposeHeaders}} {
		for _, name := range list.names {
			if strings.HasSuffix(name, "*") {
				wrong("with credentials: origins, methods and headers by name", "credentials are allowed together with %s %q", list.what, name)
			}
		}
	}
}

// soundOrigin reports whether a browser could send this, or API Gateway takes it for
// several.
func soundOrigin(o string) bool {
	if slices.Contains([]string{"*", "https://*", "http://*"}, o) {
		return true
	}
	u, err := url.Parse(o)
	return err == nil && u.Scheme != "" && u.Host != "" && !strings.Contains(o, "*") && o == u.Scheme+"://"+u.Host && o == strings.ToLower(o)
}
