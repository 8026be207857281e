package event

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// DecodeEnvelope reads an envelope from b. It is what json.Unmarshal does,
// without looking at b a second time.
//
// Unknown members are tolerated. Everything else that is wrong is an *[Error] of
// [KindUndecodable] that names the member: one that is missing, given twice or
// of another type, or a specversion that is not 1.x's "1.0".
func DecodeEnvelope(b []byte) (Envelope, error) {
	var e Envelope
	if !json.Valid(b) {
		var v json.RawMessage
		return Envelope{}, undecodable(&e, "", "it is no JSON", json.Unmarshal(b, &v))
	}
	if err := e.UnmarshalJSON(b); err != nil {
		return Envelope{}, err
	}
	return e, nil
}

// UnmarshalJSON reads the CloudEvents shape; see [DecodeEnvelope] for its
// errors. It keeps nothing of b. Like every UnmarshalJSON it may be given valid
// JSON only.
func (e *Envelope) UnmarshalJSON(b []byte) error {
	var (
		d    Envelope
		spec string
		seen uint32
	)
	s := scanner{b: b}
	if !s.object() {
		return undecodable(&d, "", "it is no JSON object", nil)
	}
	for s.next() {
		bit, text := memberOf(&d, &spec, s.key)
		if bit == 0 {
			continue
		}
		if seen&bit != 0 {
			return undecodable(&d, string(s.key), "it is given twice", nil)
		}
		seen |= bit
		if string(s.value) == "null" {
			continue // CloudEvents: the same as leaving it out
		}
		var err error
		switch {
		case text != nil:
			*text, err = unquote(s.value)
		case bit == bitTime:
			d.Time, err = unquoteTime(s.value)
		case bit == bitSchemaVersion:
			d.SchemaVersion, err = strconv.Atoi(string(s.value))
			if err == nil && d.SchemaVersion < 1 {
				err = fmt.Errorf("got %d", d.SchemaVersion)
			}
			if err != nil {
				return undecodable(&d, "schemaversion", "allowed are whole numbers from 1", err)
			}
		case bit == bitData:
			d.Data = append(json.RawMessage(nil), s.value...)
		}
		if err != nil {
			return undecodable(&d, string(s.key), "", err)
		}
	}
	switch {
	case spec == "":
		return undecodable(&d, "specversion", "it is missing", nil)
	case spec != specVersion:
		return undecodable(&d, "specversion", fmt.Sprintf("got %q, allowed is %q", clip(spec), specVersion), nil)
	}
	if err := d.check(); err != nil {
		wrong := err.(*Error)
		return undecodable(&d, wrong.Member, wrong.Reason, nil)
	}
	*e = d
	return nil
}

// One bit a known member, to find those that are given twice.
const (
	bitSpec uint32 = 1 << iota
	bitID
	bitSource
	bitType
	bitSubject
	bitTime
	bitSchemaVersion
	bitCorrelationID
	bitCausationID
	bitTenantID
	bitActor
	bitTraceParent
	bitData
)

// memberOf finds a member by its name: its bit, zero when it is not ours, and
// where its text goes when it is a string. dataschema is not read: it is made
// from other members.
func memberOf(e *Envelope, spec *string, name []byte) (bit uint32, text *string) {
	switch string(name) {
	case "specversion":
		return bitSpec, spec
	case "id":
		return bitID, &e.ID
	case "source":
		return bitSource, &e.Source
	case "type":
		return bitType, &e.Type
	case "subject":
		return bitSubject, &e.Subject
	case "time":
		return bitTime, nil
	case "schemaversion":
		return bitSchemaVersion, nil
	case "correlationid":
		return bitCorrelationID, &e.CorrelationID
	case "causationid":
		return bitCausationID, &e.CausationID
	case "tenantid":
		return bitTenantID, &e.TenantID
	case "actor":
		return bitActor, &e.Actor
	case "traceparent":
		return bitTraceParent, &e.TraceParent
	case "data":
		return bitData, nil
	default:
		return 0, nil
	}
}

func undecodable(e *Envelope, member, reason string, cause error) error {
	return &Error{Kind: KindUndecodable, Op: "decode envelope", Type: clip(e.Type), ID: clip(e.ID), Member: member, Reason: reason, Err: cause}
}

// unquote reads a JSON string.
func unquote(v []byte) (string, error) {
	if v[0] != '"' {
		return "", fmt.Errorf("got %s, allowed is a string", clip(string(v)))
	}
	for _, c := range v[1 : len(v)-1] {
		if c == '\\' || c >= 0x80 {
			var s string
			err := json.Unmarshal(v, &s)
			return s, err
		}
	}
	return string(v[1 : len(v)-1]), nil
}

func unquoteTime(v []byte) (time.Time, error) {
	s, err := unquote(v)
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("got %q, allowed is a time as in RFC 3339: %w", clip(s), err)
	}
	return t.UTC(), nil
}
