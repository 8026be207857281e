package assembly

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/vinci-go/vinci/internal/names"
)

// template is the part of a CloudFormation template that is needed. Rules serve
// the deployment itself (the CDK checks its bootstrap version with one).
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
type template struct {
	Parameters map[string]parameter                 `json:"Parameters"`
	Mappings   map[string]map[string]map[string]any `json:"Mappings"`
	Conditions map[string]any                       `json:"Conditions"`
	Resources  map[string]*templateResource         `json:"Resources"`
	Outputs    map[string]*templateOutput           `json:"Outputs"`
	Transform  any                                  `json:"Transform"`
}

type parameter struct {
	Type    string `json:"Type"`
	Default any    `json:"Default"`
}

type templateResource struct {
	Type       string         `json:"Type"`
	Condition  string         `json:"Condition"`
	DependsOn  any            `json:"DependsOn"` // a string or a list
	Properties map[string]any `json:"Properties"`
	Metadata   map[string]any `json:"Metadata"`
}

type templateOutput struct {
	Value     any    `json:"Value"`
	Condition string `json:"Condition"`
	Export    struct {
		Name any `json:"Name"`
	} `json:"Export"`
}

// world is all stacks while they are resolved together.
type world struct {
	env     Environment
	kinds   map[string]kind
	stacks  map[string]*stack
	order   []*stack
	exports map[string]exported // by export name; made on first use
	errs    []*Error
}

type exported struct {
	stack  *stack
	output string
}

// stack is one template while it is resolved. Names, conditions and outputs are
// resolved when first asked for, and kept.
type stack struct {
	world     *world
	name      string
	dependsOn []string
	template  template
	paths     map[string]string
	assets    map[string]asset

	identities map[string]*identity
	conditions map[string]*lazy[bool]
	outputs    map[string]*lazy[any]
}

// lazy is a value that is computed once, and knows when it is asked for while
// it is being computed.
type lazy[T any] struct {
	state int // 0 new, 1 being computed, 2 done
	value T
	ok    bool
}

func parseStack(w *world, src *stackSource) (*stack, error) {
	s := &stack{
		world: w, name: src.name, dependsOn: src.dependsOn, paths: src.paths, assets: src.assets,
		identities: map[string]*identity{}, conditions: map[string]*lazy[bool]{}, outputs: map[string]*lazy[any]{},
	}
	dec := json.NewDecoder(bytes.NewReader(src.template))
	dec.UseNumber() // 1209600 must not become 1.2096e+06 in a Fn::Join
	if err := dec.Decode(&s.template); err != nil {
		return nil, fmt.Errorf("%w: template of stack %s: %w", ErrInvalid, src.name, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: template of stack %s: text after its end", ErrInvalid, src.name)
	}
	if s.template.Transform != nil {
		return nil, fmt.Errorf("%w: template of stack %s uses a Transform, which only CloudFormation can run", ErrInvalid, src.name)
	}
	for _, id := range slices.Sorted(maps.Keys(s.template.Resources)) {
		r := s.template.Resources[id]
		if r == nil || r.Type == "" {
			return nil, &Error{Stack: src.name, LogicalID: id, Kind: ErrInvalid, Reason: "the resource has no Type"}
		}
		if path, ok := r.Metadata["aws:cdk:path"].(string); ok {
			if s.paths == nil {
				s.paths = map[string]string{}
			}
			s.paths[id] = path
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.template.Outputs)) {
		if s.template.Outputs[id] == nil {
			return nil, &Error{Stack: src.name, LogicalID: id, Kind: ErrInvalid, Reason: "the output has no Value"}
		}
	}
	return s, nil
}

// exists says whether the template has the resource and its condition is met.
func (s *stack) exists(logicalID string) bool {
	r, ok := s.template.Resources[logicalID]
	return ok && (r.Condition == "" || s.condition(at{stack: s, id: logicalID}, r.Condition))
}

// resolveResources gives the stack's resources in dependency order. What cannot
// be resolved is added to the world's errors.
func (s *stack) resolveResources() []*Resource {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(s.template.Resources)) {
		if s.exists(id) {
			ids = append(ids, id)
		}
	}
	var out []*Resource
	for _, id := range s.orderResources(ids) {
		out = append(out, s.resolveResource(id))
	}
	return out
}

func (s *stack) resolveResource(id string) *Resource {
	t := s.template.Resources[id]
	r := &Resource{Stack: s.name, LogicalID: id, Type: t.Type, ConstructPath: s.paths[id], Properties: map[string]any{}}
	r.OtherBus, _ = t.Metadata[names.MetadataBus].(string)
	ident := s.identify(at{stack: s, id: id}, id)
	if ident == nil || ident.kind == nil {
		return r
	}
	r.Known = true
	r.Name, r.Ref, r.ARN = ident.name, ident.ref(), ident.arn()
	for _, name := range slices.Sorted(maps.Keys(t.Properties)) {
		if v, ok := s.value(at{stack: s, id: id, property: name}, t.Properties[name]); ok && v != noValue {
			r.Properties[name] = v
		}
	}
	if t.Type == typeFunction {
		r.AssetDir = s.codeFolder(r)
	}
	return r
}

// codeFolder finds a function's code in the assets. A function without an asset
// (inline code, an image) has no folder: whoever runs it says so.
func (s *stack) codeFolder(r *Resource) string {
	code, _ := r.Properties["Code"].(map[string]any)
	key, ok := code["S3Key"].(string)
	if !ok {
		return ""
	}
	where := at{stack: s, id: r.LogicalID, property: "Code.S3Key"}
	a, ok := s.assets[key]
	if !ok {
		where.fail(ErrUnresolved, "no asset of this assembly is uploaded as %q", key)
		return ""
	}
	if a.packaging != "zip" {
		where.fail(ErrUnresolved, "the code is the file %s: give the folder that holds it, as a zip file is not unpacked here", a.path)
		return ""
	}
	return a.path
}

func (s *stack) resolvableOutputs() map[string]string {
	outputs := map[string]string{}
	before := len(s.world.errs)
	for id, o := range s.template.Outputs {
		if o.Condition != "" && !s.condition(at{stack: s, id: id}, o.Condition) {
			continue
		}
		if v, ok := s.output(at{stack: s, id: id}, id); ok {
			if text, ok := v.(string); ok {
				outputs[id] = text
			}
		}
	}
	s.world.errs = s.world.errs[:before]
	return outputs
}

// checkNames refuses two resources of one type and one name: AWS would refuse
// the second.
func (w *world) checkNames(resources []*Resource) {
	type key struct{ family, name string }
	seen := map[key]*Resource{}
	for _, r := range resources {
		if !r.Known || w.kinds[r.Type].unnamed {
			continue
		}
		family := w.kinds[r.Type].family
		if family == "" {
			family = r.Type
		}
		// The ARN tells apart what has one name in two places, such as rules of two buses.
		k := key{family, r.Name + " " + r.ARN}
		if other, ok := seen[k]; ok {
			w.errs = append(w.errs, &Error{
				Stack: r.Stack, LogicalID: r.LogicalID, ConstructPath: r.ConstructPath, Kind: ErrInvalid,
				Reason: fmt.Sprintf("%s %q is already the name of %s: give one of them another name", r.Type, r.Name, other.Where()),
			})
			continue
		}
		seen[k] = r
	}
}
