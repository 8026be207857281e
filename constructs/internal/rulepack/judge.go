package rulepack

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/constructs/internal/plan"
)

// Options say how an assembly is judged.
type Options struct {
	// Prefix begins the names of the application's stacks: shop-dev-. Exceptions
	// leave it out, so that they are for every deployment.
	Prefix string

	// Ephemeral deployments keep no data.
	Ephemeral bool

	Exceptions []Exception

	// Nag is what cdk-nag suppressed; nil when it did not run.
	Nag *NagReport
}

// Verdict is what there is to say about an assembly.
type Verdict struct {
	Problems plan.Problems // the application is refused for them
	Notices  []string      // limits that are near
	Excepted []Exception   // what was found and has a reason, in order
}

// Judge judges the assembly in a folder. An error means that it could not be read.
func Judge(dir string, o Options) (*Verdict, error) {
	a, err := read(dir)
	if err != nil {
		return nil, err
	}
	in := &inspection{assembly: a, o: o, byName: map[string]*resource{}, used: map[Exception]bool{}}
	in.exceptions = slices.Concat(ofMetadata(a.stacks), o.Exceptions)
	for _, r := range in.all() {
		if name := r.named(); name != "" {
			in.byName[r.Type+" "+name] = r
		}
	}
	in.verdict.Problems = CheckExceptions(in.exceptions)
	for _, rule := range Rules() {
		if rule.Lasting && o.Ephemeral {
			continue
		}
		in.rule = rule
		rule.check(in)
	}
	in.annotations()
	in.unused()
	return &in.verdict, nil
}

// inspection is one judgement while it goes on.
type inspection struct {
	*assembly
	o          Options
	byName     map[string]*resource // "type name"
	exceptions []Exception
	used       map[Exception]bool
	rule       Rule // the rule that checks now
	verdict    Verdict
}

// all are the resources of some types, or of all, stack by stack.
func (in *inspection) all(types ...string) []*resource {
	var all []*resource
	for _, s := range in.stacks {
		for _, r := range s.resources {
			if len(types) == 0 || slices.Contains(types, r.Type) {
				all = append(all, r)
			}
		}
	}
	return all
}

// finding is what a rule has found.
type finding struct {
	what, allowed, mend string

	detail string // which finding it is, of a granular rule
}

// found tells of a resource.
func (in *inspection) found(r *resource, f finding) {
	id := r.stack.name + "/" + r.id
	names := []string{id}
	if path := r.path(); path != "" {
		names = append(names, path, strings.TrimSuffix(path, "/Resource"))
	}
	in.tell(names, r.where(), f)
}

// foundStack tells of a stack as a whole.
func (in *inspection) foundStack(s *stack, f finding) {
	in.tell([]string{s.name}, "stack "+s.name, f)
}

// tell tells of something that has several names, unless there is an exception for
// one of them.
func (in *inspection) tell(names []string, where string, f finding) {
	id := in.rule.ID
	if f.detail != "" {
		id += "[" + f.detail + "]"
	}
	for _, e := range in.exceptions {
		if e.Rule == id && !in.rule.Hard && in.calls(e.Resource, names) {
			if !in.used[e] {
				in.used[e] = true
				in.verdict.Excepted = append(in.verdict.Excepted, e)
			}
			return
		}
	}
	p := plan.Problem{
		What: in.rule.ID + ": " + f.what, Where: where,
		Allowed: f.allowed + "\n" + in.rule.Page,
		Mend:    f.mend,
	}
	if !in.rule.Hard {
		p.Mend += "\n" + in.justify(id, names[len(names)-1])
	}
	in.verdict.Problems = append(in.verdict.Problems, p)
}

// justify is the line of a program that makes the exception.
func (in *inspection) justify(rule, name string) string {
	return fmt.Sprintf("or say why it may be so: app.Allow(constructs.Exception{Rule: %q, Resource: %q, Reason: \"...\"})", rule, strings.TrimPrefix(name, in.o.Prefix))
}

// calls reports whether an exception's resource is one of the names, with or without
// application and deployment in front.
func (in *inspection) calls(resource string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return name == resource || strings.TrimPrefix(name, in.o.Prefix) == resource
	})
}

// where says where a resource is: its stack and logical id, and its construct.
func (r *resource) where() string {
	where := r.stack.name + "/" + r.id
	if path := r.path(); path != "" {
		where += " (construct " + path + ")"
	}
	return where
}

// title is how a message calls a resource.
func (r *resource) title(kind string) string {
	if name := r.named(); name != "" {
		return fmt.Sprintf("%s %q", kind, name)
	}
	return kind + " " + r.id
}

// notice tells that a limit is near, when it is at nine tenths of it or over.
func (in *inspection) notice(what string, n, limit int) {
	if n*10 >= limit*9 && n <= limit {
		in.verdict.Notices = append(in.verdict.Notices, fmt.Sprintf("%s: %s: %d of %d that AWS allows", in.rule.ID, what, n, limit))
	}
}

// annotations tells of the errors that constructs and aspects put on constructs, of
// which cdk-nag is one.
func (in *inspection) annotations() {
	for _, e := range in.errors {
		p := plan.Problem{What: e.text, Where: "construct " + e.path}
		if rule, text, ok := strings.Cut(e.text, ": "); ok && IsNag(rule) {
			id, _ := Split(rule)
			p.What = "cdk-nag " + rule + ": " + strings.TrimSpace(text)
			p.Allowed = "what rule " + id + " asks for\nhttps://github.com/cdklabs/cdk-nag/blob/main/RULES.md#awssolutions"
			p.Mend = "change the resource\n" + in.justify(rule, strings.TrimSuffix(e.path, "/Resource"))
		}
		in.verdict.Problems = append(in.verdict.Problems, p)
	}
}

// unused tells of exceptions that were for nothing: what they were made for is
// mended, or they were never right.
func (in *inspection) unused() {
	for i, e := range in.exceptions {
		if len(e.check(in.exceptions[:i])) > 0 {
			continue // that is told already
		}
		id, _ := Split(e.Rule)
		rule, found := lookup(id)
		judged := found && !rule.Hard && !(rule.Lasting && in.o.Ephemeral)
		used := in.used[e]
		if IsNag(e.Rule) {
			judged = in.o.Nag != nil
			used = judged && in.suppressed(e)
		}
		if judged && !used {
			in.verdict.Problems = append(in.verdict.Problems, plan.Problem{
				What: fmt.Sprintf("exception from %s for %q: nothing was found there", e.Rule, e.Resource), Where: e.At,
				Allowed: "exceptions for what is found", Mend: "remove it, or correct its resource",
			})
		}
	}
}

// suppressed reports whether cdk-nag made use of an exception.
func (in *inspection) suppressed(e Exception) bool {
	id, finding := Split(e.Rule)
	return slices.ContainsFunc(in.o.Nag.Suppressed, func(s NagLine) bool {
		return s.Rule == id && (finding == "" || s.Finding == finding) &&
			in.calls(e.Resource, []string{s.Path, strings.TrimSuffix(s.Path, "/Resource")})
	})
}
