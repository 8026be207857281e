package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/internal/stacklock"
)

// subscribe changes the subscriptions of a fakeApp: s00 to the one before n, all of one
// group.
func subscribe(t *testing.T, dir string, n int) {
	t.Helper()
	f := &definitions.File{Application: "shop"}
	for i := range n {
		f.Subscriptions = append(f.Subscriptions, &definitions.Subscription{Name: fmt.Sprintf("s%02d", i), Group: "subscriptions"})
	}
	if err := definitions.Write(filepath.Join(dir, "definitions.json"), f); err != nil {
		t.Fatal(err)
	}
}

func readLock(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, stacklock.File))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// queues is a template with the queues of subscriptions of deployment dev.
func queues(names ...string) string {
	var all []string
	for i, name := range names {
		all = append(all, fmt.Sprintf(`"Q%d":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"shop-dev-%s"}},"D%d":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":{"Ref":"X"}}}`, i, name, i))
	}
	return `{"Resources":{` + strings.Join(append(all, `"T":{"Type":"AWS::SNS::Topic"}`), ",") + `}}`
}

func TestStacksLock(t *testing.T) {
	dir := fakeApp(t)
	subscribe(t, dir, 20)
	out, _ := try(t, "stacks", "lock", "--dir", dir)
	if !strings.Contains(out, "s07 is in stack subscriptions\n") || !strings.HasSuffix(out, "stacks.lock is written: commit it\n") {
		t.Errorf("the first lock: %s", out)
	}
	if out, _ = try(t, "stacks", "lock", "--dir", dir); out != "stacks.lock is as it was\n" {
		t.Errorf("again: %s", out)
	}

	// More than one stack takes, and which of the five new ones are deployed is not known.
	before := readLock(t, dir)
	subscribe(t, dir, 27)
	_, _, err := vinci(t, "", "stacks", "lock", "--dir", dir)
	if err == nil || !strings.Contains(err.Error(), `27 subscriptions are grouped as "subscriptions" and one stack takes 25; which of s20, s21, s22, s23, s24, s25, s26 are deployed`) {
		t.Errorf("not known: %v", err)
	}
	if readLock(t, dir) != before {
		t.Error("what was refused was written")
	}
	out, _ = try(t, "stacks", "--dir", dir)
	if !strings.Contains(out, "subscriptions  25 of 25\n  s00\n") || !strings.Contains(out, "subscriptions_2  2 of 25\n  s25\n") || !strings.Contains(out, "cannot be deployed before they are: s20, s21,") {
		t.Errorf("the list: %s", out)
	}

	// The last of them is deployed: it stays, and another goes to the second stack.
	(&cloudFormation{
		stacks:    []string{"shop-dev-subscriptions", "shop-dev-api", "shop-prod-subscriptions"},
		templates: map[string]string{"shop-dev-subscriptions": queues("s00", "s26", "other"), "shop-dev-api": `{"Resources":{}}`},
	}).start(t)
	out, _ = try(t, "stacks", "lock", "--deployment", "dev", "--dir", dir)
	if !strings.Contains(out, "s26 is in stack subscriptions\n") || !strings.Contains(out, "s25 is in stack subscriptions_2\n") || strings.Contains(out, "s00") {
		t.Errorf("with a deployment: %s", out)
	}

	// From now on it is known that what is not in the file is new.
	subscribe(t, dir, 30)
	if out, _ = try(t, "stacks", "lock", "--dir", dir); !strings.Contains(out, "s29 is in stack subscriptions_2\n") {
		t.Errorf("more: %s", out)
	}
	subscribe(t, dir, 10)
	if out, _ = try(t, "stacks", "lock", "--dir", dir); out != "stacks.lock is as it was\n" {
		t.Errorf("removed: %s", out)
	}
	if out, _ = try(t, "stacks", "lock", "--prune", "--dir", dir); !strings.Contains(out, "s29 is forgotten\n") || strings.Contains(readLock(t, dir), "s10") {
		t.Errorf("pruned: %s", out)
	}
}

func TestStacksLockNew(t *testing.T) {
	dir := fakeApp(t)
	subscribe(t, dir, 60)
	if out, _ := try(t, "stacks", "lock", "--new", "--dir", dir); !strings.Contains(out, "s59 is in stack subscriptions_3\n") {
		t.Errorf("new: %s", out)
	}
}

func TestStacksLockMistakes(t *testing.T) {
	dir := fakeApp(t)
	subscribe(t, dir, 3)
	run := func(c *cloudFormation, args ...string) error {
		t.Helper()
		c.start(t)
		_, _, err := vinci(t, "", append([]string{"stacks", "lock", "--dir", dir}, args...)...)
		return err
	}
	elsewhere := &cloudFormation{stacks: []string{"shop-dev-subscriptions-2"}, templates: map[string]string{"shop-dev-subscriptions-2": queues("s01")}}
	if err := stacklock.Write(filepath.Join(dir, stacklock.File), (&stacklock.Lock{}).With(map[string]string{"s01": "subscriptions"})); err != nil {
		t.Fatal(err)
	}
	for want, err := range map[string]error{
		"subscription s01 is in stack subscriptions_2 of deployment dev": run(elsewhere, "--deployment", "dev"),
		"and in subscriptions according to stacks.lock":                  run(elsewhere, "--deployment", "dev"),
		"name a deployment on AWS":                                       run(elsewhere, "--deployment", "local"),
		"list the stacks":                                                run(&cloudFormation{failures: map[string]string{"ListStacks": "AccessDenied"}}, "--deployment", "dev"),
		"stack shop-dev-x: read a CloudFormation template": run(&cloudFormation{
			stacks: []string{"shop-dev-x"}, templates: map[string]string{"shop-dev-x": "Resources:"},
		}, "--deployment", "dev"),
		"takes no arguments, got s01": run(elsewhere, "s01"),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, stacklock.File), []byte("<<<<<<< HEAD\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"stacks"}, {"stacks", "lock"}} {
		if _, _, err := vinci(t, "", append(args, "--dir", dir)...); err == nil || !strings.Contains(err.Error(), "a mark of a merge") {
			t.Errorf("%v with a file that a merge has spoilt: %v", args, err)
		}
	}
	if out, _ := try(t, "stacks", "--dir", fakeApp(t)); !strings.Contains(out, "has no subscriptions") {
		t.Errorf("no subscriptions: %s", out)
	}
}
