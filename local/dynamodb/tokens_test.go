package dynamodb

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
)

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func parameters(t *testing.T, body string) digest {
	t.Helper()
	_, _, d, err := stripToken([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func code(err error) string {
	var e *gateway.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestTokenLife(t *testing.T) {
	c := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	tokens := newTokens(c.now)
	a, b := parameters(t, `{"a":1}`), parameters(t, `{"a":2}`)

	use, earlier, err := tokens.begin("t", a)
	if err != nil || earlier != nil {
		t.Fatalf("first: %v, %s", err, earlier)
	}
	if _, _, err := tokens.begin("t", a); code(err) != "TransactionInProgressException" {
		t.Errorf("while it runs: %v", err)
	}
	if _, _, err := tokens.begin("t", b); code(err) != "IdempotentParameterMismatchException" {
		t.Errorf("another while it runs: %v", err)
	}
	c.t = c.t.Add(time.Hour) // the ten minutes begin when it has finished
	use.done([]byte(`{"x":1}`))
	use.end()
	c.t = c.t.Add(tokenLife - time.Nanosecond)
	if _, earlier, err := tokens.begin("t", a); err != nil || string(earlier) != `{"x":1}` {
		t.Errorf("within its life: %s, %v", earlier, err)
	}
	if _, _, err := tokens.begin("t", b); code(err) != "IdempotentParameterMismatchException" {
		t.Errorf("another within its life: %v", err)
	}
	c.t = c.t.Add(time.Nanosecond)
	use, earlier, err = tokens.begin("t", b)
	if err != nil || earlier != nil {
		t.Fatalf("after its life: %v, %s", err, earlier)
	}
	use.end()
	if n := len(tokens.inFlight) + len(tokens.used) + len(tokens.answers) + len(tokens.order); n != 0 {
		t.Errorf("%d entries are left", n)
	}
}

func TestCanonicalParameters(t *testing.T) {
	same := func(a, b string) bool { return parameters(t, a) == parameters(t, b) }
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"b":[1,2]}`, ` { "b" : [1, 2], "a" : 1 } `, true},
		{`{"a":1,"ClientRequestToken":"x"}`, `{"a":1}`, true},
		{`{"v":{"SS":["a","b"]}}`, `{"v":{"SS":["b","a"]}}`, true},
		{`{"v":[{"NS":["1","2"]}]}`, `{"v":[{"NS":["2","1"]}]}`, true},
		{`{"v":{"L":[{"S":"a"},{"S":"b"}]}}`, `{"v":{"L":[{"S":"b"},{"S":"a"}]}}`, false},
		{`{"v":{"SS":["a","b"]}}`, `{"v":{"SS":["a","c"]}}`, false},
		{`{"a":1}`, `{"a":"1"}`, false},
		{`{"a":"\u00e9\n"}`, `{"\u0061":"é\u000a"}`, true},
		{`{"a":"\\n"}`, `{"a":"\n"}`, false},
		{`{"a":[],"b":[1]}`, `{"a":[1],"b":[]}`, false},
		{`{"a":12345678901234567890}`, `{"a":12345678901234567891}`, false},
	} {
		if got := same(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: same %v; want %v", c.a, c.b, got, c.want)
		}
	}
	body, token, _, err := stripToken([]byte(`{"ClientRequestToken":"secret","TransactItems":[{"Put":{"Item":{"x":{"S":"<&>"}}}}]}`))
	if err != nil || token != "secret" || strings.Contains(string(body), "secret") || !strings.Contains(string(body), `"Put"`) {
		t.Errorf("stripped: %s, %v", body, err)
	}
}

func FuzzStripToken(f *testing.F) {
	f.Add([]byte(`{"ClientRequestToken":"a","v":{"SS":["b",null,5]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		stripped, _, d, err := stripToken(body)
		if err != nil {
			return
		}
		again, token, d2, err := stripToken(stripped)
		if err != nil || token != "" || d != d2 || string(again) != string(stripped) {
			t.Fatalf("not stable: %q then %q, %v", stripped, again, err)
		}
	})
}

func FuzzNeeds(f *testing.F) {
	s := &Service{account: "000000000000", region: "us-east-1", client: newClient("http://127.0.0.1:1", unsigned)}
	s.tables = newTableCache(s)
	s.tables.set(&TableConfig{Name: "ttt", Key: []KeyElement{{AttributeName: "id", KeyType: Partition}}})
	var names []string
	for name := range operations {
		names = append(names, name)
	}
	f.Add(uint8(0), []byte(`{"TableName":"ttt","Key":{"id":{"S":"x"}}}`))
	f.Add(uint8(3), []byte(`{"TransactItems":[{"Put":{"TableName":"ttt","Item":{"id":{"N":"1"}}}},null,{"Get":null}]}`))
	f.Add(uint8(9), []byte(`{"ShardIterator":"arn:aws:dynamodb:r:1:table/t/stream/l|1|x"}`))
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		name := names[int(which)%len(names)]
		needs, err := s.Needs(name, body)
		if err != nil {
			// It must be something that the gateway can answer.
			w := httptest.NewRecorder()
			gateway.WriteError(w, &gateway.Request{HTTP: httptest.NewRequest("POST", "/", nil)}, err)
		}
		for _, n := range needs {
			if !strings.HasPrefix(n.Action, "dynamodb:") {
				t.Fatalf("%s needs %+v", name, n)
			}
		}
	})
}
