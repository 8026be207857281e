package dynamodb

import (
	"context"
	"sync"
	"time"
)

// describeTimeout bounds the look-up of a table that no Apply has named.
const describeTimeout = 5 * time.Second

// tableCache remembers what judging a call needs to know of each table.
type tableCache struct {
	s  *Service
	mu sync.RWMutex
	// partitions holds the partition key's name by table, and by index of a table
	// ("" for the table itself); streams the stream's ARN.
	partitions map[string]map[string]string
	streams    map[string]string
}

func newTableCache(s *Service) *tableCache {
	return &tableCache{s: s, partitions: map[string]map[string]string{}, streams: map[string]string{}}
}

func (c *tableCache) set(t *TableConfig) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := map[string]string{"": t.Key[0].AttributeName}
	for _, indexes := range [][]Index{t.GlobalIndexes, t.LocalIndexes} {
		for _, i := range indexes {
			if len(i.Key) > 0 {
				keys[i.Name] = i.Key[0].AttributeName
			}
		}
	}
	c.partitions[t.Name] = keys
	delete(c.streams, t.Name)
	if t.StreamARN != "" {
		c.streams[t.Name] = t.StreamARN
	}
}

// forget drops what a call through the gateway may have changed. The stream's ARN
// is the config's and stays.
func (c *tableCache) forget(table string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.partitions, table)
}

// partitionKey is the name of the partition key of a table, or of an index of it,
// "" if there is none.
func (c *tableCache) partitionKey(table, index string) string {
	c.mu.RLock()
	keys, ok := c.partitions[table]
	c.mu.RUnlock()
	if ok || table == "" {
		return keys[index]
	}
	ctx, cancel := context.WithTimeout(context.Background(), describeTimeout)
	defer cancel()
	is, err := c.s.describe(ctx, table)
	if err != nil || len(is.KeySchema) == 0 {
		return "" // not kept: the table may be made in the next moment
	}
	keys = map[string]string{"": is.KeySchema[0].AttributeName}
	for _, indexes := range [][]wireIndex{is.GlobalSecondaryIndexes, is.LocalSecondaryIndexes} {
		for _, i := range indexes {
			if len(i.KeySchema) > 0 {
				keys[i.IndexName] = i.KeySchema[0].AttributeName
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.partitions[table] = keys
	return keys[index]
}

// streamARN is the table's stream as policies and records name it.
func (c *tableCache) streamARN(table string) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if arn, ok := c.streams[table]; ok {
		return arn
	}
	return c.s.tableARN(table) + "/stream/" + StreamLabel
}
