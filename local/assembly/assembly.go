package assembly

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Environment is the account that the assembly is imagined to be deployed to.
type Environment struct {
	Account   string // twelve digits
	Region    string // "us-east-1"
	Partition string // "aws" when empty

	// QueueURL is what Ref of a queue gives, and APIEndpoint what the attribute
	// ApiEndpoint of an HTTP API gives, for those who serve them somewhere else
	// than AWS does. Nil means AWS's own address.
	QueueURL    func(name string) string
	APIEndpoint func(apiID string) string
}

// Assembly is a cloud assembly with every intrinsic function resolved. It does
// not change after Load and may be read by many goroutines.
type Assembly struct {
	Dir         string
	Environment Environment
	// Stacks are in the order in which they would be deployed.
	Stacks []Stack
	// Resources of all stacks: a resource comes after everything it refers to,
	// and after the resources of the stacks that its own stack depends on.
	// The order is the same for the same input.
	Resources []*Resource
}

// Stack is one CloudFormation stack.
type Stack struct {
	Name      string
	DependsOn []string          // names of the stacks it is deployed after
	Outputs   map[string]string // by logical id; outputs that cannot be resolved are absent
}

// Resource is one resource of a template.
type Resource struct {
	Stack         string // name of its stack
	LogicalID     string
	Type          string // "AWS::SQS::Queue"
	ConstructPath string // "app-local-send-welcome/Queue"; "" when the assembly does not tell

	// Known says whether this package has the type in its table. The fields
	// below are set only then.
	Known bool
	// Name is the physical name: given, or made from stack and logical id.
	Name string
	// Ref is what {"Ref": LogicalID} gives.
	Ref string
	// ARN is empty for a type that has none.
	ARN string
	// Properties is plain JSON: strings, json.Number, bool, []any and
	// map[string]any. It is never nil.
	Properties map[string]any
	// OtherBus is the name of an event bus that the resource works with and another
	// application makes; mostly empty.
	OtherBus string `json:",omitempty"`
	// AssetDir is the folder with the code of a Lambda function; "" when the
	// function's code is not an asset of this assembly.
	AssetDir string
}

// Where says where the resource is, for a message: its construct path, or stack
// and logical id when the assembly does not tell the path.
func (r *Resource) Where() string {
	if r.ConstructPath != "" {
		// The CDK's own constructs call what they wrap "Resource".
		return strings.TrimSuffix(r.ConstructPath, "/Resource")
	}
	return r.Stack + "/" + r.LogicalID
}

// Load reads the assembly in dir, with those nested in it. All that is wrong
// with it is in the one error that it returns: an errors.Join of *[Error]s and
// errors of kind [ErrInvalid].
func Load(dir string, env Environment) (*Assembly, error) {
	if env.Partition == "" {
		env.Partition = "aws"
	}
	sources, err := readAssembly(dir, env)
	if err != nil {
		return nil, fmt.Errorf("load cloud assembly %s: %w", dir, err)
	}
	a, err := build(env, sources)
	if err != nil {
		return nil, fmt.Errorf("load cloud assembly %s: %w", dir, err)
	}
	if a.Dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("load cloud assembly %s: %w", dir, err)
	}
	return a, nil
}

// stackSource is a stack as the manifest tells it, before its template is
// understood.
type stackSource struct {
	name      string
	file      string // of the template, for messages
	template  []byte
	dependsOn []string          // names of stacks
	paths     map[string]string // logical id → construct path
	assets    map[string]asset  // S3 object key → asset
}

// build resolves the templates of all stacks together, as they may refer to
// each other's outputs.
func build(env Environment, sources []stackSource) (*Assembly, error) {
	w := &world{env: env, kinds: newKinds(), stacks: map[string]*stack{}}
	ordered, err := orderStacks(sources)
	if err != nil {
		return nil, err
	}
	var errs []error
	for i := range ordered {
		s, err := parseStack(w, &ordered[i])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		w.stacks[s.name] = s
		w.order = append(w.order, s)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	a := &Assembly{Environment: env}
	for _, s := range w.order {
		a.Resources = append(a.Resources, s.resolveResources()...)
	}
	w.checkNames(a.Resources)
	if len(w.errs) > 0 {
		return nil, w.failure()
	}
	// Outputs come last: one that cannot be resolved is nobody's failure unless
	// a resource uses it, and then it has failed above.
	for _, s := range w.order {
		a.Stacks = append(a.Stacks, Stack{Name: s.name, DependsOn: s.dependsOn, Outputs: s.resolvableOutputs()})
	}
	return a, nil
}

// failure joins what was found, each message once, in the order of its place.
func (w *world) failure() error {
	slices.SortStableFunc(w.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Stack, b.Stack), cmp.Compare(a.LogicalID, b.LogicalID), cmp.Compare(a.Property, b.Property))
	})
	seen := map[Error]bool{}
	var errs []error
	for _, e := range w.errs {
		if !seen[*e] {
			seen[*e] = true
			errs = append(errs, e)
		}
	}
	return errors.Join(errs...)
}
