package assembly

// condition evaluates a named condition once.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html
func (s *stack) condition(where at, name string) bool {
	c, ok := s.template.Conditions[name]
	if !ok {
		where.fail(ErrUnresolved, "the template has no condition %q", name)
		return false
	}
	l := s.conditions[name]
	if l == nil {
		l = &lazy[bool]{}
		s.conditions[name] = l
	}
	switch l.state {
	case 1:
		where.fail(ErrInvalid, "condition %s refers to itself", name)
		return false
	case 0:
		l.state = 1
		l.value = s.test(at{stack: s, id: name}, c)
		l.state = 2
	}
	return l.value
}

// test evaluates a condition expression.
func (s *stack) test(where at, c any) bool {
	object, _ := c.(map[string]any)
	if len(object) != 1 {
		where.fail(ErrInvalid, "a condition is an object with one function")
		return false
	}
	for name, arg := range object {
		args, _ := arg.([]any)
		switch {
		case name == "Condition":
			if other, ok := arg.(string); ok {
				return s.condition(where, other)
			}
		case name == "Fn::Equals" && len(args) == 2:
			a, ok := s.text(where, args[0])
			b, ok2 := s.text(where, args[1])
			return ok && ok2 && a == b
		case name == "Fn::Not" && len(args) == 1:
			return !s.test(where, args[0])
		case name == "Fn::And" && len(args) > 0:
			all := true
			for _, a := range args {
				all = s.test(where, a) && all
			}
			return all
		case name == "Fn::Or" && len(args) > 0:
			some := false
			for _, a := range args {
				some = s.test(where, a) || some
			}
			return some
		}
		where.fail(ErrInvalid, "condition function %s is not known or has arguments of a wrong number or kind", name)
	}
	return false
}
