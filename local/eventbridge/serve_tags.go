package eventbridge

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxTags is AWS's limit.
const maxTags = 50

// mergeTags adds tags to a copy of those there are.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TagResource.html
func mergeTags(old map[string]string, tags []wireTag) (map[string]string, error) {
	merged := maps.Clone(old)
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > 128:
			return nil, constraint(t.Key, "tags.member.key", "Member must have length between 1 and 128")
		case utf8.RuneCountInString(t.Value) > 256:
			return nil, constraint(t.Value, "tags.member.value", "Member must have length less than or equal to 256")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return nil, invalid("System tags cannot be added/updated/removed by requester: %s.", t.Key)
		case seen[t.Key]:
			return nil, invalid("Duplicated keys are not allowed.")
		}
		seen[t.Key] = true
		if merged == nil {
			merged = map[string]string{}
		}
		merged[t.Key] = t.Value
	}
	if len(merged) > maxTags {
		return nil, invalid("A resource can have %d tags, and would have %d.", maxTags, len(merged))
	}
	return merged, nil
}

// tagged finds the bus or the rule of an ARN and changes its tags.
func (s *Service) tagged(arn string, edit func(map[string]string) (map[string]string, error)) error {
	return s.change(func(d *draft) error {
		busName, ruleName, err := s.resource(arn)
		if err != nil {
			return err
		}
		b, err := d.edit(busName)
		if err != nil {
			return err
		}
		if ruleName == "" {
			if b.Tags, err = edit(b.Tags); err == nil {
				d.keepBus(b)
			}
			return err
		}
		return d.changeRule(b, ruleName, func(r *rule) (err error) {
			r.Tags, err = edit(r.Tags)
			return err
		})
	})
}

// resource takes an ARN of a bus or a rule apart; the rule is empty for a bus.
func (s *Service) resource(arn string) (bus, rule string, err error) {
	if name, ok := strings.CutPrefix(arn, s.busARN("")); ok {
		return name, "", nil
	}
	name, ok := strings.CutPrefix(arn, s.arn("rule/"))
	if !ok || name == "" {
		return "", "", invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", arn)
	}
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i], name[i+1:], nil
	}
	return defaultBus, name, nil
}

func (s *Service) tagResource(in *request) (any, error) {
	return nil, s.tagged(in.ResourceARN, func(tags map[string]string) (map[string]string, error) { return mergeTags(tags, in.Tags) })
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UntagResource.html
func (s *Service) untagResource(in *request) (any, error) {
	return nil, s.tagged(in.ResourceARN, func(tags map[string]string) (map[string]string, error) {
		tags = maps.Clone(tags)
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return tags, nil
	})
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTagsForResource.html
func (s *Service) listTags(in *request) (any, error) {
	busName, ruleName, err := s.resource(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	b, err := s.find(busName)
	if err != nil {
		return nil, err
	}
	tags := b.Tags
	if ruleName != "" {
		r := b.rules[ruleName]
		if r == nil {
			return nil, noRule(ruleName, b.Name)
		}
		tags = r.Tags
	}
	out := struct{ Tags []wireTag }{[]wireTag{}}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, wireTag{key, tags[key]})
	}
	return out, nil
}
