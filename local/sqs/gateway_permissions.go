package sqs

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

var (
	permissionLabel = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
	accountID       = regexp.MustCompile(`^[0-9]{12}$`)
)

// sharedActions are those that AddPermission can give to other accounts.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-overview-of-managing-access.html
var sharedActions = []string{"*", "SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes",
	"GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue"}

type addPermissionInput struct {
	QueueUrl      string
	Label         string
	AWSAccountIds []string
	Actions       []string
}

// statement is a statement of the policy that AddPermission writes.
type statement struct {
	Sid       string
	Effect    string
	Principal map[string]oneOrMany
	Action    oneOrMany
	Resource  string
}

// oneOrMany is a list that is written as a string when it has one element.
type oneOrMany []string

// MarshalJSON writes it.
func (l oneOrMany) MarshalJSON() ([]byte, error) {
	if len(l) == 1 {
		return json.Marshal(l[0])
	}
	return json.Marshal([]string(l))
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html
func (s *Service) addPermission(_ context.Context, _ gateway.Caller, in addPermissionInput) (struct{}, error) {
	arn, err := s.arnOf(in.QueueUrl)
	if err == nil {
		err = in.check()
	}
	if err != nil {
		return struct{}{}, err
	}
	added := statement{Sid: in.Label, Effect: iam.EffectAllow, Principal: map[string]oneOrMany{}, Resource: arn}
	for _, id := range in.AWSAccountIds {
		added.Principal["AWS"] = append(added.Principal["AWS"], "arn:aws:iam::"+id+":root")
	}
	for _, a := range in.Actions {
		added.Action = append(added.Action, "SQS:"+a)
	}
	return struct{}{}, s.reconfigure(arn, func(c *QueueConfig) error {
		version, id := defaultPolicyVersion, arn+"/SQSDefaultPolicy"
		var statements []string
		if c.Policy != nil {
			version, id = c.Policy.Version, c.Policy.ID
			for i := range c.Policy.Statements {
				if c.Policy.Statements[i].SID == in.Label {
					return errValue("Value %s for parameter Label is invalid. Reason: Already exists.", in.Label)
				}
				statements = append(statements, c.Policy.Statements[i].JSON())
			}
		}
		return c.setPolicy(policyOf(version, id, append(statements, mustJSON(added))))
	})
}

func (in *addPermissionInput) check() error {
	switch {
	case in.Label == "":
		return errMissing("Label")
	case !permissionLabel.MatchString(in.Label):
		return errValue("Value %s for parameter Label is invalid. Reason: Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.", in.Label)
	case len(in.AWSAccountIds) == 0:
		return errMissing("AWSAccountIds")
	case len(in.Actions) == 0:
		return errMissing("Actions")
	case len(in.Actions) > maxActions:
		return errOverLimit("%d Actions were found, maximum allowed is %d.", len(in.Actions), maxActions)
	}
	for _, id := range in.AWSAccountIds {
		if !accountID.MatchString(id) {
			return errValue("Value %s for parameter PrincipalId is invalid. Reason: Unable to verify.", id)
		}
	}
	for _, a := range in.Actions {
		if !slices.Contains(sharedActions, a) {
			return errValue("Value SQS:%s for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for a list of valid actions.", a)
		}
	}
	return nil
}

type removePermissionInput struct{ QueueUrl, Label string }

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_RemovePermission.html
func (s *Service) removePermission(_ context.Context, _ gateway.Caller, in removePermissionInput) (struct{}, error) {
	arn, err := s.arnOf(in.QueueUrl)
	if err == nil && in.Label == "" {
		err = errMissing("Label")
	}
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.reconfigure(arn, func(c *QueueConfig) error {
		var statements []string
		found := false
		if c.Policy != nil {
			for i := range c.Policy.Statements {
				if c.Policy.Statements[i].SID == in.Label {
					found = true
				} else {
					statements = append(statements, c.Policy.Statements[i].JSON())
				}
			}
		}
		switch {
		case !found:
			return errValue("Value %s for parameter Label is invalid. Reason: can't find label.", in.Label)
		case len(statements) == 0:
			return c.setPolicy("")
		}
		return c.setPolicy(policyOf(c.Policy.Version, c.Policy.ID, statements))
	})
}
