package eventbridge

import (
	"encoding/json"
	"regexp"
	"slices"
)

// policyDocument is a bus's policy, of which statements come and go.
type policyDocument struct {
	Version   string
	Statement []json.RawMessage
}

var (
	statementID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	account     = regexp.MustCompile(`^(\d{12}|\*)$`)
)

// putPermission adds a statement to the bus's policy, in the place of the one with
// its id, or replaces the policy.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html
func (s *Service) putPermission(in *request) (any, error) {
	if in.Policy != "" && (in.StatementId != "" || in.Action != "" || in.Principal != "" || in.Condition != nil) {
		return nil, invalid("Parameter Policy is not valid. Reason: it cannot be given with StatementId, Action, Principal or Condition.")
	}
	return nil, s.change(func(d *draft) error {
		b, err := d.edit(in.EventBusName)
		if err != nil {
			return err
		}
		if in.Policy != "" {
			if err := checkPolicy(in.Policy); err != nil {
				return err
			}
			b.Policy = in.Policy
		} else if err := b.putStatement(in); err != nil {
			return err
		}
		if len(b.Policy) > maxPolicy {
			return fail("PolicyLengthExceededException", "The policy of event bus %s would have %d characters: at most %d are allowed.", b.Name, len(b.Policy), maxPolicy)
		}
		b.policy, b.modified = s.judged(b), s.opts.Now()
		d.keepBus(b)
		return nil
	})
}

// checkPolicy refuses a text that is no policy. One that uses what is not known
// here is kept, and not judged.
func checkPolicy(text string) error {
	var p struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(text), &p); err != nil || len(p.Statement) == 0 {
		return invalid("Parameter Policy is not valid. Reason: it must be a policy document with a Statement.")
	}
	return nil
}

func (b *bus) putStatement(in *request) error {
	switch {
	case !statementID.MatchString(in.StatementId):
		return nameConstraint(in.StatementId, "statementId", `[a-zA-Z0-9-_]+`, 64)
	case in.Action != "events:PutEvents":
		return invalid("Provided value in parameter 'action' is not supported.")
	case !account.MatchString(in.Principal):
		return constraint(in.Principal, "principal", `Member must satisfy regular expression pattern: (\d{12}|\*)`)
	}
	type statement struct {
		Sid, Effect string
		Principal   any
		Action      string
		Resource    string
		Condition   map[string]map[string]string `json:",omitempty"`
	}
	st := statement{Sid: in.StatementId, Effect: "Allow", Principal: "*", Action: in.Action, Resource: b.ARN}
	if in.Principal != "*" {
		st.Principal = map[string]string{"AWS": "arn:aws:iam::" + in.Principal + ":root"}
	}
	if c := in.Condition; c != nil {
		if c.Type != "StringEquals" || c.Key != "aws:PrincipalOrgID" {
			return invalid("Parameter Condition is not valid. Reason: Type must be StringEquals and Key must be aws:PrincipalOrgID.")
		}
		st.Condition = map[string]map[string]string{c.Type: {c.Key: c.Value}}
	}
	raw, err := json.Marshal(st)
	if err != nil {
		return internal(err)
	}
	p, err := b.document()
	if err != nil {
		return err
	}
	p.Statement = append(slices.DeleteFunc(p.Statement, func(o json.RawMessage) bool { return sid(o) == in.StatementId }), raw)
	return b.setDocument(p)
}

func sid(statement json.RawMessage) string {
	var s struct{ Sid string }
	if json.Unmarshal(statement, &s) != nil {
		return ""
	}
	return s.Sid
}

func (b *bus) document() (policyDocument, error) {
	p := policyDocument{Version: "2012-10-17"}
	if b.Policy == "" {
		return p, nil
	}
	var any struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(b.Policy), &any); err != nil {
		return p, internal(err)
	}
	if any.Version != "" {
		p.Version = any.Version
	}
	if json.Unmarshal(any.Statement, &p.Statement) != nil { // one statement may stand alone
		p.Statement = []json.RawMessage{any.Statement}
	}
	return p, nil
}

func (b *bus) setDocument(p policyDocument) error {
	b.Policy = ""
	if len(p.Statement) == 0 {
		return nil
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return internal(err)
	}
	b.Policy = string(raw)
	return nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RemovePermission.html
func (s *Service) removePermission(in *request) (any, error) {
	return nil, s.change(func(d *draft) error {
		b, err := d.edit(in.EventBusName)
		if err != nil {
			return err
		}
		p, err := b.document()
		switch {
		case err != nil:
			return err
		case in.RemoveAllPermissions:
			p.Statement = nil
		case in.StatementId == "":
			return invalid("Parameter StatementId is required.")
		default:
			before := len(p.Statement)
			p.Statement = slices.DeleteFunc(p.Statement, func(o json.RawMessage) bool { return sid(o) == in.StatementId })
			if len(p.Statement) == before {
				return notFound("Statement with the provided id does not exist.")
			}
		}
		if err := b.setDocument(p); err != nil {
			return err
		}
		b.policy, b.modified = s.judged(b), s.opts.Now()
		d.keepBus(b)
		return nil
	})
}
