package sqs

import (
	"encoding/json"
	"strings"

	"github.com/vinci-go/vinci/local/iam"
)

// defaultPolicyVersion is what a policy without a version has.
const defaultPolicyVersion = "2008-10-17"

// policyJSON is a policy as GetQueueAttributes shows it, empty for none.
func policyJSON(d *iam.Document) string {
	if d == nil {
		return ""
	}
	statements := make([]string, len(d.Statements))
	for i := range d.Statements {
		statements[i] = d.Statements[i].JSON()
	}
	return policyOf(d.Version, d.ID, statements)
}

// policyOf writes a policy with statements as they were written.
func policyOf(version, id string, statements []string) string {
	if version == "" {
		version = defaultPolicyVersion
	}
	var b strings.Builder
	b.WriteString(`{"Version":`)
	b.WriteString(mustJSON(version))
	if id != "" {
		b.WriteString(`,"Id":`)
		b.WriteString(mustJSON(id))
	}
	b.WriteString(`,"Statement":[`)
	b.WriteString(strings.Join(statements, ","))
	b.WriteString("]}")
	return b.String()
}

// mustJSON is for what can always be encoded: strings, and structs of strings.
func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("sqs: a value could not be encoded: " + err.Error())
	}
	return string(b)
}
