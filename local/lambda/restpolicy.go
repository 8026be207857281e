package lambda

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

// maxPolicy is the most a function's policy may take, in bytes.
const maxPolicy = 20 * 1024

// permission is a statement of a function's policy as AddPermission was told it.
type permission struct {
	ID            string
	Action        string
	Principal     string
	SourceARN     string `json:",omitempty"`
	SourceAccount string `json:",omitempty"`
	PrincipalOrg  string `json:",omitempty"`
	EventSource   string `json:",omitempty"` // the token of an Alexa skill
	// Resource is the function's ARN, with the qualifier that was given.
	Resource string
}

// statement is the permission as the policy has it. Its names are in AWS's order.
func (p *permission) statement() any {
	condition := map[string]map[string]string{}
	equals := map[string]string{}
	if p.SourceARN != "" {
		condition["ArnLike"] = map[string]string{"AWS:SourceArn": p.SourceARN}
	}
	for key, value := range map[string]string{"AWS:SourceAccount": p.SourceAccount, "aws:PrincipalOrgID": p.PrincipalOrg, "lambda:EventSourceToken": p.EventSource} {
		if value != "" {
			equals[key] = value
		}
	}
	if len(equals) > 0 {
		condition["StringEquals"] = equals
	}
	out := struct {
		Sid       string                       `json:"Sid"`
		Effect    string                       `json:"Effect"`
		Principal any                          `json:"Principal"`
		Action    string                       `json:"Action"`
		Resource  string                       `json:"Resource"`
		Condition map[string]map[string]string `json:"Condition,omitempty"`
	}{p.ID, "Allow", p.principal(), p.Action, p.Resource, condition}
	return out
}

var accountID = regexp.MustCompile(`^\d{12}$`)

func (p *permission) principal() any {
	switch {
	case p.Principal == "*":
		return "*"
	case strings.HasSuffix(p.Principal, ".amazonaws.com") || strings.HasSuffix(p.Principal, ".amazon.com"):
		return map[string]string{"Service": p.Principal}
	case accountID.MatchString(p.Principal):
		return map[string]string{"AWS": "arn:aws:iam::" + p.Principal + ":root"}
	}
	return map[string]string{"AWS": p.Principal}
}

// document is a policy of this one statement.
func (p *permission) document(string) (iam.Document, error) {
	raw, err := marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{p.statement()}})
	if err != nil {
		return iam.Document{}, err
	}
	return iam.ParseResource(raw)
}

var statementID = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,100}$`)

// addPermission: https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
func (s *Service) addPermission(c *restCall) (int, any, error) {
	var in struct {
		StatementID         string `json:"StatementId"`
		Action, Principal   string
		SourceARN           string `json:"SourceArn"`
		SourceAccount       string
		PrincipalOrgID      string `json:"PrincipalOrgID"`
		EventSourceToken    string
		FunctionURLAuthType string `json:"FunctionUrlAuthType"`
		RevisionID          string `json:"RevisionId"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	switch {
	case !statementID.MatchString(in.StatementID):
		return 0, nil, invalidShape("statementId", in.StatementID, "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)")
	case in.Action != "lambda:*" && in.Action != "*" && !regexpAction.MatchString(in.Action):
		return 0, nil, invalidShape("action", in.Action, "Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])")
	case in.Principal == "":
		return 0, nil, invalidShape("principal", in.Principal, "Member must satisfy regular expression pattern: [^\\s]+")
	case in.FunctionURLAuthType != "":
		return 0, nil, notServed("FunctionUrlAuthType")
	}
	name, err := s.functionRefOf(c.value, c.query.Get("Qualifier"))
	if err != nil {
		return 0, nil, err
	}
	if name.qualifier == latest {
		return 0, nil, badParameter("We currently do not support adding policies for $LATEST.")
	}
	found, err := s.functionOf(c)
	if err != nil {
		return 0, nil, err
	}
	p := permission{
		ID: in.StatementID, Action: in.Action, Principal: in.Principal, SourceARN: in.SourceARN, SourceAccount: in.SourceAccount,
		PrincipalOrg: in.PrincipalOrgID, EventSource: in.EventSourceToken, Resource: found.Config.ARN,
	}
	_, err = s.changeFunction(found.Config.Name, func(d *definition) error {
		if err := checkRevision(d, in.RevisionID); err != nil {
			return err
		}
		if slices.ContainsFunc(d.Permissions, func(o permission) bool { return o.ID == p.ID }) {
			return conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", p.ID)
		}
		if _, err := p.document(d.Config.ARN); err != nil {
			return badParameter("The provided principal was invalid. Please check the principal and try again. (local runtime: %v)", err)
		}
		d.Permissions = append(slices.Clone(d.Permissions), p)
		if text, err := d.policyText(); err != nil {
			return err
		} else if len(text) > maxPolicy {
			return &gateway.Error{Code: "PolicyLengthExceededException", Message: "The final policy size is bigger than the limit (20480)."}
		}
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	text, err := marshal(p.statement())
	return http.StatusCreated, struct {
		Statement string `json:"Statement"`
	}{string(text)}, err
}

var regexpAction = regexp.MustCompile(`^lambda:[a-zA-Z]+$`)

// removePermission: https://docs.aws.amazon.com/lambda/latest/api/API_RemovePermission.html
func (s *Service) removePermission(c *restCall) (int, any, error) {
	found, err := s.functionOf(c)
	if err != nil {
		return 0, nil, err
	}
	_, err = s.changeFunction(found.Config.Name, func(d *definition) error {
		if err := checkRevision(d, c.query.Get("RevisionId")); err != nil {
			return err
		}
		i := slices.IndexFunc(d.Permissions, func(p permission) bool { return p.ID == c.sub })
		if i < 0 {
			return notFound("Statement %s is not found in resource policy.", c.sub)
		}
		d.Permissions = slices.Delete(slices.Clone(d.Permissions), i, i+1)
		return nil
	})
	return http.StatusNoContent, nil, err
}

// policyText is the whole policy as GetPolicy gives it, "" for none.
func (d *definition) policyText() (string, error) {
	var statements []any
	for _, document := range d.Config.Policy {
		for i := range document.Statements {
			statements = append(statements, json.RawMessage(document.Statements[i].JSON()))
		}
	}
	for i := range d.Permissions {
		statements = append(statements, d.Permissions[i].statement())
	}
	if len(statements) == 0 {
		return "", nil
	}
	text, err := marshal(struct {
		Version   string `json:"Version"`
		ID        string `json:"Id"`
		Statement []any  `json:"Statement"`
	}{"2012-10-17", "default", statements})
	return string(text), err
}

// getPolicy: https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html
func (s *Service) getPolicy(c *restCall) (int, any, error) {
	d, err := s.functionOf(c)
	if err != nil {
		return 0, nil, err
	}
	text, err := d.policyText()
	if err != nil {
		return 0, nil, err
	}
	if text == "" {
		return 0, nil, notFound("The resource you requested does not exist.")
	}
	return http.StatusOK, struct {
		Policy     string `json:"Policy"`
		RevisionID string `json:"RevisionId"`
	}{text, d.Revision}, nil
}
