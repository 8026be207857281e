package stacks

import (
	"path"
	"strings"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/constructs"
)

// Layout gives the subscriptions of each context a stack: those of domain/users
// are in <app>-<deployment>-subscriptions-users. A context is so deployed and
// rolled back by itself. A context that outgrows CloudFormation's 500 resources a
// stack is divided over several, see docs/limits.md.
func Layout() constructs.Layout {
	return constructs.Layout{Subscriptions: byContext}
}

// byContext tells a subscription's context from the folder that defines it. A
// deployed subscription cannot move to another stack, because its queue has a name:
// before its folder is renamed, `vinci stacks lock` writes down where it is, and there
// it stays.
func byContext(s *bus.Definition) string {
	context := path.Base(path.Dir(s.DefinedAt))
	return "subscriptions_" + strings.ReplaceAll(context, "-", "_")
}
