package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
)

func newDeliveries() *cobra.Command {
	f := &opsFlags{}
	var again []string
	cmd := &cobra.Command{
		Use:   "deliveries EVENT",
		Short: "Show what became of one event at each subscription",
		Long: `Shows the delivery records of an event: state, attempts, times, and the last error.
A subscription that asks for the event and has no record of it is listed as well:
it has not met the event yet, or its record has expired.`,
		Example: "  vinci deliveries user/7f3c@1\n  vinci deliveries shop:order/7f3c@4   # of another application, see bus.From",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("one event id is needed, such as user/7f3c@1, got %d arguments", len(args))
			}
			_, id := bus.SplitForeignID(args[0])
			_, _, err := event.ParseID(id)
			return err
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := f.open(cmd)
			if err != nil {
				return err
			}
			ds, err := d.Deliveries(cmd.Context(), args[0], again...)
			if err != nil {
				return d.explain(err)
			}
			unmet, err := d.unmet(cmd, args[0], ds)
			if err != nil {
				return d.explain(err)
			}
			if f.asJSON {
				return writeJSON(cmd.OutOrStdout(), deliveriesJSON{nonNil(ds), nonNil(unmet)})
			}
			return printDeliveries(newScreen(cmd.OutOrStdout()), ds, unmet)
		},
	}
	f.flags(cmd)
	cmd.Flags().StringSliceVar(&again, "again", nil, "also in these `NAMESPACES` of replays")
	return cmd
}

type deliveriesJSON struct {
	Deliveries []ops.Delivery `json:"deliveries"`
	Unmet      []string       `json:"unmet"` // subscriptions that ask for it and have no record
}

// unmet are the subscriptions that ask for an event and have no record of it. An
// event that was published without the log is not known, and has none.
func (d *deployed) unmet(cmd *cobra.Command, eventID string, ds []ops.Delivery) ([]string, error) {
	if of, _ := bus.SplitForeignID(eventID); of != "" {
		if len(ds) == 0 {
			return nil, fmt.Errorf("no subscription has a record of event %s, which is in the log of %s", eventID, of)
		}
		return nil, nil
	}
	e, err := d.log.Get(cmd.Context(), eventID)
	if errors.Is(err, orm.KindNotFound) {
		if len(ds) == 0 {
			return nil, fmt.Errorf("the log has no event %s, and no subscription has a record of it", eventID)
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	askers, err := d.Askers(e)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(askers, func(name string) bool {
		return slices.ContainsFunc(ds, func(x ops.Delivery) bool { return x.Subscription == name })
	}), nil
}

func printDeliveries(s *screen, ds []ops.Delivery, unmet []string) error {
	if len(ds)+len(unmet) == 0 {
		_, err := fmt.Fprintln(s.w, "no subscription asks for it")
		return err
	}
	g := &grid{s: s}
	g.row("SUBSCRIPTION", "STATE", "ATTEMPTS", "FIRST", "LAST", "DURATION", "ERROR")
	for _, d := range ds {
		g.row(name(d.Subscription, d.Namespace), string(d.State), fmt.Sprint(d.Attempts), clock(d.FirstAt), clock(d.LastAt), took(d.Duration()), reason(d.ErrorKind, d.ErrorMessage))
		g.paint(1, stateColor(d.State))
	}
	for _, u := range unmet {
		g.row(u, "no record")
		g.paint(1, dim)
	}
	_, err := io.WriteString(s.w, g.lines(""))
	return err
}

// name is a subscription, or an event, with the namespace if it is in one.
func name(of, namespace string) string { return strings.TrimSuffix(of+"!"+namespace, "!") }
