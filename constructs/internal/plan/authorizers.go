package plan

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/names"
)

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const (
	maxAuthorizers = 10 // an API
	maxAudiences   = 50 // an authorizer
	maxScopes      = 10 // a route
)

const allowedIssuer = "an https URL without query and fragment, as the token's claim iss says it: https://cognito-idp.eu-central-1.amazonaws.com/<user pool>"

// checkAuthorizers checks whose tokens are taken, in this deployment. Names are those
// of the application, because settings know an authorizer by its name.
func (c *checker) checkAuthorizers() {
	first, told := map[string]Authorizer{}, map[string]bool{}
	for _, a := range c.APIs {
		subject := fmt.Sprintf("API %q", a.Name)
		for _, r := range a.Routes {
			z := r.JWT
			if r.Authorization != JWT {
				continue
			}
			other, ok := first[z.Name]
			switch {
			case !ok:
				first[z.Name] = z
				c.checkAuthorizer(c.Settings.Of(z), subject, a.At)
			case !other.same(z) && !told[z.Name]:
				told[z.Name] = true
				c.add(Problem{
					What: fmt.Sprintf("%s: two JWT authorizers are called %q, and they differ in issuer or audience", subject, z.Name), Where: a.At,
					Allowed: "one authorizer a name", Mend: "give one of them another JWTProps.Name, or both the same Issuer and Audience",
				})
			}
		}
		if n := len(a.Authorizers()); n > maxAuthorizers {
			c.add(Problem{
				What: fmt.Sprintf("%s: has %d JWT authorizers", subject, n), Where: a.At,
				Allowed: fmt.Sprintf("API Gateway allows %d authorizers an HTTP API", maxAuthorizers), Mend: "divide the routes over two APIs",
			})
		}
	}
}

func (c *checker) checkAuthorizer(z Authorizer, subject, at string) {
	subject = fmt.Sprintf("%s: JWT authorizer %q", subject, z.Name)
	if err := names.Check(z.Name); err != nil {
		c.addErr(subject, err, at)
	}
	if err := checkIssuer(z.Issuer, c.Local()); err != nil {
		c.add(Problem{
			What: fmt.Sprintf("%s: issuer %q: %v", subject, z.Issuer, err), Where: at,
			Allowed: allowedIssuer, Mend: "correct JWTProps.Issuer, or Settings.JWTIssuers",
		})
	}
	if why := checkTexts(z.Audience, 1, maxAudiences); why != "" {
		c.add(Problem{
			What: fmt.Sprintf("%s: audience %q %s", subject, z.Audience, why), Where: at,
			Allowed: fmt.Sprintf("1 to %d different names, one of which the token's claim aud (or client_id) has", maxAudiences),
			Mend:    "correct JWTProps.Audience, or Settings.JWTAudiences",
		})
	}
}

// checkScopes checks the scopes of an API's routes. Routes that were declared
// together have the same, which is told once.
func (c *checker) checkScopes(a API, subject string) {
	told := map[string]bool{}
	for _, r := range a.Routes {
		why := checkTexts(r.Scopes, 0, maxScopes)
		if key := fmt.Sprintf("%q", r.Scopes); why != "" && !told[key] {
			told[key] = true
			c.add(Problem{
				What: fmt.Sprintf("%s: route %q: scopes %q %s", subject, r.Key, r.Scopes, why), Where: a.At,
				Allowed: fmt.Sprintf("up to %d different scopes without blanks, one of which a token must have; none: every token will do", maxScopes),
				Mend:    "correct JWTProps.Scopes",
			})
		}
	}
}

// checkTexts says what is wrong with a list of names, "" when nothing is.
func checkTexts(all []string, least, most int) string {
	switch {
	case len(all) < least:
		return "is empty"
	case len(all) > most:
		return fmt.Sprintf("has %d entries", len(all))
	}
	seen := map[string]bool{}
	for _, s := range all {
		switch {
		case s == "" || strings.ContainsAny(s, " \t\r\n"):
			return fmt.Sprintf("has %q, which is empty or has blanks", s)
		case seen[s]:
			return fmt.Sprintf("has %q twice", s)
		}
		seen[s] = true
	}
	return ""
}

// checkIssuer reports what API Gateway, which fetches the issuer's keys over
// https, would not take. On this machine (local) an issuer may be one of this
// machine, without a certificate.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
func checkIssuer(issuer string, local bool) error {
	u, err := url.Parse(issuer)
	switch {
	case issuer == "":
		return errors.New("it is missing")
	case err != nil:
		return errors.New("it is no URL")
	case u.Scheme == "http" && local && isLoopback(u.Hostname()):
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return fmt.Errorf("http and this machine are for deployment %q", deploymentLocal)
	case u.Scheme != "https":
		return errors.New("it does not begin with https://")
	}
	switch {
	case u.Host == "":
		return errors.New("it names no host")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(issuer, "#"):
		return errors.New("it has more than host and path")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkAuthorizerSettings finds settings for authorizers that no route asks for: a
// name that is misspelled would leave the application's own in force.
func (c *checker) checkAuthorizerSettings() {
	var known []string
	for _, a := range c.APIs {
		for _, z := range a.Authorizers() {
			known = append(known, z.Name)
		}
	}
	for _, field := range []struct {
		name string
		keys []string
	}{
		{"JWTIssuers", slices.Sorted(maps.Keys(c.Settings.JWTIssuers))},
		{"JWTAudiences", slices.Sorted(maps.Keys(c.Settings.JWTAudiences))},
	} {
		for _, key := range field.keys {
			if !slices.Contains(known, key) {
				slices.Sort(known)
				c.setting(field.name, fmt.Sprintf("no API has a JWT authorizer %q", key),
					fmt.Sprintf("names of JWT authorizers; there are %q", slices.Compact(slices.Clone(known))), "correct the name, or remove the entry")
			}
		}
	}
}
