package main

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/internal/moduletest"
	"github.com/vinci-go/vinci/orm"
)

// ticket has one of everything that a definition can say.
func ticket() *orm.Schema {
	return &orm.Schema{
		Name: "tickets", Description: "Tickets <of> all tenants & theirs.", Type: "desk.Ticket",
		Hash: "tenant", Sort: "number", TTL: "expires", Version: "version", Stream: true,
		Attributes: []orm.AttributeSchema{
			{Name: "tenant", Type: "S", Go: "string", Field: "Tenant"},
			{Name: "number", Type: "N", Go: "int64", Field: "Number", DefaultFunc: true},
			{Name: "place", Type: "S", Go: "string", Field: "Place", Template: "{tenant}#{state}"},
			{Name: "state", Type: "S", Go: "desk.State", Field: "State", Default: "open", Enum: []string{"open", "closed"}, Description: "what is to be done"},
			{Name: "mail", Type: "S", Go: "string", Field: "Mail", Unique: "normalized", Validate: "required,email", Masked: true},
			{Name: "note", Type: "S", Go: "string", Field: "Note", Hidden: true},
			{Name: "at", Type: "S", Go: "time.Time", Field: "At", Stamp: "created"},
			{Name: "expires", Type: "N", Go: "time.Time", Field: "Expires"},
			{Name: "version", Type: "N", Go: "int64", Field: "Version"},
		},
		Indexes: []orm.IndexSchema{
			{Name: "by_place", Hash: "place", Sort: "number", Projection: "INCLUDE", Include: []string{"mail", "state"}},
			{Name: "by_time", Hash: "tenant", Sort: "expires", Local: true, Projection: "ALL"},
		},
	}
}

func counter() *orm.Schema {
	return &orm.Schema{Name: "counters", Type: "desk.Counter", Hash: "name", Attributes: []orm.AttributeSchema{
		{Name: "name", Type: "S", Go: "string", Field: "Name"}, {Name: "n", Type: "N", Go: "int", Field: "N"}}}
}

// fakeApp is the folder of a CDK app that has the tables and answers at once.
func fakeApp(t *testing.T, tables ...*orm.Schema) string {
	t.Helper()
	t.Setenv("AWS_PROFILE", "") // whoever runs the tests may have one
	dir := t.TempDir()
	define(t, dir, tables...)
	moduletest.Write(t, filepath.Join(dir, "cdk.json"), `{"app":"cp definitions.json \"$VINCI_DEFINITIONS\""}`)
	return dir
}

// define changes the tables of a fakeApp.
func define(t *testing.T, dir string, tables ...*orm.Schema) {
	t.Helper()
	if err := definitions.Write(filepath.Join(dir, "definitions.json"), &definitions.File{Application: "shop", Tables: tables}); err != nil {
		t.Fatal(err)
	}
}

// cloudFormation answers ListStacks, two stacks a page, and GetTemplate.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html
type cloudFormation struct {
	stacks    []string          // all, in the order of the answers
	templates map[string]string // of stacks that may be asked for theirs
	failures  map[string]string // error codes, by action
	asked     []string          // the filters of the first request
}

func (c *cloudFormation) start(t *testing.T) {
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": s.URL, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"} {
		t.Setenv(name, value)
	}
}

func (c *cloudFormation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/xml")
	action := r.FormValue("Action")
	if code := c.failures[action]; code != "" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>not allowed</Message></Error></ErrorResponse>", code)
		return
	}
	switch action {
	case "ListStacks":
		at := 0
		fmt.Sscan(r.FormValue("NextToken"), &at)
		if at == 0 {
			for i := 1; r.FormValue(fmt.Sprintf("StackStatusFilter.member.%d", i)) != ""; i++ {
				c.asked = append(c.asked, r.FormValue(fmt.Sprintf("StackStatusFilter.member.%d", i)))
			}
		}
		var b strings.Builder
		for _, name := range c.stacks[at:min(at+2, len(c.stacks))] {
			fmt.Fprintf(&b, "<member><StackName>%s</StackName><StackStatus>UPDATE_COMPLETE</StackStatus><CreationTime>2026-01-02T03:04:05Z</CreationTime></member>", name)
		}
		next := ""
		if at+2 < len(c.stacks) {
			next = fmt.Sprintf("<NextToken>%d</NextToken>", at+2)
		}
		fmt.Fprintf(w, "<ListStacksResponse><ListStacksResult><StackSummaries>%s</StackSummaries>%s</ListStacksResult></ListStacksResponse>", &b, next)
	case "GetTemplate":
		text, ok := c.templates[r.FormValue("StackName")]
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id %s does not exist</Message></Error></ErrorResponse>", r.FormValue("StackName"))
			return
		}
		fmt.Fprint(w, "<GetTemplateResponse><GetTemplateResult><TemplateBody>")
		xml.EscapeText(w, []byte(text))
		fmt.Fprint(w, "</TemplateBody></GetTemplateResult></GetTemplateResponse>")
	default:
		w.WriteHeader(http.StatusBadRequest)
	}
}
