package sqs

import (
	"errors"
	"net/http"
	"regexp"

	"github.com/vinci-go/vinci/local/gateway"
)

// maxBatch is how many entries a batch may have.
const maxBatch = 10

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// batchEntry is an entry of any batch request.
type batchEntry interface{ id() string }

type batchOutput[R any] struct {
	Successful []R          `json:",omitempty"`
	Failed     []batchError `json:",omitempty"`
}

// batchError is the failure of one entry.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html
type batchError struct {
	Id          string
	SenderFault bool
	Code        string
	Message     string
}

// checkBatch refuses what makes SQS refuse the whole batch.
func checkBatch[E batchEntry](entries []E, entryType string) error {
	switch {
	case len(entries) == 0:
		return errModelled("EmptyBatchRequest", "There should be at least one %s in the request.", entryType)
	case len(entries) > maxBatch:
		return errModelled("TooManyEntriesInBatchRequest", "Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(entries))
	}
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		switch {
		case !entryID.MatchString(e.id()):
			return errModelled("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		case seen[e.id()]:
			return errModelled("BatchEntryIdsNotDistinct", "Id %s repeated.", e.id())
		}
		seen[e.id()] = true
	}
	return nil
}

// report adds an entry's outcome.
func (out *batchOutput[R]) report(id string, result R, err error) {
	if err == nil {
		out.Successful = append(out.Successful, result)
		return
	}
	var e *gateway.Error
	if !errors.As(err, &e) {
		out.Failed = append(out.Failed, batchError{Id: id, Code: "InternalFailure", Message: err.Error()})
		return
	}
	code := e.Code
	if e.QueryCode != "" {
		code = e.QueryCode // entries carry the older names
	}
	out.Failed = append(out.Failed, batchError{Id: id, SenderFault: e.Status < http.StatusInternalServerError, Code: code, Message: e.Message})
}
