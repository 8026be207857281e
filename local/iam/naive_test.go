package iam_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/local/iam"
)

// naive is a statement as the evaluator below reads it. It knows nothing of how
// package iam is made: wildcards are regular expressions, conditions are spelled
// out from AWS's table of operators.
type naive struct {
	Effect                                   string
	Action, NotAction, Resource, NotResource []string                       `json:",omitempty"`
	Condition                                map[string]map[string][]string `json:",omitempty"`
}

func wildcard(pattern, s string) bool {
	return regexp.MustCompile("(?s)^" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern)) + "$").MatchString(s)
}

func wildcardARN(pattern, arn string) bool {
	if pattern == "*" {
		return true
	}
	want, got := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(got) < 6 {
		return false
	}
	for len(want) < 6 {
		want = append(want, "*")
	}
	for i := range got {
		if !wildcard(want[i], got[i]) {
			return false
		}
	}
	return true
}

func (s naive) applies(n iam.Need) bool {
	has := func(patterns []string, value string, match func(p, v string) bool) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return match(p, value) })
	}
	action := func(p, v string) bool { return wildcard(strings.ToLower(p), strings.ToLower(v)) }
	if s.Action != nil && !has(s.Action, n.Action, action) || s.NotAction != nil && has(s.NotAction, n.Action, action) {
		return false
	}
	if s.Resource != nil && !has(s.Resource, n.Resource, wildcardARN) || s.NotResource != nil && has(s.NotResource, n.Resource, wildcardARN) {
		return false
	}
	for operator, keys := range s.Condition {
		for key, want := range keys {
			var got []string
			for k, v := range n.Context {
				if strings.EqualFold(k, key) {
					got = v
				}
			}
			if !naiveCondition(operator, want, got) {
				return false
			}
		}
	}
	return true
}

func naiveCondition(operator string, want, got []string) bool {
	if operator == "Null" {
		return slices.Contains(want, strconv.FormatBool(len(got) == 0))
	}
	all, any := strings.HasPrefix(operator, "ForAllValues:"), strings.HasPrefix(operator, "ForAnyValue:")
	_, base, set := strings.Cut(operator, ":")
	if !set {
		base = operator
	}
	base, ifExists := strings.CutSuffix(base, "IfExists")
	negated := strings.Contains(base, "Not")
	one := func(g string) bool {
		matched := slices.ContainsFunc(want, func(w string) bool {
			switch strings.Replace(base, "Not", "", 1) {
			case "StringEquals":
				return w == g
			case "StringEqualsIgnoreCase", "Bool":
				return strings.EqualFold(w, g)
			case "StringLike":
				return wildcard(w, g)
			case "ArnLike", "ArnEquals":
				return wildcardARN(w, g)
			}
			a, errA := strconv.Atoi(g)
			b, errB := strconv.Atoi(w)
			if errA != nil || errB != nil {
				return false
			}
			switch strings.Replace(base, "Not", "", 1) {
			case "NumericEquals":
				return a == b
			case "NumericLessThan":
				return a < b
			case "NumericGreaterThanEquals":
				return a >= b
			}
			panic("operator " + operator)
		})
		return matched != negated
	}
	switch {
	case len(got) == 0 && (ifExists || all):
		return true
	case len(got) == 0 && any:
		return false
	case len(got) == 0:
		return negated
	case all:
		return !slices.ContainsFunc(got, func(g string) bool { return !one(g) })
	case any:
		return slices.ContainsFunc(got, one)
	default:
		return len(got) == 1 && one(got[0])
	}
}

// Decide agrees with the naive evaluator on any policies and any call.
func TestDecideIsTheNaiveDecision(t *testing.T) {
	pick := func(t *rapid.T, label string, from ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 1, 2, rapid.ID).Draw(t, label)
	}
	actions := []string{"dynamodb:PutItem", "dynamodb:Put*", "dynamodb:?etItem", "DYNAMODB:getitem", "sqs:*", "*", "*:PutItem"}
	resources := []string{table, table + "*", table + "/index/*", queue, "*", "arn:aws:*:*:*:*", "arn:aws:sqs", "arn:aws:dynamodb:us-east-?:000000000000:*events"}
	keys := []string{"dynamodb:LeadingKeys", "aws:SourceArn", "dynamodb:enclosingoperation"}
	operators := []string{"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringLike", "StringNotLike", "ArnLike", "ArnNotEquals", "NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"}
	values := []string{"a", "A", "ab", "a*", "?b", "5", "7", "-1", "arn:aws:events:us-east-1:1:rule/a", "arn:aws:events:*:*:rule/?", "*"}
	numbers := []string{"5", "7", "-1"}
	rapid.Check(t, func(t *rapid.T) {
		var all []naive
		var policies iam.Policies
		for range rapid.IntRange(0, 3).Draw(t, "policies") {
			var statements []naive
			for range rapid.IntRange(1, 3).Draw(t, "statements") {
				s := naive{Effect: rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect")}
				if rapid.IntRange(0, 3).Draw(t, "not action") == 0 {
					s.NotAction = pick(t, "actions", actions...)
				} else {
					s.Action = pick(t, "actions", actions...)
				}
				if rapid.IntRange(0, 3).Draw(t, "not resource") == 0 {
					s.NotResource = pick(t, "resources", resources...)
				} else {
					s.Resource = pick(t, "resources", resources...)
				}
				for range rapid.IntRange(0, 2).Draw(t, "conditions") {
					operator, from := rapid.SampledFrom(operators).Draw(t, "operator"), values
					if strings.HasPrefix(operator, "Numeric") {
						from = numbers
					}
					operator = rapid.SampledFrom([]string{"", "", "ForAllValues:", "ForAnyValue:"}).Draw(t, "set") + operator + rapid.SampledFrom([]string{"", "IfExists"}).Draw(t, "if exists")
					if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
						operator, from = "Null", []string{"true", "false"}
					}
					if s.Condition == nil {
						s.Condition = map[string]map[string][]string{}
					}
					if s.Condition[operator] == nil {
						s.Condition[operator] = map[string][]string{}
					}
					s.Condition[operator][rapid.SampledFrom(keys).Draw(t, "key")] = pick(t, "values", from...)
				}
				statements = append(statements, s)
			}
			raw, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
			if err != nil {
				t.Fatal(err)
			}
			d, err := iam.Parse(raw)
			if err != nil {
				t.Fatalf("%s: %v", raw, err)
			}
			policies, all = append(policies, d), append(all, statements...)
		}
		n := iam.Need{
			Action:   rapid.SampledFrom([]string{"dynamodb:PutItem", "dynamodb:GetItem", "sqs:SendMessage"}).Draw(t, "action"),
			Resource: rapid.SampledFrom([]string{table, table + "/index/a", queue, "*"}).Draw(t, "resource"), Context: map[string][]string{},
		}
		for _, k := range keys {
			if v := rapid.SliceOfN(rapid.SampledFrom(values), 0, 2).Draw(t, "value of "+k); len(v) > 0 {
				n.Context[strings.ToUpper(k)] = v
			}
		}
		want := iam.ImplicitDeny
		for _, s := range all {
			if s.applies(n) {
				if s.Effect == "Deny" {
					want = iam.ExplicitDeny
					break
				}
				want = iam.Allowed
			}
		}
		if got := policies.Decide(n); got.Outcome != want {
			t.Fatalf("got %v (%s), want %v\n%s\n%+v", got.Outcome, got.Explain(), want, fmt.Sprint(all), n)
		}
	})
}
