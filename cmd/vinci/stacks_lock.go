package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/internal/stacklock"
	"github.com/vinci-go/vinci/local/synth"
)

// lockOptions are the flags of vinci stacks lock.
type lockOptions struct {
	deployments []string
	isNew       bool
	prune       bool
}

func newStacksLock(w *where) *cobra.Command {
	var o lockOptions
	cmd := &cobra.Command{
		Use:   "lock",
		Short: "Write " + stacklock.File + ": which stack each subscription is in",
		Long: `Writes to ` + stacklock.File + ` which stack each subscription is in, and prints what is new
in it. Commit the file. What is in it stays there, whatever comes or goes; what is new
goes to the first stack of its group that has fewer than ` + fmt.Sprint(stacklock.Room) + ` subscriptions. A line
of a subscription that was removed stays too, as long as some deployment may have it.

A group that has grown over one stack without being in the file is refused: which of
its subscriptions are deployed, and so have to stay in the first stack, is not known here.
With --deployment CloudFormation is asked; name every deployment that has some of them.
With --new you say that none has any.

With --deployment the credentials need cloudformation:ListStacks and
cloudformation:GetTemplate.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := w.sources(cmd)
			if err != nil {
				return err
			}
			return lockStacks(cmd, w, app, o)
		},
	}
	cmd.Flags().StringSliceVar(&o.deployments, "deployment", nil, "`ID` of a deployment on AWS to ask where its subscriptions are; may be repeated")
	cmd.Flags().BoolVar(&o.isNew, "new", false, "no deployment has any of the subscriptions that are not in the file")
	cmd.Flags().BoolVar(&o.prune, "prune", false, "forget the subscriptions that the application no longer has: when no deployment has them either")
	return cmd
}

func lockStacks(cmd *cobra.Command, w *where, app *application, o lockOptions) error {
	old, err := readStackLock(app)
	if err != nil {
		return err
	}
	lock := old
	if o.prune {
		lock = lock.Without(gone(lock, app))
	}
	found, err := deployedWhere(cmd, w, app, lock, o.deployments)
	if err != nil {
		return err
	}
	a := stacklock.Assign(lock.With(found), app.members(), stacklock.Room)
	for _, g := range a.Groups() {
		if g.Unknown && !o.isNew && len(o.deployments) == 0 {
			return fmt.Errorf("%d subscriptions are grouped as %q and one stack takes %d; which of %s are deployed, in the first stack, is not known: ask with --deployment ID, for every deployment that may have some, or say with --new that none has",
				len(g.Members), g.Name, stacklock.Room, strings.Join(g.Unlocked, ", "))
		}
	}
	now := a.Lock()
	out := cmd.OutOrStdout()
	if now.Equal(old) {
		_, err := fmt.Fprintf(out, "%s is as it was\n", stacklock.File)
		return err
	}
	if err := stacklock.Write(filepath.Join(app.dir, stacklock.File), now); err != nil {
		return err
	}
	return printLock(out, old, now)
}

// gone are the subscriptions of a lock that the application does not have.
func gone(lock *stacklock.Lock, app *application) []string {
	var all []string
	for _, m := range app.members() {
		all = append(all, m.Name)
	}
	return slices.DeleteFunc(lock.Subscriptions(), func(s string) bool { return slices.Contains(all, s) })
}

func printLock(w io.Writer, old, now *stacklock.Lock) error {
	var b strings.Builder
	for _, s := range now.Subscriptions() {
		stack, _ := now.Stack(s)
		if _, ok := old.Stack(s); !ok {
			fmt.Fprintf(&b, "%s is in stack %s\n", s, stack)
		}
	}
	for _, s := range old.Subscriptions() {
		if _, ok := now.Stack(s); !ok {
			fmt.Fprintf(&b, "%s is forgotten\n", s)
		}
	}
	fmt.Fprintf(&b, "%s is written: commit it\n", stacklock.File)
	_, err := io.WriteString(w, b.String())
	return err
}

// deployedWhere asks deployments where the application's subscriptions are. It is an
// error when two do not agree, or one does not agree with the lock: one of them could
// not be deployed.
func deployedWhere(cmd *cobra.Command, w *where, app *application, lock *stacklock.Lock, deployments []string) (map[string]string, error) {
	found := map[string]string{}
	says := map[string]string{} // subscription → who says where it is
	var errs []error
	for _, id := range deployments {
		if id == synth.Deployment {
			return nil, errors.New("--deployment local: name a deployment on AWS (the local runtime has no stacks)")
		}
		one := *w
		one.deployment = id
		t, err := one.target(app, os.Getenv)
		if err != nil {
			return nil, err
		}
		var places map[string]string
		err = progress.New(cmd.ErrOrStderr()).Step("read the templates of "+t.String(), func() (err error) {
			places, err = deployedPlaces(cmd.Context(), t, app)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, s := range slices.Sorted(maps.Keys(places)) {
			if stack, ok := lock.Stack(s); ok {
				found[s], says[s] = stack, stacklock.File
			}
			if other, ok := found[s]; ok && other != places[s] {
				errs = append(errs, fmt.Errorf("subscription %s is in stack %s of %s, and in %s according to %s", s, places[s], t, other, says[s]))
				continue
			}
			found[s], says[s] = places[s], t.String()
		}
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("%w\nit can only be deployed where it is: correct the line in %s, or remove the subscription from one of the deployments before", errors.Join(errs...), stacklock.File)
	}
	return found, nil
}

// deployedPlaces is the stack of each subscription that a deployment has.
func deployedPlaces(ctx context.Context, t *target, app *application) (map[string]string, error) {
	stacks, err := deployedStacks(ctx, cloudformation.NewFromConfig(t.config()), t.Deployment)
	if err != nil {
		return nil, err
	}
	owners := map[string]string{} // queue → subscription
	for _, m := range app.members() {
		owners[t.Deployment.Queue(m.Name)] = m.Name
	}
	places := map[string]string{}
	for _, s := range stacks {
		queues, err := queuesOf(s.template)
		if err != nil {
			return nil, fmt.Errorf("stack %s: %w", s.name, err)
		}
		for _, queue := range queues {
			if owner, ok := owners[queue]; ok {
				places[owner] = stackOf(s.name, t.Deployment)
			}
		}
	}
	return places, nil
}

// stackOf is the definition's name of a stack: CloudFormation takes no underscore, and
// a definition no hyphen.
func stackOf(physical string, d names.Deployment) string {
	return strings.ReplaceAll(strings.TrimPrefix(physical, d.Stack("")), "-", "_")
}

// queuesOf are the names of a template's queues, as far as they are texts.
func queuesOf(template string) ([]string, error) {
	var in struct {
		Resources map[string]struct {
			Type       string
			Properties struct{ QueueName json.RawMessage }
		}
	}
	if err := json.Unmarshal([]byte(template), &in); err != nil {
		return nil, fmt.Errorf("read a CloudFormation template: it is no JSON (%w), and the CDK writes nothing else: deploy the stack with the CDK", err)
	}
	var all []string
	for _, r := range in.Resources {
		var name string
		if r.Type == "AWS::SQS::Queue" && json.Unmarshal(r.Properties.QueueName, &name) == nil {
			all = append(all, name)
		}
	}
	return all, nil
}
