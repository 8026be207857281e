package emf_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/vinci-go/vinci/internal/emf"
)

var at = time.Date(2026, 11, 21, 5, 47, 19, 0, time.UTC)

func TestWrite(t *testing.T) {
	var b bytes.Buffer
	err := emf.Write(&b, emf.Record{
		Namespace: emf.Namespace, Time: at,
		Dimensions: []emf.Dimension{{emf.DimensionApplication, `sh"op`}, {emf.DimensionDeployment, "test"}},
		Values: []emf.Value{
			emf.Count("Handled", 3), emf.Milliseconds("Lag", 1500*time.Microsecond), emf.Milliseconds("Early", -time.Second),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"Application":"sh\"op","Deployment":"test","Handled":3,"Lag":1,"Early":0,"_aws":{"Timestamp":1795240039000,` +
		`"CloudWatchMetrics":[{"Namespace":"Vinci","Dimensions":[["Application","Deployment"]],"Metrics":[` +
		`{"Name":"Handled","Unit":"Count"},{"Name":"Lag","Unit":"Milliseconds"},{"Name":"Early","Unit":"Milliseconds"}]}]}}` + "\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
	if !json.Valid(b.Bytes()) {
		t.Error("it is no JSON")
	}
}

// A metric without dimensions has one empty set of them, not none: the
// specification wants a list of lists.
func TestNoDimensions(t *testing.T) {
	var b bytes.Buffer
	if err := emf.Write(&b, emf.Record{Namespace: "N", Time: at, Values: []emf.Value{emf.Count("C", 1)}}); err != nil {
		t.Fatal(err)
	}
	const want = `{"C":1,"_aws":{"Timestamp":1795240039000,"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[[]],"Metrics":[{"Name":"C","Unit":"Count"}]}]}}` + "\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}

type broken struct{ asked int }

var errBroken = errors.New("broken pipe")

func (b *broken) Write([]byte) (int, error) { b.asked++; return 0, errBroken }

func TestNothingAndFailure(t *testing.T) {
	w := &broken{}
	if err := emf.Write(w, emf.Record{Namespace: "N"}); err != nil || w.asked != 0 {
		t.Errorf("%v after %d writes: there was nothing to write", err, w.asked)
	}
	if err := emf.Write(w, emf.Record{Values: []emf.Value{emf.Count("C", 1)}}); !errors.Is(err, errBroken) || w.asked != 1 {
		t.Errorf("%v after %d writes, want %v after one", err, w.asked, errBroken)
	}
}
