package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// Generations says which generations the read model of a [Rebuildable] subscription
// has. A generation is a namespace; the first one is "". The zero value is a model
// that was never rebuilt. It is one item of the table "state", which package
// readmodel/rebuild writes and every consumer of the subscription reads, strongly
// consistent, once a batch.
type Generations struct {
	// Current is the generation that queries read.
	Current string    `json:"current,omitempty"`
	Since   time.Time `json:"since,omitzero"` // when it became current; zero: it always was
	Begun   time.Time `json:"begun,omitzero"` // when it was begun to be made, not later than its first event; zero: nobody knows
	// Building is the generation that is being made; empty: none is.
	Building      string    `json:"building,omitempty"`
	BuildingSince time.Time `json:"building_since,omitzero"` // not later than its first event
	// Retired are generations that nobody writes any more and whose items may still
	// be there, the oldest first.
	Retired []Retired `json:"retired,omitempty"`
	// Last is the number of the generation that was made last, 0: none was. No number
	// is used twice.
	Last int `json:"last,omitempty"`
	// Revision counts the changes of the item: it is what a change is conditional on.
	Revision int64 `json:"-"`
}

// Retired is a generation that was current, or was given up while it was being made.
type Retired struct {
	Generation string    `json:"generation"`
	At         time.Time `json:"at"`
	Aborted    bool      `json:"aborted,omitempty"` // it never was current
	Keep       bool      `json:"keep,omitempty"`    // somebody wants its items for now
}

// Live are the generations in which an event that comes over the bus is handled: the
// current one first.
func (g *Generations) Live() []string {
	if g.Building == "" {
		return []string{g.Current}
	}
	return []string{g.Current, g.Building}
}

// Next is the name of the generation that would be made next: g2, g3 and so on.
func (g *Generations) Next() string { return "g" + strconv.Itoa(max(g.Last, 1)+1) }

var generationPattern = regexp.MustCompile(`^g[1-9][0-9]*$`)

// IsGeneration reports whether a namespace has a name such as those of generations,
// which are not to be used for other replays.
func IsGeneration(namespace string) bool { return generationPattern.MatchString(namespace) }

// Over reports whether nothing is to be handled in a namespace any more: it is a
// generation, and neither current nor being made. Namespaces of other names are never
// over.
func (g *Generations) Over(namespace string) bool {
	return !slices.Contains(g.Live(), namespace) && (namespace == "" || IsGeneration(namespace))
}

// ReadGenerations reads which generations a subscription's read model has, strongly
// consistent. Of one that was never rebuilt they are the zero value. The error is the
// store's, or says that the item cannot be read.
func ReadGenerations(ctx context.Context, r orm.Reader, subscription string) (Generations, error) {
	item, err := eventlog.State.Get(ctx, r, eventlog.ModelKey(subscription))
	if errors.Is(err, orm.KindNotFound) {
		return Generations{}, nil
	}
	if err != nil {
		return Generations{}, fmt.Errorf("read the generations of the read model of %s: %w", subscription, err)
	}
	return generationsOf(&item)
}

func generationsOf(item *eventlog.StateItem) (Generations, error) {
	g := Generations{Revision: item.Position}
	if err := json.Unmarshal([]byte(item.Data), &g); err != nil {
		return Generations{}, fmt.Errorf("read the item %s: %w", item.Key, err)
	}
	return g, nil
}

var attrData = orm.Attr(eventlog.State, func(s *eventlog.StateItem) *string { return &s.Data })

// ChangeGenerations is the write by which g takes the place of what was read, on the
// condition that nobody has changed it since: then the error is of
// orm.KindConditionFailed. g.Revision is that of what was read.
func ChangeGenerations(subscription string, g Generations) (orm.Write, error) {
	data, err := json.Marshal(g)
	if err != nil {
		return nil, fmt.Errorf("write the generations of the read model of %s: %w", subscription, err)
	}
	unchanged := attrPosition.NotExists()
	if g.Revision > 0 {
		unchanged = attrPosition.Eq(g.Revision)
	}
	return eventlog.State.Update(eventlog.ModelKey(subscription),
		attrKind.Set(eventlog.StateModel), attrData.Set(string(data)), attrPosition.Set(g.Revision+1)).If(unchanged), nil
}

// generations reads the generations for one batch.
func (c *Consumer) generations(ctx context.Context) (g Generations, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Error{Kind: KindPanic, Op: "consume", Subscription: c.sub.Name, Reason: fmt.Sprint("the consumer panicked: ", p)}
		}
	}()
	err = c.retried(ctx, func() (err error) {
		g, err = ReadGenerations(ctx, c.store, c.sub.Name)
		return err
	})
	return g, err
}

// spread makes of the messages of a batch what is to be done about them: mostly one
// delivery each, for a rebuildable subscription one in each generation that is live.
// All of the current generation come first.
func (c *Consumer) spread(ctx context.Context, ds []*delivery) (arrivals []*arrival, all []*delivery) {
	arrivals = make([]*arrival, len(ds))
	for i, d := range ds {
		arrivals[i] = &arrival{message: d.message, first: d, results: make([]result, 1), open: 1}
		d.arrival = arrivals[i]
	}
	if !c.sub.Rebuildable {
		return arrivals, ds
	}
	g, err := c.generations(ctx)
	var more []*delivery
	for _, d := range ds {
		switch {
		case d.unreadable != nil:
		case err != nil:
			d.unplaced = err
		case d.namespace != "":
			d.over = g.Over(d.namespace)
		default:
			for place, namespace := range g.Live() {
				each := d
				if place > 0 {
					each = c.again(d)
					more = append(more, each)
				}
				each.in(namespace, place)
			}
			d.arrival.results = make([]result, len(g.Live()))
			d.arrival.open = len(d.arrival.results)
		}
	}
	return arrivals, append(ds, more...)
}

// again is another delivery of the event, with a run of its own.
func (c *Consumer) again(d *delivery) *delivery {
	other := *d
	other.runID = c.newID()
	other.trace = traceOf(d.event.TraceParent, other.runID)
	return &other
}

// in puts a delivery into a generation.
func (d *delivery) in(namespace string, place int) {
	d.namespace, d.place = namespace, place
	if namespace != "" && d.unreadable == nil {
		d.unreadable = d.checkKey()
	}
}
