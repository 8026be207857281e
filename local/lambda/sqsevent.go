package lambda

import (
	"bytes"
	"encoding/json"
	"strings"
)

// sqsRecord is a message in the event that Lambda gives to a function
// (with-sqs in the developer guide).
type sqsRecord struct {
	MessageID              string                  `json:"messageId"`
	ReceiptHandle          string                  `json:"receiptHandle"`
	Body                   string                  `json:"body"`
	Attributes             map[string]string       `json:"attributes"`
	MessageAttributes      map[string]sqsAttribute `json:"messageAttributes"`
	MD5OfMessageAttributes string                  `json:"md5OfMessageAttributes,omitempty"`
	MD5OfBody              string                  `json:"md5OfBody"`
	EventSource            string                  `json:"eventSource"`
	EventSourceARN         string                  `json:"eventSourceARN"`
	AWSRegion              string                  `json:"awsRegion"`
}

type sqsAttribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

func newSQSRecord(m Message, queueARN, region string) sqsRecord {
	r := sqsRecord{
		MessageID:              m.ID,
		ReceiptHandle:          m.ReceiptHandle,
		Body:                   m.Body,
		Attributes:             m.Attributes,
		MessageAttributes:      make(map[string]sqsAttribute, len(m.MessageAttributes)),
		MD5OfMessageAttributes: m.MD5OfMessageAttributes,
		MD5OfBody:              m.MD5OfBody,
		EventSource:            "aws:sqs",
		EventSourceARN:         queueARN,
		AWSRegion:              region,
	}
	if r.Attributes == nil {
		r.Attributes = map[string]string{}
	}
	for name, a := range m.MessageAttributes {
		// Lists are not implemented in SQS; the event has them, empty.
		out := sqsAttribute{DataType: a.DataType, StringListValues: []string{}, BinaryListValues: [][]byte{}}
		if strings.HasPrefix(a.DataType, "Binary") {
			out.BinaryValue = a.BinaryValue
		} else {
			out.StringValue = &a.StringValue
		}
		r.MessageAttributes[name] = out
	}
	return r
}

// marshal is json.Marshal without the escapes for HTML, which AWS does not make:
// they would count towards the payload limit.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), err
}

// eventOf wraps records, which are JSON already.
func eventOf(records []json.RawMessage) []byte {
	size := eventOverhead
	for _, r := range records {
		size += len(r) + 1
	}
	b := append(make([]byte, 0, size), `{"Records":[`...)
	for i, r := range records {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, r...)
	}
	return append(b, "]}"...)
}

// eventOverhead is what eventOf adds, less the comma between two records.
const eventOverhead = len(`{"Records":[]}`)

// fitting returns how many of the records, by their sizes in bytes, fit into one
// event; at least one.
func fitting(sizes []int) int {
	total := eventOverhead
	for i, size := range sizes {
		total += size + 1
		if total > MaxPayload && i > 0 {
			return i
		}
	}
	return len(sizes)
}
