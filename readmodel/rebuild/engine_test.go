package rebuild_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/readmodel/rebuild"
)

// On a DynamoDB that is reached as in a deployment: the age of the table of events
// says where the log begins, and items come back as they were written.
func TestEngine(t *testing.T) {
	engine := ormtest.StartEngine(t)
	env := map[string]string{"VINCI_APP": "sim", "VINCI_DEPLOYMENT": "test", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": engine.URL}
	getenv := func(name string) string { return env[name] }
	for _, s := range []*orm.Schema{eventlog.Events.Schema(), eventlog.State.Schema(), bus.Deliveries.Schema(), counts.Schema()} {
		if _, err := engine.Client.CreateTable(t.Context(), orm.CreateTableInput(s, "sim-test-"+s.Name)); err != nil {
			t.Fatal(err)
		}
	}
	store, err := orm.FromEnv(getenv)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, log: eventlog.New(store, eventlog.Options{Source: "sim"})}
	p.queue = direct{sim{&world{}}, nil}
	p.queue.consumer, err = bus.NewConsumer(bus.ConsumerOptions{Subscription: counted, Parts: []bus.Part{bus.OnTx(thingHappened, count)},
		Store: store, Log: p.log, Queue: sim{&world{}}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		p.commit(n)
	}
	for _, c := range []struct{ args, want string }{
		{"verify --settle 1ms", "the first generation: 6 items from 5 events: all is as the log says"},
		{"rebuild --settle 1ms --grace 1ms --as ada", "generation g2 is the current one\ndeleted 6 items of old generations"},
		{"verify --settle 1ms", "generation g2: 6 items from 5 events: all is as the log says"},
	} {
		var out, errs bytes.Buffer
		code := rebuild.Process{Args: strings.Fields(c.args), Stdout: &out, Stderr: &errs, Getenv: getenv, Queues: p.queue}.
			Run(t.Context(), counted, []rebuild.Table{rebuild.Items(counts, generationOf)}, bus.OnTx(thingHappened, count))
		if code != 0 || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: exit %d\n%s%s", c.args, code, out.String(), errs.String())
		}
	}
	env["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
	var errs bytes.Buffer
	if code := (rebuild.Process{Args: []string{"verify"}, Stderr: &errs, Getenv: getenv}).Run(t.Context(), counted, []rebuild.Table{rebuild.Items(counts, generationOf)}, bus.OnTx(thingHappened, count)); code != 1 || !strings.Contains(errs.String(), "nothing answers at http://127.0.0.1:9") {
		t.Errorf("nobody there: exit %d, %s", code, errs.String())
	}
}
