package plan

import (
	"fmt"

	"github.com/vinci-go/vinci/internal/names"
)

func (c *checker) checkAPIs() {
	seen := map[string]API{}
	for _, a := range c.APIs {
		subject := fmt.Sprintf("API %q", a.Name)
		if err := names.Check(a.Name); err != nil {
			c.addErr(subject, err, a.At)
		}
		if other, ok := seen[a.Name]; ok {
			c.add(Problem{
				What: subject + ": two APIs have this name", Where: both(other.At, a.At),
				Allowed: "one AddAPI a name", Mend: "set APIProps.Name of one of them",
			})
			continue
		}
		seen[a.Name] = a
		c.checkAccess(a.Access(), subject, a.At)
		c.checkFunctionProps(a.Function, maxAPITimeout, subject, a.At)
		c.checkRoutes(a, subject)
		c.checkScopes(a, subject)
		c.checkTraffic(a, subject)
		if a.CORS != nil {
			c.checkCORS(a, subject)
		}
	}
	c.checkAuthorizers()
	c.checkAuthorizerSettings()
}
