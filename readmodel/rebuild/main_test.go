package rebuild_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/readmodel/rebuild"
)

// direct is a queue whose messages are handled when they are sent.
type direct struct {
	sim
	consumer *bus.Consumer
}

func (q direct) Send(ctx context.Context, _ string, ms []ops.Outgoing) error {
	var in events.SQSEvent
	for _, m := range ms {
		r := events.SQSMessage{MessageId: "m", Body: m.Body, MessageAttributes: map[string]events.SQSMessageAttribute{}}
		for name, value := range m.Attributes {
			r.MessageAttributes[name] = events.SQSMessageAttribute{DataType: "String", StringValue: &value}
		}
		in.Records = append(in.Records, r)
	}
	_, err := q.consumer.Handle(ctx, in)
	return err
}

// program is the program of a read model on a store in memory.
type program struct {
	t      *testing.T
	memory *ormtest.Memory
	log    *eventlog.Log
	queue  direct
	born   time.Time
	err    error
}

func newProgram(t *testing.T) *program {
	p := &program{t: t, memory: ormtest.New(), born: time.Now()}
	p.log = eventlog.New(p.memory, eventlog.Options{Source: "sim"})
	var err error
	p.queue = direct{sim{&world{}}, nil}
	p.queue.consumer, err = bus.NewConsumer(bus.ConsumerOptions{Subscription: counted, Parts: []bus.Part{bus.OnTx(thingHappened, count)},
		Store: p.memory, Log: p.log, Queue: sim{&world{}}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *program) commit(n int) {
	p.t.Helper()
	c, err := p.log.Commit(p.t.Context(), eventlog.Changes{Events: []event.Record{thingHappened.At("thing/1", event.Append).Record(happened{n})}})
	if err != nil {
		p.t.Fatal(err)
	}
	e, err := p.log.Get(p.t.Context(), c.Events[0].ID)
	if err != nil {
		p.t.Fatal(err)
	}
	body, err := bus.MessageBody(e)
	if err == nil {
		err = p.queue.Send(p.t.Context(), "", []ops.Outgoing{{Body: string(body)}})
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) run(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	if len(args) > 0 {
		switch args[0] {
		case "rebuild":
			args = append(args, "--settle", "1ms", "--grace", "1ms", "--patience", "1ms", "--as", "ada")
		case "verify":
			args = append(args, "--settle", "1ms", "--patience", "1ms")
		}
	}
	code = rebuild.Process{Args: args, Stdout: &out, Stderr: &errs, Store: p.memory, Queues: p.queue, Born: p.born, Err: p.err}.
		Run(ctx, counted, []rebuild.Table{rebuild.Items(counts, generationOf)}, bus.OnTx(thingHappened, count))
	return code, out.String(), errs.String()
}

func TestProgram(t *testing.T) {
	p := newProgram(t)
	for range 3 {
		p.commit(1)
	}
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"subscription", 0, "counted\n", ""},
		{"", 2, "", "vinci rebuild"},
		{"mend", 2, "", `the first argument is "mend"`},
		{"verify --rate 5", 2, "", "flag provided but not defined: -rate"},
		{"rebuild --dry-run --abort", 2, "", "one of --dry-run"},
		{"rebuild --since yesterday", 1, "", `--since "yesterday"`},
		{"verify", 0, "the first generation: 4 items from 3 events: all is as the log says\n", ""},
		{"rebuild --resume", 1, "", "no generation is being made"},
		{"rebuild --dry-run", 0, "would make generation g2 beside the first generation from 3 events\n", "counted 3 events"},
		{"rebuild --rate 1000 --since 2d", 0, "sent 3\ngeneration g2: 4 items from 3 events: all is as the log says\ngeneration g2 is the current one\ndeleted 4 items of old generations\n", "waiting until the log's index"},
		{"verify", 0, "generation g2: 4 items from 3 events: all is as the log says\n", ""},
		{"rebuild --keep", 0, "kept the items of an old generation (g2): --drop deletes them\n", ""},
		{"rebuild --drop", 0, "deleted 4 items of old generations\n", "deleted 4 items\n"},
		{"verify --generation g2", 1, "generation g2: 0 items from 3 events: 4 items differ, 0 events are not rightly in it", "not what the log says"},
	} {
		code, out, errs := p.run(t.Context(), strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out, c.stdout) || !strings.Contains(errs, c.stderr) || c.stdout == "" && out != "" {
			t.Errorf("%s: exit %d\n%s%s", c.args, code, out, errs)
		}
	}
	if err := orm.Exec(t.Context(), p.memory, counts.Update("g3#all", countN.Add(1))); err != nil {
		t.Fatal(err)
	}
	code, out, errs := p.run(t.Context(), "verify")
	if code != 1 || !strings.Contains(out, "1 items differ") || !strings.Contains(out, "    n: stored 4, expected 3\n") || !strings.Contains(errs, "not what the log says") {
		t.Errorf("differs: exit %d\n%s%s", code, out, errs)
	}
	code, out, _ = p.run(t.Context(), "verify", "--json")
	var r rebuild.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 1 || r.Differing != 1 || r.Differences[0].Attribute != "n" || r.Generation != "g3" {
		t.Errorf("JSON: exit %d, %v\n%s", code, err, out)
	}
	code, out, _ = p.run(t.Context(), "rebuild", "--json")
	var done rebuild.Result
	if err := json.Unmarshal([]byte(out), &done); err != nil || code != 0 || !done.Flipped || done.Generation != "g4" || done.Before != "g3" || done.Dropped != 4 || !done.Report.OK() {
		t.Errorf("JSON: exit %d, %v\n%s", code, err, out)
	}

	ctx, stop := context.WithCancel(t.Context())
	stop()
	if code, _, errs := p.run(ctx, "verify"); code != 130 || !strings.Contains(errs, "stopped") {
		t.Errorf("stopped: exit %d, %s", code, errs)
	}
	p.born = time.Time{}
	if code, _, errs := p.run(t.Context(), "verify"); code != 1 || !strings.Contains(errs, "--since DAY") {
		t.Errorf("a restored table: exit %d, %s", code, errs)
	}
	if code, _, errs := p.run(t.Context(), "verify", "--since", time.Now().Add(-24*time.Hour).Format(time.DateOnly)); code != 0 {
		t.Errorf("since: exit %d, %s", code, errs)
	}
	p.err = errors.New("nothing answers")
	if code, _, errs := p.run(t.Context(), "verify"); code != 1 || !strings.Contains(errs, "nothing answers") {
		t.Errorf("no deployment: exit %d, %s", code, errs)
	}
	var model bytes.Buffer
	if code := (rebuild.Process{Args: []string{"verify"}, Stderr: &model}).Run(t.Context(), counted, nil, bus.OnTx(thingHappened, count)); code != 1 || !strings.Contains(model.String(), "it has no table") {
		t.Errorf("a wrong model: exit %d, %s", code, model.String())
	}
}

// A rebuild that was stopped goes on, or is given up.
func TestProgramStopped(t *testing.T) {
	p := newProgram(t)
	p.commit(1)
	ctx, stop := context.WithCancel(t.Context())
	p.memory.After(func(c ormtest.Call) error {
		if c.Op == "transact" && len(c.Actions) > 1 && c.Actions[0].Table == eventlog.State.Schema() {
			stop()
		}
		return nil
	})
	code, _, errs := p.run(ctx, "rebuild")
	p.memory.After(nil)
	if code != 130 || !strings.Contains(errs, "--resume goes on, --abort gives it up") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if code, _, errs := p.run(t.Context(), "rebuild"); code != 1 || !strings.Contains(errs, "a generation is being made already: g2 since") || !strings.Contains(errs, "--resume goes on with it") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, out, errs := p.run(t.Context(), "rebuild", "--resume"); code != 0 || !strings.Contains(out, "generation g2 is the current one") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}
