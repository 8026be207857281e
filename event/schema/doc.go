// Package schema makes JSON Schemas of event definitions, keeps them in files and
// finds changes that break readers.
//
//	schemas/user.created/1.json          the data of version 1
//	schemas/user.created/2.json          of version 2, the newest
//	schemas/user.created/1.public.json   what others see of it, event.Public
//
// The files are committed. They say what was agreed: what the events in the log
// look like, and what others read. [Check] compares the definitions with them, in
// a test and in `vinci schemas`; [Lock] writes them, which is `vinci schemas lock`.
//
// # What breaks
//
// Events are never rewritten, and programs of several ages read them. So under
// one version a change breaks when an event that is stored could not be read any
// more, or when a reader loses what it could rely on:
//
//	a field is removed, or has another type                breaks
//	a field that is always there is new                    breaks: stored events lack it
//	a field that was always there can be missing or null   breaks: readers rely on it
//	a rule is tightened: an enum narrowed, a bound nearer  breaks: stored events break it
//	a new field with omitempty                             is fine
//	a rule is loosened                                     is fine, when readers are deployed first
//	a description                                          is fine
//
// What breaks gets a version of its own: event.Version(n+1), with event.Upcast(n, …)
// for the events that are stored.
//
// # What is in a schema
//
// It is JSON Schema 2020-12, made of the Go type as encoding/json encodes it and of
// its validate tags. Rules that JSON Schema cannot say are kept as they are
// written in "x-rules". A field is required when it is always written. Members
// that are not named are allowed, as everywhere in Vinci. A `description` tag on a
// field is its description. A type with a MarshalJSON of its own is any value, one
// with a MarshalText any text, except those of the standard library that are known:
// its name is kept in "x-encoded-by", so that another type is a change.
//
// # What others are told
//
// [Export] makes documents of it for others: JSON Schemas of whole events and an AsyncAPI
// document, with what is public and nothing else. That is `vinci schemas export`.
//
// No function links this package: it is for tools and tests.
//
// https://json-schema.org/draft/2020-12/schema
package schema
