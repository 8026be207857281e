package iam_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/local/iam"
)

func identity(t testing.TB, raw string) iam.Document {
	t.Helper()
	d, err := iam.Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// allow is a policy of one statement.
func allow(rest string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow",` + rest + `}}`
}

func TestParseRefuses(t *testing.T) {
	const rest = `"Action":"sqs:SendMessage","Resource":"*"`
	for name, c := range map[string]struct{ document, want string }{
		"no JSON":                      {`{`, "unexpected EOF"},
		"text after the end":           {allow(rest) + `x`, "after the end"},
		"a wrong version":              {`{"Version":"2020-01-01"}`, `Version "2020-01-01": allowed are 2012-10-17`},
		"no statement":                 {`{"Statement":[]}`, "empty list"},
		"an unknown element":           {`{"Statements":{}}`, "Statements"},
		"an unknown statement element": {allow(rest + `,"Resources":"*"`), "Resources"},
		"no effect":                    {`{"Statement":{` + rest + `}}`, "Effect"},
		"an effect in lower case":      {`{"Statement":{"Effect":"allow",` + rest + `}}`, "allowed are Allow and Deny"},
		"no action":                    {allow(`"Resource":"*"`), "exactly one of Action and NotAction"},
		"both actions":                 {allow(rest + `,"NotAction":"sqs:X"`), "exactly one of Action and NotAction"},
		"an action without a service":  {allow(`"Action":"SendMessage","Resource":"*"`), "want SERVICE:ACTION"},
		"a null action":                {allow(`"Action":null,"Resource":"*"`), "null is not allowed"},
		"an empty action list":         {allow(`"Action":[],"Resource":"*"`), "empty list"},
		"no resource":                  {allow(`"Action":"sqs:SendMessage"`), "no Resource is given"},
		"a resource that is no ARN":    {allow(`"Action":"sqs:SendMessage","Resource":"queue"`), "want an ARN"},
		"both resources":               {allow(rest + `,"NotResource":"*"`), "at most one of"},
		"an unresolved intrinsic":      {allow(`"Action":"sqs:SendMessage","Resource":{"Ref":"Q"}`), "cannot unmarshal"},
		"a policy variable":            {allow(`"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:username}/*"`), "policy variable"},
		"a variable in a condition":    {allow(rest + `,"Condition":{"StringEquals":{"aws:x":"${aws:username}"}}`), "policy variable"},
		"a principal":                  {allow(rest + `,"Principal":"*"`), "an identity policy has no Principal"},
		"an unknown operator":          {allow(rest + `,"Condition":{"IpAddress":{"aws:x":"1"}}`), `"IpAddress" is not served`},
		"a number that is none":        {allow(rest + `,"Condition":{"NumericLessThan":{"aws:x":"one"}}`), `value "one": want a number`},
		"a date that is none":          {allow(rest + `,"Condition":{"DateLessThan":{"aws:x":"tomorrow"}}`), `value "tomorrow": want a date`},
		"an order of text":             {allow(rest + `,"Condition":{"StringLessThan":{"aws:x":"1"}}`), "not served"},
		"an operator of no set":        {allow(rest + `,"Condition":{"ForEachValue:StringEquals":{"aws:x":"1"}}`), "not served"},
		"Null with a set operator":     {allow(rest + `,"Condition":{"ForAllValues:Null":{"aws:x":"true"}}`), "takes no set operator"},
		"Null with IfExists":           {allow(rest + `,"Condition":{"NullIfExists":{"aws:x":"true"}}`), "not served"},
		"a Bool that is none":          {allow(rest + `,"Condition":{"Bool":{"aws:x":"yes"}}`), "allowed are true and false"},
		"a condition object":           {allow(rest + `,"Condition":{"StringEquals":{"aws:x":{}}}`), "want text"},
		"a null value":                 {allow(rest + `,"Condition":{"StringEquals":{"aws:x":null}}`), "null is not allowed"},
		"statement 2 is named":         {`{"Statement":[{"Effect":"Allow",` + rest + `},{"Sid":"Two","Effect":"No",` + rest + `}]}`, "statement 2 (Two)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := iam.Parse([]byte(c.document))
			if !errors.Is(err, iam.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v; want ErrInvalid with %q", err, c.want)
			}
		})
	}
}

func TestParseResourceRefuses(t *testing.T) {
	const rest = `"Action":"sqs:SendMessage","Resource":"*"`
	for name, c := range map[string]struct{ document, want string }{
		"no principal":             {allow(rest), "no Principal is given"},
		"a principal that is text": {allow(rest + `,"Principal":"events.amazonaws.com"`), `want "*" or`},
		"an empty principal":       {allow(rest + `,"Principal":{}`), "names nobody"},
		"a federated principal":    {allow(rest + `,"Principal":{"Federated":"x"}`), "AWS and Service are served"},
		"NotPrincipal":             {allow(rest + `,"NotPrincipal":"*"`), "NotPrincipal is not served"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := iam.ParseResource([]byte(c.document))
			if !errors.Is(err, iam.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v; want ErrInvalid with %q", err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(allow(`"Action":["sqs:*"],"Resource":"arn:aws:sqs:*:*:q","Condition":{"ForAllValues:StringLike":{"k":["a*",true,1]}}`)), "sqs:SendMessage", "arn:aws:sqs:us-east-1:0:q", "k", "v")
	f.Add([]byte(`{"Statement":[{"Effect":"Deny","NotAction":"a:b","NotResource":"*","Condition":{"Null":{"k":"true"}}}]}`), "", "", "", "")
	f.Fuzz(func(t *testing.T, raw []byte, action, resource, key, value string) {
		need := iam.Need{Action: action, Resource: resource, Context: map[string][]string{key: {value}}}
		if d, err := iam.Parse(raw); err == nil {
			decision := iam.Policies{d}.Decide(need)
			checkDecision(t, decision)
		} else if !errors.Is(err, iam.ErrInvalid) {
			t.Fatalf("kind of %v", err)
		}
		if d, err := iam.ParseResource(raw); err == nil {
			checkDecision(t, d.DecideFor(iam.Principal{Service: "events.amazonaws.com"}, need))
		}
	})
}

// checkDecision holds for every decision.
func checkDecision(t *testing.T, d iam.Decision) {
	t.Helper()
	if d.Allowed() != (d.Reason() == "") || (d.Outcome == iam.ImplicitDeny) != (d.Statement == nil) || d.Explain() == "" {
		t.Fatalf("inconsistent decision %+v", d)
	}
}
