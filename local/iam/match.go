package iam

import "strings"

// arnParts is how many colon-separated parts an ARN has:
// arn:partition:service:region:account:resource. The resource may hold colons.
const arnParts = 6

// like reports whether s matches pattern, where "*" stands for any text (also
// none) and "?" for one character. It walks back to the last "*" only, so it
// takes len(s)*len(pattern) steps at worst and never more.
func like(pattern, s string) bool {
	var p, i int
	star, mark := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// likeARN compares part by part. A pattern that is only "*" matches everything,
// also what is no ARN. A pattern that ends early goes on with "*".
func likeARN(pattern, arn string) bool {
	if pattern == "*" {
		return true
	}
	if strings.Count(arn, ":") < arnParts-1 {
		return false
	}
	for range arnParts - 1 {
		var want, got string
		var more bool
		want, pattern, more = strings.Cut(pattern, ":")
		got, arn, _ = strings.Cut(arn, ":")
		if !like(want, got) {
			return false
		}
		if !more {
			return true
		}
	}
	return like(pattern, arn)
}

func likeAction(pattern, action string) bool {
	if strings.EqualFold(pattern, action) || pattern == "*" {
		return true
	}
	if !strings.ContainsAny(pattern, "*?") {
		return false
	}
	return like(strings.ToLower(pattern), strings.ToLower(action))
}

func anyLike(match func(pattern, s string) bool, patterns []string, s string) bool {
	for _, p := range patterns {
		if match(p, s) {
			return true
		}
	}
	return false
}
