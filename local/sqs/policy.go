package sqs

import (
	"encoding/json"
	"strings"

	"github.com/vinci-go/vinci/local/iam"
)

// policyJSON is a policy as GetQueueAttributes shows it, empty for none.
func policyJSON(d *iam.Document) string {
	if d == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(`{"Version":`)
	b.Write(quote(d.Version))
	if d.ID != "" {
		b.WriteString(`,"Id":`)
		b.Write(quote(d.ID))
	}
	b.WriteString(`,"Statement":[`)
	for i := range d.Statements {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(d.Statements[i].JSON())
	}
	b.WriteString("]}")
	return b.String()
}

func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic("sqs: a string could not be encoded: " + err.Error()) // encoding/json encodes every string
	}
	return b
}
