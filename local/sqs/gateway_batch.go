package sqs

import (
	"errors"
	"net/http"
	"regexp"
	"sync"

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
func checkBatch[E batchEntry](entries []E) error {
	switch {
	case len(entries) == 0:
		return errModelled("EmptyBatchRequest", "There should be at least one entry in the request.")
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

// runBatch does every entry by itself. They run at once, so that their writes
// join into one.
func runBatch[E batchEntry, R any](entries []E, do func(E) (R, error)) batchOutput[R] {
	results := make([]R, len(entries))
	errs := make([]error, len(entries))
	var wait sync.WaitGroup
	for i, e := range entries[1:] {
		wait.Go(func() { results[i+1], errs[i+1] = do(e) })
	}
	results[0], errs[0] = do(entries[0])
	wait.Wait()
	var out batchOutput[R]
	for i, err := range errs {
		if err == nil {
			out.Successful = append(out.Successful, results[i])
			continue
		}
		out.Failed = append(out.Failed, failure(entries[i].id(), err))
	}
	return out
}

func failure(id string, err error) batchError {
	var e *gateway.Error
	if !errors.As(err, &e) {
		return batchError{Id: id, Code: "InternalFailure", Message: err.Error()}
	}
	code := e.Code
	if e.QueryCode != "" {
		code = e.QueryCode // entries carry the older names
	}
	return batchError{Id: id, SenderFault: e.Status < http.StatusInternalServerError, Code: code, Message: e.Message}
}
