package ops

import (
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
)

// Whatever is in a queue, it has a name that fits into the record of an act.
func FuzzLetter(f *testing.F) {
	for _, body := range []string{"", "{}", `{"detail":{}}`, `{"detail":null}`, `{"detail":{"specversion":"1.0","id":"order/1@1","source":"shop","type":"order.placed","time":"2026-03-01T12:00:00Z","schemaversion":1,"data":{}}}`, "\x00"} {
		f.Add(body, "spring", "3")
	}
	f.Fuzz(func(t *testing.T, body, namespace, attempts string) {
		l := letter(Message{ID: "m", Body: body, Attributes: map[string]string{bus.AttrNamespace: namespace, bus.AttrAttempts: attempts}}, "")
		if id := l.ID(); id == "" || len(id) > maxNamed+1+bus.MaxNamespace || l.EventID != "" && (l.Event == nil || !strings.HasPrefix(id, l.EventID)) {
			t.Errorf("it is called %q: %+v", id, l)
		}
		l.explain(nil, l.Sent)
		if l.ErrorKind == "" {
			t.Error("it has no reason")
		}
	})
}
