package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/ops"
)

func newDLQ() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Look into dead-letter queues, and mend what is in them",
		Long: `What a subscription gave up waits in its dead-letter queue for 14 days. These
commands list it with the reason and bring it to an end. What they do is kept in the
log, with who did it: vinci history 'ops.*'.

With --undelivered they work on what EventBridge could not put into the
subscription's queue.`,
		Args: noSubcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDLQList(), newDLQShow(), newDLQRedrive(), newDLQPurge(), newDLQSend(), newDLQSkip())
	return cmd
}

// box is the flag that names the other queue.
type box struct{ undelivered bool }

func (b *box) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&b.undelivered, "undelivered", false, "what EventBridge could not deliver, in place of the dead letters")
}

func (b *box) box() ops.Box {
	if b.undelivered {
		return ops.Undelivered
	}
	return ops.DeadLetters
}

// openFor opens the deployment for a command about one subscription.
func (f *opsFlags) openFor(cmd *cobra.Command, subscription string) (*deployed, error) {
	d, err := f.open(cmd)
	if err != nil {
		return nil, err
	}
	_, err = d.app.subscription(subscription)
	return d, err
}

func newDLQList() *cobra.Command {
	f, b := &opsFlags{}, &box{}
	var limit int
	cmd := &cobra.Command{
		Use:   "list SUBSCRIPTION",
		Short: "List what was given up, with the reason",
		Long: `Lists the messages of the dead-letter queue, the oldest first, and why each is
there. Nothing is taken out; while it looks, the messages are hidden from others.`,
		Args: subscriptionArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 1 {
				return fmt.Errorf("--limit %d: at least 1 is allowed", limit)
			}
			d, err := f.openFor(cmd, args[0])
			if err != nil {
				return err
			}
			var letters []ops.DeadLetter
			err = slow(cmd, "look through the queue", func() (err error) {
				letters, err = d.DeadLetters(cmd.Context(), args[0], b.box(), limit)
				return err
			})
			if err != nil {
				return d.explain(err)
			}
			if f.asJSON {
				return writeJSON(cmd.OutOrStdout(), nonNil(letters))
			}
			return printLetters(newScreen(cmd.OutOrStdout()), letters, limit)
		},
	}
	f.flags(cmd)
	b.flags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 100, "most `MESSAGES` to list")
	return cmd
}

func printLetters(s *screen, letters []ops.DeadLetter, limit int) error {
	if len(letters) == 0 {
		_, err := fmt.Fprintln(s.w, "nothing is there")
		return err
	}
	g := &grid{s: s}
	g.row("ID", "TYPE", "FIRST SENT", "ATTEMPTS", "REASON")
	for i := range letters {
		l := &letters[i]
		g.row(l.ID(), l.EventType, clock(l.Sent), fmt.Sprint(l.Attempts), shorten(reason(l.ErrorKind, l.ErrorMessage), 120))
		g.paint(0, cyan)
	}
	text := g.lines("")
	if len(letters) == limit {
		text += fmt.Sprintf("\nthere may be more: raise --limit (%d)\n", limit)
	}
	_, err := io.WriteString(s.w, text)
	return err
}

func newDLQShow() *cobra.Command {
	f, b := &opsFlags{}, &box{}
	cmd := &cobra.Command{
		Use:   "show SUBSCRIPTION ID",
		Short: "Show one message with all that is known of it",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("a subscription and an id of `vinci dlq list` are needed: %s", cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := f.openFor(cmd, args[0])
			if err != nil {
				return err
			}
			var letters []ops.DeadLetter
			err = slow(cmd, "look through the queue", func() (err error) {
				letters, err = d.DeadLetters(cmd.Context(), args[0], b.box(), 0)
				return err
			})
			if err != nil {
				return d.explain(err)
			}
			for i := range letters {
				if l := &letters[i]; l.ID() == args[1] || l.MessageID == args[1] {
					if f.asJSON {
						return writeJSON(cmd.OutOrStdout(), l)
					}
					return printLetter(newScreen(cmd.OutOrStdout()), l)
				}
			}
			return fmt.Errorf("no message %s is there: vinci dlq list %s", args[1], args[0])
		},
	}
	f.flags(cmd)
	b.flags(cmd)
	return cmd
}

func printLetter(s *screen, l *ops.DeadLetter) error {
	g := &grid{s: s}
	line := func(what, text string) {
		if text != "" {
			g.row(what, text)
		}
	}
	line("message", l.MessageID)
	line("type", l.EventType)
	line("first sent", clock(l.Sent))
	line("reason", reason(l.ErrorKind, l.ErrorMessage))
	line("attempts", fmt.Sprint(l.Attempts))
	if d := l.Delivery; d != nil {
		line("record", fmt.Sprintf("%s, first %s, last %s, %s", d.State, clock(d.FirstAt), clock(d.LastAt), took(d.Duration())))
		line("correlation", d.CorrelationID)
	} else {
		line("record", "none")
	}
	text := s.paint(cyan, plain(l.ID())) + "\n" + g.lines("  ")
	body := []byte(l.Body)
	if l.Event != nil {
		body, _ = json.Marshal(l.Event) // it was read from JSON
	}
	var pretty any
	if json.Unmarshal(body, &pretty) == nil {
		if b, err := json.MarshalIndent(pretty, "  ", "  "); err == nil {
			body = b
		}
	}
	text += "\n  " + plainLines(string(body)) + "\n"
	_, err := io.WriteString(s.w, text)
	return err
}

// plainLines is plain for text of several lines.
func plainLines(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		out = append(out, plain(line))
	}
	return strings.Join(out, "\n")
}

// picking are the flags that say which messages an act is about.
type picking struct {
	box
	all bool
	ids []string
}

func (p *picking) flags(cmd *cobra.Command, verb string) {
	p.box.flags(cmd)
	cmd.Flags().BoolVar(&p.all, "all", false, verb+" all messages")
	cmd.Flags().StringSliceVar(&p.ids, "id", nil, verb+" the messages with these `IDS`, as vinci dlq list shows them; may be repeated")
}

func (p *picking) check() error {
	if p.all == (len(p.ids) > 0) {
		return errors.New("which messages? either --all, or --id with those of `vinci dlq list`")
	}
	return nil
}

// act runs one of the acts on messages.
// sure may be nil; what it asks is whether to purge.
func (f *opsFlags) act(cmd *cobra.Command, subscription, done string, p *picking, rate int, sure *confirmation, act func(context.Context, *deployed, ops.Pick) (ops.Done, error)) error {
	if err := p.check(); err != nil {
		return err
	}
	ctx, err := f.actor(cmd.Context())
	if err != nil {
		return err
	}
	if sure != nil {
		if err := sure.possible(cmd); err != nil {
			return err
		}
	}
	d, err := f.openFor(cmd, subscription)
	if err != nil {
		return err
	}
	if sure != nil {
		what := plural(int64(len(p.ids)), "message")
		if p.all {
			what = "all messages"
		}
		if err := sure.ask(cmd, fmt.Sprintf("delete %s of subscription %s (%s, %s) for good?", what, subscription, p.box.box(), d.target)); err != nil {
			return err
		}
	}
	show := newTeller(cmd.ErrOrStderr())
	got, err := act(ctx, d, ops.Pick{All: p.all, IDs: p.ids, Box: p.box.box(), Reason: f.reason, Rate: rate, Progress: func(x ops.Done) {
		show.tell(func() string {
			return fmt.Sprintf("looked at %d, %s %s", x.Looked, done, plural(int64(x.Messages), "message"))
		})
	}})
	show.end()
	if f.asJSON {
		got.Events = nonNil(got.Events)
		if err := writeJSON(cmd.OutOrStdout(), got); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", done, plural(int64(got.Messages), "message"))
	}
	if err != nil {
		return d.explain(err)
	}
	if len(got.Missing) > 0 {
		return fmt.Errorf("not found: %s", strings.Join(got.Missing, ", "))
	}
	return nil
}

func newDLQRedrive() *cobra.Command {
	f, p := &opsFlags{}, &picking{}
	var rate int
	cmd := &cobra.Command{
		Use:   "redrive SUBSCRIPTION (--all | --id ID...)",
		Short: "Put messages back into the subscription's queue, to be tried once more",
		Long: `Moves messages back to the queue of their subscription. Each is tried once more, also
when it had been given up; one that fails again comes back with its new reason. What
had succeeded meanwhile is not handled again.`,
		Args: subscriptionArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			if rate < 0 {
				return fmt.Errorf("--rate %d: at least 1 is allowed, 0 is as fast as it goes", rate)
			}
			return f.act(cmd, args[0], "redrove", p, rate, nil, func(ctx context.Context, d *deployed, pick ops.Pick) (ops.Done, error) {
				return d.Redrive(ctx, args[0], pick)
			})
		},
	}
	f.flags(cmd)
	f.acting(cmd)
	p.flags(cmd, "redrive")
	cmd.Flags().IntVar(&rate, "rate", 0, "most `MESSAGES` a second (default as fast as it goes)")
	return cmd
}

func newDLQPurge() *cobra.Command {
	f, p, sure := &opsFlags{}, &picking{}, &confirmation{}
	cmd := &cobra.Command{
		Use:   "purge SUBSCRIPTION (--all | --id ID...)",
		Short: "Delete messages for good",
		Long: `Deletes messages. Their events stay in the log, so that vinci replay can still send
them; what was no event is gone for good. It asks first, unless --yes is said.`,
		Args: subscriptionArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.act(cmd, args[0], "purged", p, 0, sure, func(ctx context.Context, d *deployed, pick ops.Pick) (ops.Done, error) {
				return d.Purge(ctx, args[0], pick)
			})
		},
	}
	f.flags(cmd)
	f.acting(cmd)
	p.flags(cmd, "purge")
	sure.flags(cmd)
	return cmd
}

func newDLQSend() *cobra.Command {
	f := &opsFlags{}
	var file, text string
	cmd := &cobra.Command{
		Use:   "send SUBSCRIPTION EVENT (--data JSON | --file FILE)",
		Short: "Send an event anew with other data, to this subscription only",
		Long: `Commits a new event of the same type with the data that is given, caused by the old
one, which only this subscription handles and which takes the old one's place there:
the old one is ignored from then on, and out of the dead-letter queue. Other data
means all of it: begin with that of vinci dlq show.`,
		Example: `  vinci dlq show charge order/7f3c@1 --json | jq '.body | fromjson | .detail.data' >data.json
  vinci dlq send charge order/7f3c@1 --file data.json --reason 'the address was wrong'`,
		Args: eventArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := readData(cmd, text, file)
			if err != nil {
				return err
			}
			ctx, err := f.actor(cmd.Context())
			if err != nil {
				return err
			}
			d, err := f.openFor(cmd, args[0])
			if err != nil {
				return err
			}
			m, err := d.Edit(ctx, args[0], args[1], data, f.reason)
			if m.ID != "" {
				if f.asJSON {
					if err := writeJSON(cmd.OutOrStdout(), sentJSON{m.ID, m.Type, m.CorrelationID, m.CausationID}); err != nil {
						return err
					}
				} else {
					fmt.Fprintf(cmd.OutOrStdout(), "sent %s in place of %s\n", m.ID, args[1])
				}
			}
			return d.explain(err)
		},
	}
	f.flags(cmd)
	f.acting(cmd)
	cmd.Flags().StringVar(&text, "data", "", "the new event's data, as `JSON`")
	cmd.Flags().StringVar(&file, "file", "", "`FILE` with the new event's data, - for standard input")
	return cmd
}

type sentJSON struct {
	EventID       string `json:"event_id"`
	EventType     string `json:"event_type"`
	CorrelationID string `json:"correlation_id"`
	CausationID   string `json:"causation_id"`
}

func eventArgs(cmd *cobra.Command, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("a subscription and an event id (order/7f3c@1) are needed: %s", cmd.UseLine())
	}
	return nil
}

func readData(cmd *cobra.Command, text, file string) (json.RawMessage, error) {
	switch {
	case (text == "") == (file == ""):
		return nil, errors.New("which data? either --data JSON or --file FILE")
	case text != "":
		return json.RawMessage(text), nil
	case file == "-":
		return io.ReadAll(cmd.InOrStdin())
	}
	return os.ReadFile(file)
}

func newDLQSkip() *cobra.Command {
	f := &opsFlags{}
	cmd := &cobra.Command{
		Use:   "skip SUBSCRIPTION EVENT",
		Short: "Let an ordered subscription pass over an event that blocks its stream",
		Long: `Marks the event as ignored at this subscription and lets its stream go on behind it.
vinci trouble shows what blocks a stream.`,
		Args: eventArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, err := f.actor(cmd.Context())
			if err != nil {
				return err
			}
			d, err := f.openFor(cmd, args[0])
			if err != nil {
				return err
			}
			if err := d.Skip(ctx, args[0], args[1], f.reason); err != nil {
				return d.explain(err)
			}
			if f.asJSON {
				return writeJSON(cmd.OutOrStdout(), skippedJSON{args[1]})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "skipped %s\n", args[1])
			return err
		},
	}
	f.flags(cmd)
	f.acting(cmd)
	return cmd
}

type skippedJSON struct {
	Skipped string `json:"skipped"`
}
