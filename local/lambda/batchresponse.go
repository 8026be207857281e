package lambda

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// failedItems reads the answer of a function whose mapping reports batch item
// failures: the identifiers of the items that failed. No list, an empty one,
// null, {} and an empty answer mean that all went well. An error means that the
// whole batch counts as failed: the answer is no such object, or an identifier is
// empty, null or under another name (services-sqs-errorhandling and
// services-ddb-batchfailurereporting). Names are case-sensitive, so
// encoding/json's struct matching, which is not, would take what AWS refuses.
func failedItems(payload []byte) ([]string, error) {
	if payload = bytes.TrimSpace(payload); len(payload) == 0 || string(payload) == "null" {
		return nil, nil
	}
	var response map[string]json.RawMessage
	if err := json.Unmarshal(payload, &response); err != nil {
		return nil, fmt.Errorf("the answer is not a JSON object: %w", err)
	}
	list, ok := response["batchItemFailures"]
	if !ok {
		return nil, nil
	}
	var items []map[string]json.RawMessage
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, fmt.Errorf("batchItemFailures is not a list of objects: %w", err)
	}
	ids := make([]string, 0, len(items))
	for _, item := range items {
		var id *string
		if raw, ok := item["itemIdentifier"]; !ok {
			return nil, errors.New("an item of batchItemFailures has no itemIdentifier")
		} else if err := json.Unmarshal(raw, &id); err != nil || id == nil || *id == "" {
			return nil, fmt.Errorf("itemIdentifier %s is not a text", raw)
		}
		ids = append(ids, *id)
	}
	return ids, nil
}
