package schema_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
)

// shape is a data type under one event type and version.
type shape struct {
	name   string
	schema []byte
	draw   func(t *rapid.T) (event.Record, bool) // a stored event, false when its rules refuse the value
	read   func(e event.Envelope) error
}

func shapeOf[T any](t *testing.T) shape {
	t.Helper()
	def := event.Define[T]("some.thing")
	return shape{
		name: fmt.Sprintf("%T", *new(T)), schema: of[T](t),
		draw: func(t *rapid.T) (event.Record, bool) {
			r := def.Record(rapid.Make[T]().Draw(t, "value"))
			return r, r.Err == nil
		},
		read: func(e event.Envelope) error { _, err := def.Decode(e); return err },
	}
}

// TestCompatibleIsReadable: between any two shapes of the table, what Compare
// lets pass under one version can be read: every event that was stored with the
// old shape is decoded by the new one, and keeps its rules.
func TestCompatibleIsReadable(t *testing.T) {
	shapes := []shape{
		shapeOf[one[int]](t), shapeOf[one[string]](t), shapeOf[one[int8]](t), shapeOf[one[uint]](t), shapeOf[one[uint16]](t), shapeOf[one[float32]](t), shapeOf[one[float64]](t), shapeOf[one[time.Time]](t), shapeOf[one[[]byte]](t), shapeOf[keys](t), shapeOf[unique](t), shapeOf[one[[]string]](t), shapeOf[one[map[string]int]](t), shapeOf[one[*int]](t), shapeOf[one[[]int]](t),
		shapeOf[opt[int]](t), shapeOf[opt[*int]](t), shapeOf[opt[string]](t), shapeOf[opt[[]int]](t),
		shapeOf[addedTag](t), shapeOf[addedOpt](t), shapeOf[addedRule](t), shapeOf[renamed](t), shapeOf[described](t),
		shapeOf[min1](t), shapeOf[min5](t), shapeOf[above](t), shapeOf[enum1](t), shapeOf[enum2](t), shapeOf[email](t),
		shapeOf[quotedInt](t), shapeOf[mustOpt](t), shapeOf[list](t), shapeOf[listOf](t), shapeOf[structIn](t), shapeOf[branch](t), shapeOf[branchText](t), shapeOf[leaf](t),
	}
	type pair struct{ old, now shape }
	var compatible []pair
	for _, old := range shapes {
		for _, now := range shapes {
			changes, err := schema.Compare(old.schema, now.schema)
			if err != nil {
				t.Fatal(err)
			}
			if old.name != now.name && !slices.ContainsFunc(changes, func(c schema.Change) bool { return c.Kind.Breaking() }) {
				compatible = append(compatible, pair{old, now})
			}
		}
	}
	if len(compatible) < 15 || len(compatible) > len(shapes)*len(shapes)/4 {
		t.Fatalf("%d of %d pairs are compatible: the test shows nothing", len(compatible), len(shapes)*len(shapes))
	}
	read := 0
	rapid.Check(t, func(t *rapid.T) {
		for _, p := range compatible {
			r, ok := p.old.draw(t)
			if !ok {
				continue
			}
			read++
			e := event.Envelope{Metadata: event.Metadata{ID: "a/b@1", Type: r.Type, SchemaVersion: r.SchemaVersion}, Data: r.Data}
			if err := p.now.read(e); err != nil {
				t.Fatalf("%s, stored as %s, is not readable as %s: %v", r.Data, p.old.name, p.now.name, err)
			}
		}
	})
	t.Logf("%d compatible pairs, %d events read", len(compatible), read)
	if read < 100 {
		t.Errorf("only %d events were read", read)
	}
}
