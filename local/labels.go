package local

import (
	"strings"

	"github.com/vinci-go/vinci/local/assembly"
)

// shortNames gives each function the name by which its developer knows it, by
// physical name.
//
// It is the last part of the construct path that says something: "Resource",
// "Function" and "Handler" are what constructs call their own parts. So
// user-system-local-send-welcome/send_welcome/Handler/Function is send_welcome.
// It is in lower case, as Vinci's names are: …/API/Handler/Function is api.
// Where two functions would share a name, both get the part before it, too, and
// where the assembly tells no paths, the physical name is used.
func shortNames(functions map[string]*assembly.Resource) map[string]string {
	names := map[string]string{}
	for length := 1; ; length++ {
		users := map[string]int{}
		longer := false
		for name, r := range functions {
			if _, done := names[name]; done {
				continue
			}
			users[shortName(r, length)]++
		}
		for name, r := range functions {
			if _, done := names[name]; done {
				continue
			}
			short := shortName(r, length)
			if users[short] == 1 || short == shortName(r, length+1) {
				names[name] = short
			} else {
				longer = true
			}
		}
		if !longer {
			return names
		}
	}
}

// shortName is the last length parts of the path that say something.
func shortName(r *assembly.Resource, length int) string {
	if r.ConstructPath == "" {
		return r.Name
	}
	parts := strings.Split(r.ConstructPath, "/")
	for len(parts) > 1 {
		switch parts[len(parts)-1] {
		case "Resource", "Function", "Handler", "Default":
			parts = parts[:len(parts)-1]
			continue
		}
		break
	}
	return strings.ToLower(strings.Join(parts[max(0, len(parts)-length):], "/"))
}
