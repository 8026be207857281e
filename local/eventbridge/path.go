package eventbridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// path is a JSON path in dot notation: $.detail.items[0].name. * stands for every
// element of an array or every member of an object.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
type path []step

type step struct {
	name  string // of a member
	index int    // of an element, when name is empty and all is false
	all   bool   // every member or element
}

var errPath = errors.New("a JSON path begins with $ and has .names and [indexes]")

// parsePath takes $, $.name, $.name[1], $.name[*] and $.*. A name in brackets and
// quotes is refused, as by EventBridge.
func parsePath(text string) (path, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok || len(text) > maxPath {
		return nil, errPath
	}
	p := path{}
	for rest != "" {
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			name := rest[1 : 1+end]
			if name == "" || strings.ContainsAny(name, `"'*()?@] `) && name != "*" {
				return nil, errPath
			}
			if name == "*" {
				p = append(p, step{all: true})
			} else {
				p = append(p, step{name: name})
			}
			rest = rest[1+end:]
		case '[':
			inner, after, ok := strings.Cut(rest[1:], "]")
			if !ok {
				return nil, errPath
			}
			if inner == "*" {
				p = append(p, step{all: true})
			} else {
				n, err := strconv.ParseUint(inner, 10, 31)
				if err != nil {
					return nil, errPath
				}
				p = append(p, step{index: int(n)})
			}
			rest = after
		default:
			return nil, errPath
		}
	}
	return p, nil
}

// AWS's limits of a target's input.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html
const (
	maxInput = 8192
	maxPath  = 256
)

// find is the part of the JSON value v that the path leads to, nil when there is
// none. A path with * finds an array of all that it leads to.
func (p path) find(v []byte) []byte {
	for i, st := range p {
		if st.all {
			found := []byte{'['}
			for _, e := range children(v) {
				if f := p[i+1:].find(e); f != nil {
					if len(found) > 1 {
						found = append(found, ',')
					}
					found = append(found, f...)
				}
			}
			return append(found, ']')
		}
		if v = st.child(v); v == nil {
			return nil
		}
	}
	return bytes.TrimSpace(v)
}

func (st step) child(v []byte) []byte {
	v = bytes.TrimSpace(v)
	switch {
	case len(v) == 0:
		return nil
	case st.name != "" && v[0] == '{':
		var members map[string]json.RawMessage
		if json.Unmarshal(v, &members) != nil {
			return nil
		}
		return members[st.name]
	case st.name == "" && v[0] == '[':
		if e := children(v); st.index < len(e) {
			return e[st.index]
		}
	}
	return nil
}

// children are the elements of an array, or the values of an object in the order
// in which they stand.
func children(v []byte) []json.RawMessage {
	v = bytes.TrimSpace(v)
	if len(v) == 0 || v[0] != '{' && v[0] != '[' {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(v))
	if _, err := dec.Token(); err != nil {
		return nil
	}
	var all []json.RawMessage
	for dec.More() {
		if v[0] == '{' {
			if _, err := dec.Token(); err != nil {
				return nil
			}
		}
		var e json.RawMessage
		if dec.Decode(&e) != nil {
			return nil
		}
		all = append(all, e)
	}
	return all
}
