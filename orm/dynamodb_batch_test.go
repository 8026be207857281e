package orm

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestUnprocessed(t *testing.T) {
	ctx := t.Context()
	keys := []Item{awkwardKey("1"), awkwardKey("2"), awkwardKey("3")}
	w := wire{answer: `{"Responses":{"app-dev-status":[{"name":{"S":"n"},"date":{"S":"3"},"count":{"N":"7"}}]},
		"UnprocessedKeys":{"app-dev-status":{"Keys":[{"name":{"S":"n"},"date":{"S":"2"}}],"ConsistentRead":true}}}`}
	s, _ := w.store()
	got, err := s.BatchGet(ctx, &BatchGetRequest{Table: awkward, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	want := &BatchGetResult{Items: []Item{{"name": str("n"), "date": str("3"), "count": num("7")}}, Unprocessed: []Item{awkwardKey("2")}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("answer is %+v, want %+v", got, want)
	}

	w.answer = `{"UnprocessedItems":{"app-dev-status":[{"DeleteRequest":{"Key":{"name":{"S":"n"},"date":{"S":"2"}}}},{"PutRequest":{"Item":{"name":{"S":"n"},"date":{"S":"3"},"count":{"N":"7"}}}}]}}`
	left, err := s.BatchWrite(ctx, &BatchWriteRequest{Table: awkward, Puts: []Item{keys[0], want.Items[0]}, Deletes: []Item{keys[1]}})
	if err != nil {
		t.Fatal(err)
	}
	if want := (&BatchWriteResult{Puts: []Item{want.Items[0]}, Deletes: []Item{keys[1]}}); !reflect.DeepEqual(left, want) {
		t.Errorf("left over is %+v, want %+v", left, want)
	}

	w.answer = `{"Responses":{"app-dev-status":[]},"UnprocessedKeys":{}}`
	if got, err := s.BatchGet(ctx, &BatchGetRequest{Table: awkward, Keys: keys}); err != nil || len(got.Items) != 0 || len(got.Unprocessed) != 0 {
		t.Errorf("answer is %+v, %v; want nothing", got, err)
	}
}

// TestPages: what an answer says about a page.
func TestPages(t *testing.T) {
	w := wire{answer: `{"Items":[{"status":{"S":"x"}},{}],"Count":2,"ScannedCount":5,"LastEvaluatedKey":{"name":{"S":"n"},"date":{"S":"2"}}}`}
	s, _ := w.store()
	query := func(count bool) (*Page, error) {
		return s.Query(t.Context(), &QueryRequest{Table: awkward, Hash: str("n"), Count: count})
	}
	scan := func(count bool) (*Page, error) {
		return s.Scan(t.Context(), &ScanRequest{Table: awkward, Count: count})
	}
	for name, read := range map[string]func(count bool) (*Page, error){"query": query, "scan": scan} {
		got, err := read(false)
		want := &Page{Items: []Item{{"status": str("x")}, {}}, Next: awkwardKey("2"), Count: 2, Scanned: 5}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: page is %+v, %v; want %+v", name, got, err, want)
		}
	}
	w.answer = `{"Count":2,"ScannedCount":5}`
	for name, read := range map[string]func(count bool) (*Page, error){"query": query, "scan": scan} {
		got, err := read(true)
		if want := (&Page{Count: 2, Scanned: 5}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: page is %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestDynamoDBTransactGet(t *testing.T) {
	plain := plainTable.Schema()
	gets := []GetRequest{{Table: awkward, Key: awkwardKey("1")}, {Table: plain, Key: Item{"id": str("p")}}, {Table: awkward, Key: awkwardKey("2"), Select: []string{"gone"}}}
	w := wire{answer: `{"Responses":[{"Item":{"name":{"S":"n"},"date":{"S":"1"}}},{},{"Item":{}}]}`}
	s, _ := w.store()
	got, err := s.TransactGet(t.Context(), gets)
	if want := []Item{awkwardKey("1"), nil, {}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("items are %#v, %v; want %#v", got, err, want)
	}

	w.answer = `{"Responses":[{}]}`
	if _, err := s.TransactGet(t.Context(), gets); !errors.Is(err, KindUnavailable) || !strings.Contains(err.Error(), "1 items for 3 requests") {
		t.Errorf("error is %v, want one about the short answer", err)
	}

	w.status, w.answer = 400, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"Transaction cancelled","CancellationReasons":[
		{"Code":"None"},{"Code":"TransactionConflict","Message":"Transaction is ongoing for the item"},{"Code":"AccessDenied","Message":"no"}]}`
	_, err = s.TransactGet(t.Context(), gets)
	var te *TransactionError
	if !errors.As(err, &te) || len(te.Reasons) != 3 {
		t.Fatalf("error is %v, want a TransactionError of 3 reasons", err)
	}
	if te.Reasons[0] != nil {
		t.Errorf("reason 0 is %v, want none", te.Reasons[0])
	}
	if r := te.Reasons[1]; r == nil || r.Kind != KindConflict || r.Op != "transact get" || r.Table != "plain" || r.Key != `"p"` || !strings.Contains(r.Error(), "ongoing") {
		t.Errorf("reason 1 is %v", r)
	}
	if r := te.Reasons[2]; r == nil || r.Kind != KindDenied || r.Table != "status" || r.Key != `"n", "2"` {
		t.Errorf("reason 2 is %v", r)
	}

	w.answer = `{"__type":"TransactionCanceledException","message":"Transaction cancelled"}`
	if _, err := s.TransactGet(t.Context(), gets); !errors.Is(err, KindUnavailable) || !strings.Contains(err.Error(), "transact get status+plain") {
		t.Errorf("error is %v, want kind %q of both tables", err, KindUnavailable)
	}
}

// TestGetOfNothingSelected: an item without the attributes that were asked for is
// not an absent one.
func TestGetOfNothingSelected(t *testing.T) {
	r := &GetRequest{Table: awkward, Key: awkwardKey("1"), Select: []string{"gone"}}
	w := wire{answer: `{"Item":{}}`}
	s, _ := w.store()
	if got, err := s.Get(t.Context(), r); err != nil || got == nil {
		t.Errorf("item is %#v, %v; want an empty one", got, err)
	}
	w.answer = `{}`
	if got, err := s.Get(t.Context(), r); err != nil || got != nil {
		t.Errorf("item is %#v, %v; want none", got, err)
	}
}

func TestStoreOptions(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	tried := 0
	s := NewDynamoDB(nil, nil, StoreClock(func() time.Time { return at }), StoreBackoff(func(_ context.Context, try int) error {
		tried = try
		return errors.New("enough")
	}))
	if got := s.Now(); !got.Equal(at) {
		t.Errorf("the clock says %v, want %v", got, at)
	}
	if err := s.Backoff(t.Context(), 3); err == nil || tried != 3 {
		t.Errorf("back-off of try %d gives %v", tried, err)
	}
}

// TestBackoff: the waits of the store itself grow, at random, up to a bound.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewDynamoDB(nil, nil)
		for try, limit := range map[int]time.Duration{1: 25 * time.Millisecond, 2: 50 * time.Millisecond, 5: 400 * time.Millisecond, 8: 3200 * time.Millisecond, 9: 5 * time.Second, 100: 5 * time.Second, 1 << 40: 5 * time.Second} {
			longest, different := time.Duration(0), map[time.Duration]bool{}
			for range 200 {
				start := time.Now()
				if err := s.Backoff(t.Context(), try); err != nil {
					t.Fatal(err)
				}
				d := time.Since(start)
				longest, different[d] = max(longest, d), true
			}
			if longest > limit || longest < limit/2 || len(different) < 100 {
				t.Errorf("try %d waits up to %v in %d different ways, want up to %v", try, longest, len(different), limit)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Backoff(ctx, 20); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v, want that of the context", err)
		}
	})
}
