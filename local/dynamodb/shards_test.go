package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/dynamodb"
)

// endpoint plays a DynamoDB whose stream has shards that close, iterators that
// expire and records that are trimmed, as the engine's never do.
type endpoint struct {
	mu      sync.Mutex
	shards  [][]int // sequence numbers by shard; all but the last are closed
	trimmed int     // records up to this are gone
	epoch   int     // iterators of an earlier epoch have expired
	calls   map[string]int
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in struct {
		ShardID           string `json:"ShardId"`
		SequenceNumber    string
		ShardIterator     string
		ShardIteratorType string
		Limit             int

		ExclusiveStartShardID string `json:"ExclusiveStartShardId"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		panic(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls[operation]++
	fail := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"no"}`, code)
	}
	number := func(s string) int {
		n, err := strconv.Atoi(strings.TrimPrefix(s, "shard-"))
		if err != nil {
			panic(err)
		}
		return n
	}
	switch operation {
	case "DescribeTable":
		fmt.Fprint(w, `{"Table":{"TableStatus":"ACTIVE","StreamSpecification":{"StreamEnabled":true},"LatestStreamArn":"arn:x"}}`)
	case "DescribeStream": // one shard a page, to try the pages
		i := 0
		if in.ExclusiveStartShardID != "" {
			i = number(in.ExclusiveStartShardID) + 1
		}
		last := ""
		if i+1 < len(e.shards) {
			last = fmt.Sprintf(`,"LastEvaluatedShardId":"shard-%d"`, i)
		}
		start := ""
		if len(e.shards[i]) > 0 {
			start = strconv.Itoa(e.shards[i][0])
		}
		fmt.Fprintf(w, `{"StreamDescription":{"Shards":[{"ShardId":"shard-%d","SequenceNumberRange":{"StartingSequenceNumber":%q}}]%s}}`, i, start, last)
	case "GetShardIterator":
		after := 0
		if in.ShardIteratorType == "AFTER_SEQUENCE_NUMBER" {
			if after = number(in.SequenceNumber); after < e.trimmed {
				fail("TrimmedDataAccessException")
				return
			}
		}
		fmt.Fprintf(w, `{"ShardIterator":"%d %d %d"}`, number(in.ShardID), after, e.epoch)
	case "GetRecords":
		var shard, after, epoch int
		if _, err := fmt.Sscan(in.ShardIterator, &shard, &after, &epoch); err != nil {
			panic(err)
		}
		if epoch != e.epoch {
			fail("ExpiredIteratorException")
			return
		}
		var records []string
		for _, n := range e.shards[shard] {
			if n > after && n > e.trimmed && len(records) < in.Limit {
				records = append(records, fmt.Sprintf(`{"eventName":"INSERT","dynamodb":{"Keys":{"user_id":{"S":"r%d"}},"SequenceNumber":"%d"},"userIdentity":{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"}}`, n, n))
				after = n
			}
		}
		next := fmt.Sprintf(`,"NextShardIterator":"%d %d %d"`, shard, after, e.epoch)
		if shard < len(e.shards)-1 && (len(e.shards[shard]) == 0 || max(after, e.trimmed) >= e.shards[shard][len(e.shards[shard])-1]) {
			next = "" // the end of a closed shard
		}
		fmt.Fprintf(w, `{"Records":[%s]%s}`, strings.Join(records, ","), next)
	default:
		fail("UnknownOperationException")
	}
}

func (e *endpoint) change(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
}

func TestShards(t *testing.T) {
	e := &endpoint{shards: [][]int{{8, 9, 10}, {}, {99, 100}}, calls: map[string]int{}}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	s := start(t, dynamodb.Options{Endpoint: server.URL})
	read := func(from string, max int, want string) string {
		t.Helper()
		records, next, err := s.ReadStream(t.Context(), "ttt", from, max, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(t, records); got != want {
			t.Fatalf("after %q: %q; want %q", from, got, want)
		}
		return next
	}

	next := read("", 2, "r8 r9")
	next = read(next, 2, "r10")
	next = read(next, 2, "r99 r100") // over the closed and the empty shard
	next = read(next, 2, "")
	read("9", 5, "r10")   // a position in an earlier shard
	read("99", 5, "r100") // "99" < "100": numbers

	e.change(func() { e.calls = map[string]int{} })
	read(next, 5, "")
	read(next, 5, "")
	e.change(func() {
		if e.calls["GetShardIterator"] != 0 || e.calls["DescribeStream"] != 0 || e.calls["GetRecords"] != 2 {
			t.Errorf("iterators are not kept: %v", e.calls)
		}
		e.epoch++
		e.shards[2] = append(e.shards[2], 101)
	})
	next = read(next, 5, "r101") // the kept iterator had expired

	e.change(func() { // the shard closes after the reader has come to its end
		e.shards = append(e.shards, nil)
	})
	next = read(next, 5, "")
	e.change(func() { e.shards[3] = []int{102} })
	next = read(next, 5, "r102")

	e.change(func() { e.epoch++; e.trimmed = 200; e.shards[3] = []int{102, 201} })
	read(next, 5, "r201") // what was trimmed is lost, the rest goes on
}

func TestDeletesByTTLNameTheService(t *testing.T) {
	e := &endpoint{shards: [][]int{{1}}, calls: map[string]int{}}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	records, _, err := start(t, dynamodb.Options{Endpoint: server.URL}).ReadStream(t.Context(), "ttt", "", 1, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	// Lambda spells the members of userIdentity in lower case, unlike GetRecords.
	if want := `"userIdentity":{"principalId":"dynamodb.amazonaws.com","type":"Service"}`; !strings.Contains(string(records[0].JSON), want) {
		t.Errorf("%s lacks %s", records[0].JSON, want)
	}
}
