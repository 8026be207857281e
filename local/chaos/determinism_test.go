package chaos_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/local/chaos"
	"github.com/vinci-go/vinci/local/gateway"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func sqsRequest(operation, body string) *gateway.Request {
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
	return &gateway.Request{HTTP: r, Operation: operation, Body: []byte(body), ID: "the-id"}
}

const threeMessages = `{"Messages":[{"MessageId":"a","ReceiptHandle":"ra"},{"MessageId":"b","ReceiptHandle":"rb"},{"MessageId":"c","ReceiptHandle":"rc"}]}`

func answerMessages(w http.ResponseWriter, _ *gateway.Request) {
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(threeMessages)) // a recorder takes it
}

// sequence makes the same calls each time, from several callers, and returns what
// was decided.
func sequence(t *testing.T, c chaos.Config) []chaos.Decision {
	var decisions []chaos.Decision
	p, err := chaos.New(c, chaos.Options{
		Log:       func(d chaos.Decision) { decisions = append(decisions, d) },
		Functions: func(arn string) []string { return []string{arn[strings.LastIndexByte(arn, '/')+1:]} },
	})
	if err != nil {
		t.Fatal(err)
	}
	p.KillWith(func(f string, pick func(int) int) (string, bool) { return fmt.Sprint(f, pick(4)), true })
	operations := []string{"ReceiveMessage", "SendMessage", "SendMessageBatch", "DeleteMessage"}
	for i := range 300 {
		r := sqsRequest(operations[i%len(operations)], fmt.Sprintf(`{"QueueUrl":"q","MaxNumberOfMessages":10,"ReceiptHandle":"ra","Entries":[{"Id":"1","n":%d},{"Id":"2"}]}`, i/8))
		r.Caller = gateway.Caller{RoleARN: fmt.Sprint("arn:aws:iam::0:role/f", i%3), Session: "s"}
		r.HTTP.Header.Set("Amz-Sdk-Invocation-Id", fmt.Sprint("random in each run ", t.Name(), len(decisions)*0+i/2))
		func() {
			defer func() {
				if v := recover(); v != nil && v != http.ErrAbortHandler {
					panic(v)
				}
			}()
			p.Around(newRecorder(), r, answerMessages)
		}()
	}
	return decisions
}

// The same seed and the same calls: the same decisions. Another seed: others.
func TestDeterminism(t *testing.T) {
	c := chaos.Default(7)
	c.Pause = 1000 // a microsecond
	c.Kill = 0.1
	var first, second, third []chaos.Decision
	t.Run("first", func(t *testing.T) { first = sequence(t, c) })
	t.Run("second", func(t *testing.T) { second = sequence(t, c) })
	c.Seed++
	t.Run("another seed", func(t *testing.T) { third = sequence(t, c) })
	kinds := map[chaos.Kind]bool{}
	for _, d := range first {
		kinds[d.Kind] = true
	}
	if len(first) < 50 || len(kinds) < 6 {
		t.Errorf("%d decisions of kinds %v: that shows little", len(first), kinds)
	}
	if !slices.Equal(first, second) {
		t.Errorf("the same calls had %d decisions and then %d others", len(first), len(second))
	}
	if slices.Equal(first, third) {
		t.Error("two seeds decide alike")
	}
}

// A caller's calls are counted for itself: what others do in between changes
// nothing about it.
func TestCallersDoNotMix(t *testing.T) {
	run := func(others int) (mine []chaos.Decision) {
		p, err := chaos.New(only(t, "9", "throttle=0.4"), chaos.Options{Log: func(d chaos.Decision) {
			if strings.HasPrefix(d.Subject, "mine/") {
				mine = append(mine, d)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			for i := range others + 1 {
				r := sqsRequest("SendMessage", "{}")
				r.Caller.RoleARN = "arn:aws:iam::0:role/mine"
				if i > 0 {
					r.Caller.RoleARN = fmt.Sprint("arn:aws:iam::0:role/other", i)
				}
				p.Around(newRecorder(), r, answerMessages)
			}
		}
		return mine
	}
	if a, b := run(0), run(3); len(a) < 5 || !slices.Equal(a, b) {
		t.Errorf("alone %d decisions, with others %d", len(a), len(b))
	}
}
