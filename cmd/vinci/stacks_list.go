package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/stacklock"
)

func newStacks() *cobra.Command {
	w := &where{}
	cmd := &cobra.Command{
		Use:   "stacks",
		Short: "List the stacks of the application's subscriptions",
		Long: `Lists which stack each subscription is in. CloudFormation takes 500 resources a
stack, so a group of more than ` + fmt.Sprint(stacklock.Room) + ` subscriptions is divided over several, and
` + stacklock.File + ` says which is where: a deployed subscription cannot move to
another stack, because its queue has a name. It runs the app of cdk.json for its
definitions; nothing needs to run.`,
	}
	w.addList(cmd, func(cmd *cobra.Command, app *application) error {
		lock, err := readStackLock(app)
		if err != nil {
			return err
		}
		return listStacks(cmd.OutOrStdout(), app, stacklock.Assign(lock, app.members(), stacklock.Room))
	})
	cmd.AddCommand(newStacksLock(w))
	return cmd
}

// members are the subscriptions with their groups.
func (a *application) members() []stacklock.Member {
	var all []stacklock.Member
	for _, s := range a.subscriptions {
		all = append(all, stacklock.Member{Name: s.Name, Group: s.Group})
	}
	return all
}

// readStackLock is the application's lock; an empty one where there is none.
func readStackLock(app *application) (*stacklock.Lock, error) {
	lock, err := stacklock.Read(filepath.Join(app.dir, stacklock.File))
	if errors.Is(err, fs.ErrNotExist) {
		return &stacklock.Lock{}, nil
	}
	return lock, err
}

func listStacks(w io.Writer, app *application, a *stacklock.Assignment) error {
	stacks := map[string][]string{}
	for _, s := range app.subscriptions {
		stacks[a.Stack(s.Name)] = append(stacks[a.Stack(s.Name)], s.Name)
	}
	if len(stacks) == 0 {
		_, err := fmt.Fprintln(w, "the application has no subscriptions: add one in app.go with AddEventHandler")
		return err
	}
	var b strings.Builder
	for _, stack := range slices.Sorted(maps.Keys(stacks)) {
		slices.Sort(stacks[stack])
		fmt.Fprintf(&b, "%s  %d of %d\n", stack, len(stacks[stack]), stacklock.Room)
		for _, name := range stacks[stack] {
			fmt.Fprintf(&b, "  %s\n", name)
		}
	}
	for _, g := range a.Groups() {
		if g.MustLock {
			fmt.Fprintf(&b, "not in %s, and cannot be deployed before they are: %s\n", stacklock.File, strings.Join(g.Unlocked, ", "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
