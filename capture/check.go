package capture

import (
	"errors"
	"fmt"

	"github.com/vinci-go/vinci/bus"
)

// Check reports everything that is wrong with a definition and the parts it is to be
// run with, nil when they fit: what [Definition.Err] finds, no handler or two, one
// for another table. [Start] refuses to run with them; a test beside the definitions
// finds them earlier.
func Check(def *Definition, parts ...Part) error { return check(def, sorted(parts)) }

func check(def *Definition, p parts) error {
	err := def.Err()
	if def == nil {
		return err
	}
	errs := []error{err}
	wrong := func(at, format string, args ...any) {
		errs = append(errs, &bus.Error{Kind: bus.KindDefinition, Op: "handler of", Subscription: def.Name, DefinedAt: at, Reason: fmt.Sprintf(format, args...)})
	}
	for _, i := range p.nils {
		wrong("", "part %d is nil: use capture.On, capture.OnTx and capture.Use", i)
	}
	for i, mw := range p.use {
		if mw == nil {
			wrong("", "middleware %d of capture.Use is nil", i)
		}
	}
	for i, h := range p.handlers {
		switch at := h.made.Place; {
		case at == "":
			wrong("", "handler %d is empty: make it with capture.On or capture.OnTx", i)
		case h.table == nil:
			wrong(at, "the handler has no table: use a definition made with orm.Define")
		case h.made.Run == nil:
			wrong(at, "the handler has no function")
		case i > 0:
			wrong(at, "a second handler, the first is at %s: a table handler has one function; make them one, or define a second table handler", p.handlers[0].made.Place)
		case isNil(def.Table): // told by Err
		case h.table.Schema() != def.Table.Schema():
			wrong(at, "the handler is for table %q, and the definition (%s) for table %q", h.table.Schema().Name, def.DefinedAt, def.Table.Schema().Name)
		}
	}
	if len(p.handlers) == 0 {
		wrong(def.DefinedAt, "it has no handler: add capture.On or capture.OnTx")
	}
	return errors.Join(errs...)
}
