package plan

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// methods are those that API Gateway and net/http both match one by one.
var methods = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

var (
	segmentPattern   = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
	parameterPattern = regexp.MustCompile(`^\{[A-Za-z_][A-Za-z0-9_]*\}$`)
)

const allowedRoute = `METHOD /path/{parameter}, as API Gateway and net/http both read it: POST /users/{id}/activate`

// checkRoute reports what is wrong with one route.
func checkRoute(route string) error {
	method, path, ok := strings.Cut(route, " ")
	if !ok {
		return errors.New("it is not a method, one space and a path")
	}
	if !slices.Contains(methods, method) {
		return fmt.Errorf("method %q is none of %s", method, strings.Join(methods, ", "))
	}
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("path %q does not begin with a slash", path)
	}
	if path == "/" {
		return nil
	}
	seen := map[string]bool{}
	for _, segment := range strings.Split(path[1:], "/") {
		switch {
		case segment == "":
			return fmt.Errorf("path %q has an empty part", path)
		case segment == "." || segment == "..":
			return fmt.Errorf("path %q has a part that clients take out: %q", path, segment)
		case strings.ContainsAny(segment, "{}"):
			if !parameterPattern.MatchString(segment) {
				return fmt.Errorf("path part %q is not one whole parameter {name} of letters, digits and underscores", segment)
			}
			if seen[segment] {
				return fmt.Errorf("parameter %s is there twice", segment)
			}
			seen[segment] = true
		case !segmentPattern.MatchString(segment):
			return fmt.Errorf("path part %q has other characters than letters, digits and . _ ~ -", segment)
		}
	}
	return nil
}

// relation says how the requests that two routes match are related.
type relation int

const (
	apart   relation = iota // no request matches both, or one route is the special case of the other
	same                    // every request that matches one matches the other
	crossed                 // some match both, and neither route is the special case
)

// compareRoutes relates two sound routes as net/http does, which refuses routes
// that are the same or crossed. GET also serves HEAD there.
func compareRoutes(a, b string) relation {
	am, ap, _ := strings.Cut(a, " ")
	bm, bp, _ := strings.Cut(b, " ")
	aWider, bWider := false, false
	switch {
	case am == bm:
	case am == "GET" && bm == "HEAD":
		aWider = true
	case am == "HEAD" && bm == "GET":
		bWider = true
	default:
		return apart
	}
	as, bs := strings.Split(ap, "/"), strings.Split(bp, "/")
	if len(as) != len(bs) {
		return apart
	}
	for i := range as {
		aAny, bAny := strings.HasPrefix(as[i], "{"), strings.HasPrefix(bs[i], "{")
		switch {
		case aAny && bAny:
		case aAny:
			aWider = true
		case bAny:
			bWider = true
		case as[i] != bs[i]:
			return apart
		}
	}
	switch {
	case aWider && bWider:
		return crossed
	case aWider || bWider:
		return apart
	}
	return same
}

func (c *checker) checkRoutes(a API, subject string) {
	if len(a.Routes) == 0 {
		c.add(Problem{
			What: subject + ": has no route, so nothing can reach it", Where: a.At,
			Allowed: "at least one route: " + allowedRoute, Mend: "name its routes in APIProps.Routes",
		})
	}
	if len(a.Routes) > maxRoutes {
		c.add(Problem{
			What: fmt.Sprintf("%s: has %d routes", subject, len(a.Routes)), Where: a.At,
			Allowed: fmt.Sprintf("API Gateway allows %d routes an HTTP API", maxRoutes), Mend: "divide them over two APIs",
		})
	}
	var sound []Route
	for _, route := range a.Routes {
		if err := checkRoute(route.Key); err != nil {
			c.add(Problem{
				What: fmt.Sprintf("%s: route %q: %v", subject, route.Key, err), Where: a.At,
				Allowed: allowedRoute, Mend: "correct the route in APIProps.Routes and in the function",
			})
			continue
		}
		clash := false
		for _, other := range sound {
			if problem, ok := clashOf(other, route, subject); ok {
				clash = clash || compareRoutes(other.Key, route.Key) == same
				problem.Where = a.At
				c.add(problem)
			}
		}
		if !clash {
			sound = append(sound, route)
		}
	}
}

// clashOf says why two sound routes cannot both be there.
func clashOf(a, b Route, subject string) (Problem, bool) {
	switch relation := compareRoutes(a.Key, b.Key); {
	case relation == crossed:
		return Problem{
			What:    fmt.Sprintf("%s: some requests match both routes %q and %q, and neither is the more special", subject, a.Key, b.Key),
			Allowed: "routes of which one at most matches, or one is the special case of the other", Mend: "give one of them another path",
		}, true
	case relation == same && a.caller() != b.caller():
		return Problem{
			What:    fmt.Sprintf("%s: route %q is for %s, and %q, which matches the same requests, for %s", subject, a.Key, a.caller(), b.Key, b.caller()),
			Allowed: "one route a method and path, and one answer to who may call it", Mend: "remove one of them",
		}, true
	case relation == same:
		return Problem{
			What:    fmt.Sprintf("%s: routes %q and %q match the same requests", subject, a.Key, b.Key),
			Allowed: "one route a method and path; the parameters' names do not tell them apart", Mend: "remove one of them",
		}, true
	}
	return Problem{}, false
}

// caller is who may call a route, in words.
func (r Route) caller() string {
	switch r.Authorization {
	case Public:
		return "everybody"
	case JWT:
		text := fmt.Sprintf("tokens of authorizer %q", r.JWT.Name)
		if len(r.Scopes) > 0 {
			text += " with scope " + strings.Join(r.Scopes, " or ")
		}
		return text
	}
	return "signed requests (IAM)"
}
