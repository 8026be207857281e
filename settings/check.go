package settings

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Between allows values from low to high, both included.
func Between[T cmp.Ordered](low, high T) Option[T] {
	return Check(func(v T) error {
		if v < low || v > high || v != v { // the last of a float that is no number
			return fmt.Errorf("allowed is %v to %v", low, high)
		}
		return nil
	})
}

// OneOf allows some values and no other.
func OneOf[T comparable](allowed ...T) Option[T] {
	allowed = slices.Clone(allowed)
	return Check(func(v T) error {
		if slices.Contains(allowed, v) {
			return nil
		}
		words := make([]string, len(allowed))
		for i, a := range allowed {
			words[i] = fmt.Sprint(a)
		}
		return fmt.Errorf("allowed are: %s", strings.Join(words, ", "))
	})
}

// check is what the options have against a value. A check that panics is against it:
// what is in the table must not end a function.
func (s *Setting[T]) check(v T) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its check panicked: %v", p)
		}
	}()
	var errs []error
	for _, f := range s.checks {
		errs = append(errs, f(v))
	}
	return errors.Join(errs...)
}
