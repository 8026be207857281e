package lambda

import (
	"context"
	"encoding/json"
	"time"
)

// shardID is what the one shard of a local stream is called.
const shardID = "shardId-00000000000000000000-00000000"

// discard gives up on records, with word of it to the failure destination. It
// holds up the stream until the destination takes it, because that word is the
// only trace of them, and reports false when the mapping was stopped first: then
// the records are read again later.
func (m *streamMapping) discard(poll, work context.Context, b *streamBatch, records []StreamRecord, condition string) bool {
	m.log.Warn("records discarded", "condition", condition, "count", len(records),
		"from", records[0].SequenceNumber, "to", records[len(records)-1].SequenceNumber)
	if m.cfg.OnFailureARN != "" {
		retry := backoff{first: 100 * time.Millisecond, limit: 10 * time.Second}
		once := warnOnce{log: m.log}
		body := m.failureRecord(b, records, condition)
		for {
			err := m.queues.Send(work, m.cfg.OnFailureARN, body)
			if err == nil {
				break
			}
			once.warn("cannot send to the failure destination", err)
			if !retry.wait(poll) {
				return false
			}
		}
	}
	m.done(records)
	return true
}

// failureRecord is the message that AWS sends about discarded records.
func (m *streamMapping) failureRecord(b *streamBatch, records []StreamRecord, condition string) string {
	type batchInfo struct {
		ShardID                         string `json:"shardId"`
		StartSequenceNumber             string `json:"startSequenceNumber"`
		EndSequenceNumber               string `json:"endSequenceNumber"`
		ApproximateArrivalOfFirstRecord string `json:"approximateArrivalOfFirstRecord"`
		ApproximateArrivalOfLastRecord  string `json:"approximateArrivalOfLastRecord"`
		BatchSize                       int    `json:"batchSize"`
		StreamARN                       string `json:"streamArn"`
	}
	first, last := records[0], records[len(records)-1]
	record := struct {
		RequestContext     requestContext   `json:"requestContext"`
		ResponseContext    *responseContext `json:"responseContext,omitempty"`
		Version            string           `json:"version"`
		Timestamp          string           `json:"timestamp"`
		DDBStreamBatchInfo batchInfo        `json:"DDBStreamBatchInfo"`
	}{
		RequestContext: requestContext{
			RequestID: m.newID(), FunctionARN: m.functionARN(),
			Condition: condition, ApproximateInvokeCount: b.invokes,
		},
		Version:   "1.0",
		Timestamp: m.now().UTC().Format("2006-01-02T15:04:05.000Z"),
		DDBStreamBatchInfo: batchInfo{
			ShardID:             shardID,
			StartSequenceNumber: first.SequenceNumber, EndSequenceNumber: last.SequenceNumber,
			ApproximateArrivalOfFirstRecord: first.CreatedAt.UTC().Format(time.RFC3339),
			ApproximateArrivalOfLastRecord:  last.CreatedAt.UTC().Format(time.RFC3339),
			BatchSize:                       len(records),
			StreamARN:                       m.cfg.SourceARN,
		},
	}
	if b.last != nil {
		record.RequestContext.RequestID = b.last.RequestID
		record.ResponseContext = &responseContext{StatusCode: 200, ExecutedVersion: "$LATEST", FunctionError: b.last.FunctionError}
	}
	body, err := json.Marshal(record)
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	return string(body)
}
