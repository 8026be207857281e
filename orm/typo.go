package orm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/spelling"
)

// ownTags are the keys of struct tags that a definition reads. The first two
// work inside nested structs as well.
var ownTags = [...]string{"dynamo", "validate", "index", "localIndex", "default", "unique", "description", "enum", "version", "stamp", "output", "log", "template"}

// tagKeys says what is wrong with the keys of a field's struct tag: one of ours
// twice, or one that is nearly ours. Other keys belong to other packages.
func tagKeys(tags []tag) []string {
	var out []string
	for i, t := range tags {
		if slices.Contains(ownTags[:], t.key) {
			if j := slices.IndexFunc(tags[:i], func(o tag) bool { return o.key == t.key }); j >= 0 {
				out = append(out, repeated(tags[j], t))
			}
			continue
		}
		for _, own := range ownTags {
			if similar(t.key, own) {
				out = append(out, fmt.Sprintf("the tag %s:%q is unknown, and looks like %s:%q: write that", t.key, t.value, own, t.value))
				break
			}
		}
	}
	return out
}

func repeated(first, second tag) string {
	if first.key == "index" || first.key == "localIndex" {
		return fmt.Sprintf("the tag %s stands there twice, and Go reads the first only: write both in one, %s:%q", first.key, first.key, first.value+";"+second.value)
	}
	return fmt.Sprintf("the tag %s stands there twice, and Go reads the first only: take one away", first.key)
}

// nestedTags says which tags of a field of a nested struct have no effect there.
func nestedTags(tags []tag) []string {
	out := tagKeys(tags)
	for _, t := range tags {
		if slices.Contains(ownTags[2:], t.key) && t.key != "description" {
			out = append(out, fmt.Sprintf("the tag %s has no effect inside another attribute: it is for the fields of the item's own struct; take it away", t.key))
		}
	}
	return out
}

// similar reports whether a key is most likely a mistyped own: the same in
// another letter case, or a letter or two away (one for short keys) with the
// same first letter.
func similar(key, own string) bool {
	a, b := strings.ToLower(key), strings.ToLower(own)
	if a == "" || a[0] != b[0] {
		return false
	}
	limit := 2
	if len(b) <= 5 {
		limit = 1
	}
	return spelling.Distance(a, b) <= limit
}
