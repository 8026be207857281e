package dynamodb

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// StreamRecord is one change of an item.
type StreamRecord struct {
	SequenceNumber string
	// CreatedAt is when the change was made, to the second.
	CreatedAt time.Time
	// JSON is the record as a Lambda function gets it, an element of "Records".
	//
	// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
	JSON json.RawMessage
}

// wireRecord is a record of GetRecords.
type wireRecord struct {
	EventName    string          `json:"eventName"`
	EventVersion string          `json:"eventVersion"`
	DynamoDB     json.RawMessage `json:"dynamodb"`
	UserIdentity *struct {
		PrincipalID string `json:"PrincipalId"`
		Type        string
	} `json:"userIdentity"`
}

type lambdaRecord struct {
	EventID        string          `json:"eventID"`
	EventName      string          `json:"eventName"`
	EventVersion   string          `json:"eventVersion"`
	EventSource    string          `json:"eventSource"`
	AWSRegion      string          `json:"awsRegion"`
	DynamoDB       json.RawMessage `json:"dynamodb"`
	UserIdentity   *lambdaIdentity `json:"userIdentity,omitempty"`
	EventSourceARN string          `json:"eventSourceARN"`
}

// lambdaIdentity has other names in Lambda's event than in GetRecords.
type lambdaIdentity struct {
	PrincipalID string `json:"principalId"`
	Type        string `json:"type"`
}

// lambda translates a record to Lambda's shape. The engine's region and event ids
// are its own: ids are made of the stream and the number instead, so that no two
// tables have the same.
func (r *wireRecord) lambda(streamARN, region string) (StreamRecord, error) {
	var d struct {
		SequenceNumber              string
		ApproximateCreationDateTime float64
	}
	if err := json.Unmarshal(r.DynamoDB, &d); err != nil {
		return StreamRecord{}, fmt.Errorf("decode a stream record: %w", err)
	}
	id := sha256.Sum256([]byte(streamARN + "\n" + d.SequenceNumber))
	out := lambdaRecord{
		EventID: hex.EncodeToString(id[:16]), EventName: r.EventName, EventVersion: r.EventVersion, EventSource: "aws:dynamodb",
		AWSRegion: region, DynamoDB: r.DynamoDB, EventSourceARN: streamARN,
	}
	if out.EventVersion == "" {
		out.EventVersion = "1.1"
	}
	if r.UserIdentity != nil {
		out.UserIdentity = &lambdaIdentity{PrincipalID: r.UserIdentity.PrincipalID, Type: r.UserIdentity.Type}
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return StreamRecord{}, fmt.Errorf("encode a stream record: %w", err)
	}
	seconds, fraction := math.Modf(d.ApproximateCreationDateTime)
	return StreamRecord{SequenceNumber: d.SequenceNumber, CreatedAt: time.Unix(int64(seconds), int64(fraction*1e9)).UTC(), JSON: raw}, nil
}
