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
