package stacks

import (
	"path"
	"strings"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/constructs"
)

// Layout gives the subscriptions of each context a stack: those of domain/users
// are in <app>-<deployment>-subscriptions-users. A context is so deployed and
// rolled back by itself, and none meets CloudFormation's limit of 500 resources
// a stack because of another.
func Layout() constructs.Layout {
	return constructs.Layout{Subscriptions: byContext}
}

// byContext tells a subscription's context from the folder that defines it. To
// move a deployed subscription to another context, delete it there first: its
// queue has a name, and two stacks cannot both have it.
func byContext(s *bus.Definition) string {
	context := path.Base(path.Dir(s.DefinedAt))
	return "subscriptions_" + strings.ReplaceAll(context, "-", "_")
}
