package lambda

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/vinci-go/vinci/local/gateway"
)

// latest is the one version that functions have here.
const latest = "$LATEST"

// functionRef is a function as callers name it.
type functionRef struct{ name, qualifier string }

// functionPattern is Lambda's own (API_Invoke): a name, a partial ARN or an ARN, each with
// a qualifier or without.
var functionPattern = regexp.MustCompile(`^(?:arn:(?:aws[a-zA-Z-]*):lambda:)?(?:([a-z]{2}(?:-[a-z]+)+-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_]{1,64})(?::(\$LATEST|[a-zA-Z0-9-_]+))?$`)

// parseFunction reads any form of a function's name.
func (s *Service) parseFunction(ref string) (functionRef, error) {
	m := functionPattern.FindStringSubmatch(ref)
	if m == nil {
		return functionRef{}, invalidShape("functionName", ref, `Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`)
	}
	name := functionRef{m[3], m[4]}
	if m[1] != "" && m[1] != s.opts.Region || m[2] != "" && m[2] != s.opts.Account {
		return name, &gateway.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: "Function not found: " + ref}
	}
	return name, nil
}

// functionRefOf is the function of a call that may name a qualifier twice.
func (s *Service) functionRefOf(ref, qualifier string) (functionRef, error) {
	name, err := s.parseFunction(ref)
	if err != nil {
		return name, err
	}
	if qualifier != "" && name.qualifier != "" && qualifier != name.qualifier {
		return name, badParameter("The derived qualifier from the function name does not match the specified qualifier.")
	}
	if name.qualifier == "" {
		name.qualifier = qualifier
	}
	return name, nil
}

func (s *Service) functionNotFound(name functionRef) error {
	arn := s.functionARNOf(name.name)
	if name.qualifier != "" {
		arn += ":" + name.qualifier
	}
	return &gateway.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: "Function not found: " + arn}
}

// functionARNOf is the ARN of a function of that name.
func (s *Service) functionARNOf(name string) string {
	return "arn:aws:lambda:" + s.opts.Region + ":" + s.opts.Account + ":function:" + name
}

// mappingARN is the ARN of a mapping.
func (s *Service) mappingARN(id string) string {
	return "arn:aws:lambda:" + s.opts.Region + ":" + s.opts.Account + ":event-source-mapping:" + id
}

// mappingID is the id in a mapping's ARN, false when it is none.
func mappingID(arn string) (string, bool) {
	a, ok := parseARN(arn)
	if !ok || a.service != "lambda" {
		return "", false
	}
	return strings.CutPrefix(a.resource, "event-source-mapping:")
}
