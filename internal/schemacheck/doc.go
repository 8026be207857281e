// Package schemacheck checks values against JSON Schemas, for tests. It is written from
// the specification and not from package event/schema, so that the one proves the other.
// It knows the keywords that the schemas of events have, and refuses others.
//
// https://json-schema.org/draft/2020-12/json-schema-validation
package schemacheck
