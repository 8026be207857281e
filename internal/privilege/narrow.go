package privilege

import (
	"fmt"
	"regexp"
	"strings"
)

// Everything lists the actions of a statement that are all actions of a service, or
// of AWS: "*", "s3:*". It is empty for a statement that denies.
func (s Statement) Everything() []string {
	if s.Effect != "Allow" {
		return nil
	}
	var wide []string
	for _, action := range s.Actions {
		_, name, ok := strings.Cut(action, ":")
		if !ok || strings.Trim(name, "*?") == "" {
			wide = append(wide, action)
		}
	}
	for _, action := range s.NotActions {
		wide = append(wide, "everything but "+action)
	}
	return wide
}

// Everywhere lists what a statement allows on every resource without being on the
// list of [AnyResource]: the action, and the resource that stands for all. It is
// empty for a statement that denies.
func (s Statement) Everywhere() []string {
	if s.Effect != "Allow" {
		return nil
	}
	var wide []string
	for _, r := range s.Resources {
		text := Text(r)
		if !all(text) {
			continue
		}
		for _, action := range s.Actions {
			if text != "*" || !mayBeAnywhere(action) {
				wide = append(wide, fmt.Sprintf("%s on %s", action, text))
			}
		}
		for _, action := range s.NotActions {
			wide = append(wide, fmt.Sprintf("everything but %s on %s", action, text))
		}
	}
	for _, r := range s.NotResources {
		wide = append(wide, "all resources but "+Text(r))
	}
	return wide
}

// placeholder is a part of a text that CloudFormation fills in. It may hold colons
// of its own: ${AWS::Region}.
var placeholder = regexp.MustCompile(`\$\{[^}]*\}`)

// all reports whether a resource stands for everything: "*", or every resource of a
// service (arn:aws:s3:::*).
func all(resource string) bool {
	if strings.Trim(resource, "*?") == "" {
		return true
	}
	parts := strings.SplitN(placeholder.ReplaceAllString(resource, "x"), ":", 6)
	return len(parts) == 6 && strings.Trim(parts[5], "*?") == ""
}
