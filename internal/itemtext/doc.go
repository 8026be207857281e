// Package itemtext writes stored items for people: one line an item, values as
// JSON has them. What a definition masks or hides is not shown.
package itemtext
