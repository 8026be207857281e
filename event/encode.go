package event

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// specVersion is the version of CloudEvents whose names the envelope uses.
const specVersion = "1.0"

// MarshalJSON writes the envelope in CloudEvents' names. An envelope that could
// not be read back is an *[Error] of [KindInvalid] that names the member.
//
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
func (e Envelope) MarshalJSON() ([]byte, error) {
	return e.AppendJSON(make([]byte, 0, 512+len(e.Data)))
}

// AppendJSON appends what [Envelope.MarshalJSON] writes to b. It saves the copy
// and the second look that json.Marshal takes at a marshaler's output.
func (e *Envelope) AppendJSON(b []byte) ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	if !json.Valid(e.Data) {
		return nil, e.invalid("data", "it is no JSON value")
	}
	b = append(b, `{"specversion":"`+specVersion+`"`...)
	b = appendMember(b, "id", e.ID)
	b = appendMember(b, "source", e.Source)
	b = appendMember(b, "type", e.Type)
	b = appendMember(b, "subject", e.Subject)
	b = append(b, `,"time":"`...)
	b = e.Time.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	// dataschema names the shape of the data. It is made of other members, for
	// readers that know CloudEvents and not Vinci.
	b = append(b, `,"dataschema":"urn:vinci:schema:`...)
	b = append(appendText(b, e.Source), ':')
	b = append(appendText(b, e.Type), ':')
	b = strconv.AppendInt(b, int64(e.SchemaVersion), 10)
	b = append(b, `","schemaversion":`...)
	b = strconv.AppendInt(b, int64(e.SchemaVersion), 10)
	b = appendMember(b, "correlationid", e.CorrelationID)
	b = appendMember(b, "causationid", e.CausationID)
	b = appendMember(b, "tenantid", e.TenantID)
	b = appendMember(b, "actor", e.Actor)
	b = appendMember(b, "traceparent", e.TraceParent)
	b = append(b, `,"data":`...)
	b = append(b, e.Data...)
	return append(b, '}'), nil
}

// check holds for what is written and what is read, so that whatever can be
// encoded can be decoded.
func (e *Envelope) check() error {
	for _, m := range [...]struct{ name, value string }{
		{"id", e.ID}, {"source", e.Source}, {"type", e.Type},
	} {
		if m.value == "" {
			return e.missing(m.name)
		}
	}
	switch {
	case e.Time.IsZero():
		return e.missing("time")
	case e.SchemaVersion == 0:
		return e.missing("schemaversion")
	case e.SchemaVersion < 1:
		return e.invalid("schemaversion", fmt.Sprintf("got %d, allowed are whole numbers from 1", e.SchemaVersion))
	case len(e.Data) == 0:
		return e.missing("data")
	}
	if y := e.Time.UTC().Year(); y < 0 || y > 9999 {
		return e.invalid("time", fmt.Sprintf("got the year %d, RFC 3339 has 0 to 9999", y))
	}
	for _, m := range [...]struct{ name, value string }{
		{"id", e.ID}, {"source", e.Source}, {"type", e.Type}, {"subject", e.Subject},
		{"correlationid", e.CorrelationID}, {"causationid", e.CausationID},
		{"tenantid", e.TenantID}, {"actor", e.Actor}, {"traceparent", e.TraceParent},
	} {
		if !utf8.ValidString(m.value) {
			return e.invalid(m.name, "it is no valid UTF-8")
		}
	}
	return nil
}

func (e *Envelope) missing(member string) error {
	return e.invalid(member, "it is missing")
}

func (e *Envelope) invalid(member, reason string) error {
	return &Error{Kind: KindInvalid, Op: "encode envelope", Type: clip(e.Type), ID: clip(e.ID), Member: member, Reason: reason}
}

// appendMember appends ,"name":"value", and nothing for an empty value.
func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':', '"')
	b = appendText(b, value)
	return append(b, '"')
}

// appendText appends s as the inside of a JSON string. Nearly every string of an
// envelope is plain ASCII; the others take the slow way.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(s)
			if err != nil {
				panic("event: a string cannot be encoded as JSON: " + err.Error()) // encoding/json promises it can
			}
			return append(b, quoted[1:len(quoted)-1]...)
		}
	}
	return append(b, s...)
}
