package stacklock

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/names"
)

// File is the name of the lock, in the module's root.
const File = "stacks.lock"

// header is what the file begins with. The file is text and no JSON, because lines
// that need no comma between them are merged by git when two branches each add one.
const header = `# Which stack each subscription is in: a deployed one cannot move to another.
# Written by "vinci stacks lock"; commit it, and keep all lines of both sides of a merge.
`

// Lock is which stack each subscription is in, by the names that the definitions
// have: without application and deployment. The zero value is empty.
type Lock struct {
	stacks map[string]string // subscription → stack
}

// Stack is the stack of a subscription.
func (l *Lock) Stack(subscription string) (string, bool) {
	stack, ok := l.stacks[subscription]
	return stack, ok
}

// Subscriptions are all that are in the lock, sorted: also those that the application
// no longer has, but some deployment may.
func (l *Lock) Subscriptions() []string { return slices.Sorted(maps.Keys(l.stacks)) }

// With is the lock with some subscriptions in other stacks.
func (l *Lock) With(stacks map[string]string) *Lock {
	all := maps.Clone(l.stacks)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, stacks)
	return &Lock{stacks: all}
}

// Without is the lock without some subscriptions.
func (l *Lock) Without(subscriptions []string) *Lock {
	all := maps.Clone(l.stacks)
	for _, s := range subscriptions {
		delete(all, s)
	}
	return &Lock{stacks: all}
}

// Equal reports whether two locks say the same.
func (l *Lock) Equal(other *Lock) bool { return maps.Equal(l.stacks, other.stacks) }

// Read reads a lock. A file that is not there is an error that is fs.ErrNotExist.
func Read(file string) (*Lock, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the lock of the stacks: %w", err)
	}
	l, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return l, nil
}

// Write replaces the file. The same lock is written as the same bytes.
func Write(file string, l *Lock) error {
	if err := os.WriteFile(file, l.Encode(), 0o644); err != nil {
		return fmt.Errorf("write the lock of the stacks: %w", err)
	}
	return nil
}

// Encode is the file's content, sorted by subscription.
func (l *Lock) Encode() []byte {
	var b bytes.Buffer
	b.WriteString(header)
	for _, s := range l.Subscriptions() {
		fmt.Fprintf(&b, "%s %s\n", s, l.stacks[s])
	}
	return b.Bytes()
}

// What mends a file that cannot be read.
const mendMerge = "keep the lines of both sides and take the marks away; where both sides have a subscription, keep the line of the side that is deployed"

// Decode reads what [Lock.Encode] made, or a merge of two of them.
func Decode(b []byte) (*Lock, error) {
	l := &Lock{stacks: map[string]string{}}
	var errs []error
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line = strings.TrimSpace(line)
		for _, mark := range []string{"<<<<<<<", "=======", ">>>>>>>", "|||||||"} {
			if strings.HasPrefix(line, mark) {
				return nil, fmt.Errorf("line %d is a mark of a merge: %s", n, mendMerge)
			}
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		subscription, stack, _ := strings.Cut(line, " ")
		stack = strings.TrimSpace(stack)
		if err := errors.Join(names.Check(subscription), names.Check(stack)); err != nil {
			errs = append(errs, fmt.Errorf("line %d is not a subscription and its stack: %w", n, err))
			continue
		}
		if other, ok := l.stacks[subscription]; ok && other != stack {
			errs = append(errs, fmt.Errorf("line %d: subscription %q is in stack %q and in %q: keep the line of the stack that is deployed", n, subscription, other, stack))
			continue
		}
		l.stacks[subscription] = stack
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return l, nil
}
