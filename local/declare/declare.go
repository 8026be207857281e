package declare

import (
	"fmt"
	"strings"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/local/iam"
)

// Kind is what a function is to the application.
type Kind int

// The kinds of functions. Foreign is one that Vinci's constructs did not make.
const (
	Foreign      Kind = iota
	Subscription      // made by Application.AddEventHandler
	API               // made by Application.AddAPI
	Own               // made by constructs.NewFunction in a stack of the application's own
	Framework         // the relay and the timers function
)

// Function is one that calls.
type Function struct {
	Kind Kind
	// Name is that of the subscription or API, or the function's for messages.
	Name       string
	Deployment names.Deployment
}

// Hint is one line for people: the declaration that adds what the decision says is
// missing, and where it stands. It is "" when there is nothing to say: the
// function is Foreign, or the call was not denied for want of a statement.
func Hint(f Function, d iam.Decision) string {
	if d.Outcome != iam.ImplicitDeny {
		return ""
	}
	switch f.Kind {
	case Foreign:
		return ""
	case Framework:
		return fmt.Sprintf("nothing in app.go adds it: function %q is Vinci's own, and its permissions stand in package constructs", f.Name)
	case Own:
		return fmt.Sprintf("add it to the Statements of function %q: constructs.Statement{Actions: []string{%q}, Resources: []string{…}} in its constructs.FunctionProps", f.Name, d.Need.Action)
	}
	what, name, index := resourceOf(f, d.Need.Resource)
	row, ok := find(d.Need.Action, what)
	if !ok {
		return "no declaration of a subscription or an API adds it: give the work to a function of its own, with Statements in its constructs.FunctionProps, in a stack of Application.AddStack"
	}
	if row.declaration == deadLetterQueue {
		if f.Kind != Subscription {
			return ""
		}
		return fmt.Sprintf("add DeadLetterQueue: true to the constructs.EventHandlerProps of subscription %q", f.Name)
	}
	declaration := row.declaration + "(" + row.argument(name, index) + ")"
	where := fmt.Sprintf("subscription %q", f.Name)
	if f.Kind == API {
		where = fmt.Sprintf("the Access of API %q (constructs.APIProps)", f.Name)
	}
	hint := "add " + declaration + " to " + where
	if row.but != "" {
		hint += " (" + row.but + ")"
	}
	return hint
}

// Declaration is the option that grants an action on a resource, such as
// "bus.Writes", false when none does. Of several it is the narrowest.
func Declaration(f Function, action, resource string) (string, bool) {
	what, _, _ := resourceOf(f, resource)
	row, ok := find(action, what)
	return row.declaration, ok
}

// resourceOf finds out what an ARN names, and the definition's own name.
func resourceOf(f Function, arn string) (what thing, name, index string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return other, "", ""
	}
	own := func(s string) (string, bool) { return strings.CutPrefix(s, f.Deployment.Name("")) }
	switch parts[2] {
	case "dynamodb":
		path := strings.Split(parts[5], "/")
		if len(path) < 2 || path[0] != "table" {
			return other, "", ""
		}
		name, ok := own(path[1])
		switch {
		case !ok || len(path) == 3 || len(path) > 4 || len(path) == 4 && path[2] != "index":
			return other, "", ""
		case len(path) == 4:
			return anIndex, name, path[3]
		}
		switch name {
		case names.TableEvents:
			return eventsTable, name, ""
		case names.TableState:
			return stateTable, name, ""
		case names.TableDeliveries:
			return deliveriesTable, name, ""
		}
		return aTable, name, ""
	case "events":
		if parts[5] == "event-bus/"+f.Deployment.Bus() {
			return theBus, names.BusName, ""
		}
	case "sqs":
		if f.Kind == Subscription && parts[5] == f.Deployment.DeadLetterQueue(f.Name) {
			return ownDeadLetters, f.Name, ""
		}
	}
	return other, "", ""
}
