package assembly

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// identity is what a resource is called.
type identity struct {
	stack     *stack
	logicalID string
	typ       string
	kind      *kind // nil for a type that is not known
	name      string
	busy      bool // its name is being computed
	// The properties that name, Ref and ARN are made of. They are kept, as each
	// may hold the names of other resources, and those of others again.
	texts map[string]*lazy[string]
}

// identify computes the identity of a resource once. It gives nil, with an
// error added at where, when there is no such resource.
func (s *stack) identify(where at, id string) *identity {
	if ident, ok := s.identities[id]; ok {
		if ident != nil && ident.busy {
			where.fail(ErrInvalid, "the name of %s refers to itself", id)
			return nil
		}
		return ident
	}
	if _, ok := s.template.Resources[id]; !ok {
		where.fail(ErrUnresolved, "the template has no resource or parameter %q", id)
		return nil
	}
	if !s.exists(id) {
		where.fail(ErrUnresolved, "resource %s does not exist, as its condition is false", id)
		return nil
	}
	ident := &identity{stack: s, logicalID: id, typ: s.template.Resources[id].Type, busy: true, texts: map[string]*lazy[string]{}}
	s.identities[id] = ident
	if k, ok := s.world.kinds[ident.typ]; ok {
		ident.kind = &k
	}
	ident.name = ident.computeName()
	ident.busy = false
	return ident
}

func (i *identity) computeName() string {
	k := i.kind
	if k == nil {
		return i.stack.name + "-" + i.logicalID
	}
	if k.nameProperty != "" {
		if name := i.property(k.nameProperty); name != "" {
			if len(name) > k.limit {
				i.place(k.nameProperty).fail(ErrInvalid, "%q has %d characters; %s allows %d", name, len(name), i.typ, k.limit)
				return name[:k.limit]
			}
			return name
		}
	}
	if k.generated != nil {
		return k.generated(i)
	}
	suffix := ""
	if i.typ == typeQueue && i.property("FifoQueue") == "true" {
		suffix = ".fifo"
	}
	return shorten(i.stack.name+"-"+i.logicalID, k.limit-len(suffix)) + suffix
}

// shorten cuts name to limit characters. What is cut lives on in a hash, so
// that two names with one beginning stay apart.
func shorten(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	return name[:limit-9] + "-" + digest(name)[:8]
}

func (i *identity) place(property string) at {
	return at{stack: i.stack, id: i.logicalID, property: property}
}

// property is the text of one of the resource's own properties; "" when it has
// no such property.
func (i *identity) property(name string) string {
	v, ok := i.stack.template.Resources[i.logicalID].Properties[name]
	if !ok {
		return ""
	}
	l := i.texts[name]
	if l == nil {
		l = &lazy[string]{}
		i.texts[name] = l
	}
	switch l.state {
	case 1:
		i.place(name).fail(ErrInvalid, "refers to itself")
	case 0:
		l.state = 1
		if resolved, ok := i.stack.value(i.place(name), v); ok && resolved != noValue {
			l.value, _ = i.stack.text(i.place(name), resolved)
		}
		l.state = 2
	}
	return l.value
}

func (i *identity) has(property string) bool {
	_, ok := i.stack.template.Resources[i.logicalID].Properties[property]
	return ok
}

func (i *identity) env() Environment { return i.stack.world.env }

func (i *identity) ref() string {
	if i.kind != nil && i.kind.ref != nil {
		return i.kind.ref(i)
	}
	return i.name
}

func (i *identity) arn() string {
	if i.kind == nil || i.kind.arn == nil {
		return ""
	}
	return i.kind.arn(i)
}

// attribute is Fn::GetAtt.
func (i *identity) attribute(where at, name string) (any, bool) {
	if i.kind == nil {
		where.fail(ErrUnresolved, "attribute %s of %s: %s is not served here, so its attributes are not known", name, i.logicalID, i.typ)
		return nil, false
	}
	f, ok := i.kind.attributes[name]
	if !ok {
		where.fail(ErrUnresolved, "attribute %s of %s: known for %s are %s", name, i.logicalID, i.typ, strings.Join(i.kind.attributeNames(), ", "))
		return nil, false
	}
	v := f(i)
	if v == "" {
		where.fail(ErrUnresolved, "attribute %s of %s: the resource is not set up to have it", name, i.logicalID)
		return nil, false
	}
	return v, true
}

// Arn makes an ARN of this account and region.
func (e Environment) Arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", e.Partition, service, e.Region, e.Account, resource)
}

// globalARN is for services without regions.
func (e Environment) globalARN(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s::%s:%s", e.Partition, service, e.Account, resource)
}

func (e Environment) urlSuffix() string {
	if e.Partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

func (e Environment) queueURL(name string) string {
	if e.QueueURL != nil {
		return e.QueueURL(name)
	}
	return fmt.Sprintf("https://sqs.%s.%s/%s/%s", e.Region, e.urlSuffix(), e.Account, name)
}

func (e Environment) apiEndpoint(id string) string {
	if e.APIEndpoint != nil {
		return e.APIEndpoint(id)
	}
	return fmt.Sprintf("https://%s.execute-api.%s.%s", id, e.Region, e.urlSuffix())
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// uuid makes the same id of UUID shape for the same parts.
func uuid(parts ...string) string {
	d := digest(parts...)
	return d[0:8] + "-" + d[8:12] + "-5" + d[13:16] + "-8" + d[17:20] + "-" + d[20:32]
}
