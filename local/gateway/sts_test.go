package gateway_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/gateway/gatewaytest"
	"github.com/vinci-go/vinci/local/iam"
)

const (
	takenARN = "arn:aws:iam::000000000000:role/taken"
	otherARN = "arn:aws:iam::000000000000:role/other"
)

// Keys of a role that is taken with STS are the role's until they expire.
func TestAssumeRole(t *testing.T) {
	now := signedAt
	credentials := gateway.NewCredentials(gateway.CredentialsOptions{})
	document := func(parse func([]byte) (iam.Document, error), raw string) iam.Document {
		t.Helper()
		d, err := parse([]byte(`{"Version":"2012-10-17","Statement":` + raw + `}`))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	trust := func(statement string) gateway.Trust {
		return gateway.Trust{Policy: document(iam.ParseResource, `{"Action":"sts:AssumeRole",`+statement+`}`)}
	}
	credentials.SetRoles(map[string]iam.Policies{
		takenARN: {document(iam.Parse, `{"Effect":"Allow","Action":"test:Do","Resource":"`+resource+`"}`)},
		roleARN:  {document(iam.Parse, `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`)},
		otherARN: nil,
	})
	account := trust(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"}`)
	long := account
	long.MaxSession = 2 * time.Hour
	server := httptest.NewServer(gateway.New(gateway.Options{Services: []gateway.Service{&service{prefixes: []string{"Test"}}}, Credentials: credentials, Now: func() time.Time { return now }}))
	defer server.Close()
	call := func(keys gateway.Keys, signing, body string, header ...string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		gatewaytest.SignAt(t, req, keys, signing, body, now)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(raw)
	}
	assume := func(keys gateway.Keys, role string, extra ...string) (int, string) {
		form := url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {role}, "RoleSessionName": {"me"}}
		for i := 0; i < len(extra); i += 2 {
			form.Set(extra[i], extra[i+1])
		}
		return call(keys, "sts", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	}
	owner, role, other := credentials.Owner(), credentials.Issue(roleARN, "f"), credentials.Issue(otherARN, "g")
	for _, c := range []struct {
		name   string
		trust  gateway.Trust
		keys   gateway.Keys
		extra  []string
		status int
		want   string
	}{
		{"the owner, where the account is trusted", account, owner, nil, 200, "assumed-role/taken/me"},
		{"the owner, where Lambda is trusted", trust(`"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"}`), owner, nil, 403, "<Code>AccessDenied</Code>"},
		{"a role that may", account, role, nil, 200, "assumed-role/taken/me"},
		{"a role that may not", account, other, nil, 403, "is not authorized to perform: sts:AssumeRole on resource: " + takenARN},
		{"a role that the trust names", trust(`"Effect":"Allow","Principal":{"AWS":"` + otherARN + `"}`), other, nil, 200, "assumed-role/taken/me"},
		{"a role that the trust denies", trust(`"Effect":"Deny","Principal":"*"`), role, nil, 403, "AccessDenied"},
		{"two hours", long, owner, []string{"DurationSeconds", "7200"}, 200, "<Expiration>2026-11-21T01:58:00Z</Expiration>"},
		{"too long for the role", account, owner, []string{"DurationSeconds", "7200"}, 400, "exceeds the MaxSessionDuration set for this role"},
		{"too long for a role that takes a role", long, role, []string{"DurationSeconds", "7200"}, 400, "exceeds the MaxSessionDuration"},
		{"too short", account, owner, []string{"DurationSeconds", "60"}, 400, "ValidationError"},
		{"no number", account, owner, []string{"DurationSeconds", "x"}, 400, "ValidationError"},
		{"no session name", account, owner, []string{"RoleSessionName", " "}, 400, "ValidationError"},
		{"a session policy", account, owner, []string{"Policy", "{}"}, 400, "parameter Policy of AssumeRole is not served"},
		{"no such role", account, owner, []string{"RoleArn", "arn:aws:iam::000000000000:role/none"}, 403, "AccessDenied"},
	} {
		credentials.SetTrusts(map[string]gateway.Trust{takenARN: c.trust})
		if status, body := assume(c.keys, takenARN, c.extra...); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s; want %d %s", c.name, status, body, c.status, c.want)
		}
	}

	credentials.SetTrusts(map[string]gateway.Trust{takenARN: account})
	_, body := assume(owner, takenARN)
	var answer struct {
		KeyID  string `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Secret string `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		Token  string `xml:"AssumeRoleResult>Credentials>SessionToken"`
	}
	if err := xml.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	keys := gateway.Keys{AccessKeyID: answer.KeyID, SecretAccessKey: answer.Secret, SessionToken: answer.Token}
	if status, body := call(keys, "x", "{}", "X-Amz-Target", "Test.Do"); status != 200 {
		t.Errorf("what the role may: %d %s", status, body)
	}
	if status, body := call(keys, "x", "{}", "X-Amz-Target", "Test.Other"); status != 400 || !strings.Contains(body, "assumed-role/taken/me is not authorized") {
		t.Errorf("what it may not: %d %s", status, body)
	}
	now = now.Add(time.Hour)
	if _, body := call(keys, "x", "{}", "X-Amz-Target", "Test.Do"); !strings.Contains(body, `coral.service#ExpiredTokenException`) || !strings.Contains(body, "The security token included in the request is expired") {
		t.Errorf("an hour later: %s", body)
	}
	if _, body := call(keys, "sts", "Action=GetCallerIdentity", "Content-Type", "application/x-www-form-urlencoded"); !strings.Contains(body, "<Code>ExpiredToken</Code>") {
		t.Errorf("an hour later, at STS: %s", body)
	}
}
