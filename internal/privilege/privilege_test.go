package privilege

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, document string) []Statement {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(document), &v); err != nil {
		t.Fatal(err)
	}
	all, err := Read(v)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestWide: what is too wide, and what only looks so.
func TestWide(t *testing.T) {
	for _, test := range []struct {
		statement  string
		everything string
		everywhere string
	}{
		{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"}`, "", ""},
		{`{"Effect":"Allow","Action":["*"],"Resource":"arn:aws:s3:::photos/*"}`, "*", ""},
		{`{"Effect":"Allow","Action":["s3:GetObject","s3:*"],"Resource":"arn:aws:s3:::photos/*"}`, "s3:*", ""},
		{`{"Effect":"Allow","Action":["s3:?*"],"Resource":"arn:aws:s3:::photos/*"}`, "s3:?*", ""},
		{`{"Effect":"Allow","NotAction":["iam:*"],"Resource":"arn:aws:s3:::photos/*"}`, "everything but iam:*", ""},
		{`{"Effect":"Allow","NotAction":["iam:*"],"Resource":"*"}`, "everything but iam:*", "everything but iam:* on *"},
		{`{"Effect":"Deny","Action":"*","Resource":"*"}`, "", ""},
		{`{"Effect":"Allow","Action":["xray:PutTraceSegments","XRAY:puttelemetryrecords"],"Resource":["*"]}`, "", ""},
		{`{"Effect":"Allow","Action":["xray:PutTraceSegments","xray:GetTraceSummaries"],"Resource":["*"]}`, "", "xray:GetTraceSummaries on *"},
		{`{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::*"}`, "", "s3:ListBucket on arn:aws:s3:::*"},
		{`{"Effect":"Allow","Action":"xray:PutTraceSegments","Resource":"arn:aws:xray:::*"}`, "", "xray:PutTraceSegments on arn:aws:xray:::*"},
		{`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":{"Fn::Sub":"arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:*"}}`, "", "sqs:SendMessage on arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:*"},
		{`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":sqs:eu-west-1:1:*"]]}}`, "", "sqs:SendMessage on arn:${AWS::Partition}:sqs:eu-west-1:1:*"},
		{`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":{"Fn::Sub":"arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:shop-*"}}`, "", ""},
		{`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":{"Fn::Sub":["arn:aws:sqs:${Where}:1:*",{"Where":"eu-west-1"}]}}`, "", "sqs:SendMessage on arn:aws:sqs:eu-west-1:1:*"},
		{`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":{"Fn::Sub":["${Queue}",{"Queue":"*"}]}}`, "", "sqs:SendMessage on *"},
		{`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":{"Fn::Sub":["arn:aws:sqs:eu-west-1:1:${Name}",{"Name":{"Ref":"Queue"}}]}}`, "", ""},
		{`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":{"Fn::GetAtt":["Queue","Arn"]}}`, "", ""},
		{`{"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::photos/*"}`, "", "all resources but arn:aws:s3:::photos/*"},
	} {
		s := read(t, `{"Statement":`+test.statement+`}`)[0]
		if got := strings.Join(s.Everything(), ", "); got != test.everything {
			t.Errorf("%s\nallows all of %q, want %q", test.statement, got, test.everything)
		}
		if got := strings.Join(s.Everywhere(), ", "); got != test.everywhere {
			t.Errorf("%s\nallows everywhere %q, want %q", test.statement, got, test.everywhere)
		}
	}
}

func TestRead(t *testing.T) {
	if all := read(t, `{"Statement":[{"Sid":"A","Effect":"Allow"},{"Sid":"B","Effect":"Deny"}]}`); len(all) != 2 || all[1].Sid != "B" {
		t.Errorf("read %+v", all)
	}
	if all := read(t, `{}`); len(all) != 0 {
		t.Errorf("read %+v", all)
	}
	if _, err := Read(map[string]any{"Statement": "all"}); err == nil {
		t.Error("a text is no statement")
	}
}

// TestList: each line of the list is whole, and none is there twice.
func TestList(t *testing.T) {
	list := AnyResource()
	if !slices.IsSortedFunc(list, func(a, b Unrestricted) int { return strings.Compare(a.Action, b.Action) }) {
		t.Error("the list is not sorted by action")
	}
	for i, u := range list {
		if strings.ContainsAny(u.Action, "*?") || len(u.Reason) < 20 || !strings.HasPrefix(u.Page, "https://docs.aws.amazon.com/") || i > 0 && list[i-1].Action == u.Action {
			t.Errorf("line %+v", u)
		}
	}
}

// TestRoles: every role is read, and every wildcard in it is told.
func TestRoles(t *testing.T) {
	roles, err := Roles([]byte(`{"Resources": {
		"Queue": {"Type": "AWS::SQS::Queue"},
		"Wide": {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": ["a"], "Policies": [
			{"PolicyDocument": {"Statement": [{"Sid": "A", "Effect": "Allow", "Action": ["s3:*", "s3:Get*"], "Resource": "arn:aws:s3:::photos/*"}]}},
			{"PolicyDocument": {"Statement": {"Sid": "B", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*", "Condition": {"Bool": {"a": true}}}}}]}},
		"Narrow": {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": {"Statement": [
			{"Sid": "C", "Effect": "Allow", "Action": "xray:PutTraceSegments", "Resource": "*"},
			{"Sid": "D", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:jobs"}}]}}]}}}}`))
	if err != nil || len(roles) != 2 || roles[0].ID != "Narrow" || roles[0].Managed || !roles[1].Managed {
		t.Fatalf("%+v, %v", roles, err)
	}
	if found := roles[0].Wildcards(); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	const want = "A: s3:*, A: s3:Get*, A: arn:aws:s3:::photos/*, B: sqs:SendMessage on *"
	if got := strings.Join(roles[1].Wildcards(), ", "); got != want {
		t.Errorf("found %s, want %s", got, want)
	}
	const text = "  Allow C xray:PutTraceSegments\n    on *\n  Allow D sqs:SendMessage\n    on sqs:${AWS::Region}:${AWS::AccountId}:jobs\n"
	if got := roles[0].String(); got != text {
		t.Errorf("listed as\n%s", got)
	}
	if _, err := Roles([]byte(`{"Resources": {"P": {"Type": "AWS::IAM::Policy"}}}`)); err == nil {
		t.Error("a policy of its own was passed over")
	}
}
