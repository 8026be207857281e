package main

import (
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/internal/emf"
	"github.com/vinci-go/vinci/local"
)

func TestScreenShowsNoMetrics(t *testing.T) {
	var line, out strings.Builder
	if err := emf.Write(&line, emf.Record{Namespace: emf.Namespace, Time: time.UnixMilli(1), Values: []emf.Value{emf.Count("Handled", 1)}}); err != nil {
		t.Fatal(err)
	}
	s := &screen{w: &out}
	s.log(local.LogLine{Function: "count_total", Text: strings.TrimSpace(line.String())})
	s.log(local.LogLine{Function: "count_total", Text: `{"msg":"event succeeded"}`})
	if got, want := out.String(), `00:00:00.000 count_total {"msg":"event succeeded"}`+"\n"; got != want {
		t.Errorf("screen\n%swant\n%s", got, want)
	}
}

func TestScreenShowsWhoMayCall(t *testing.T) {
	var out strings.Builder
	(&screen{w: &out}).api(local.API{Name: "shop-local-api", URL: "http://127.0.0.1:1", Routes: []local.APIRoute{
		{Key: "GET /orders", Authorization: "AWS_IAM"}, {Key: "GET /users", Authorization: "NONE"}, {Key: "POST /orders", Authorization: "AWS_IAM"},
		{Key: "GET /me", Authorization: "JWT", Issuer: "https://id.example.com"},
		{Key: "PUT /me", Authorization: "JWT", Issuer: "https://id.example.com", Scopes: []string{"write", "admin"}},
	}})
	const want = `HTTP API shop-local-api  http://127.0.0.1:1
  IAM (signed with the keys below): GET /orders, POST /orders
  JWT of https://id.example.com: GET /me
  JWT of https://id.example.com with scope write or admin: PUT /me
  public: GET /users
`
	if out.String() != want {
		t.Errorf("screen\n%swant\n%s", &out, want)
	}
}
