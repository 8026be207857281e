package orm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type batchRow struct {
	ID string `dynamo:"id,hash"`
	A  string `dynamo:"a" default:"none"`
	B  string `dynamo:"b" validate:"max=3"`
}

func batchIDs(n int) []string {
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("id%03d", i))
	}
	return ids
}

// halves is a store that gets to half of each request only.
func halves(written map[string]string) *scripted {
	return &scripted{
		batch: func(r *BatchGetRequest) (*BatchGetResult, error) {
			if len(r.Keys) > MaxBatchGet || len(r.Keys) == 0 {
				return nil, fmt.Errorf("a request of %d keys", len(r.Keys))
			}
			half := (len(r.Keys) + 1) / 2
			out := &BatchGetResult{Unprocessed: r.Keys[half:]}
			for _, k := range r.Keys[:half] {
				if id := k["id"].(*types.AttributeValueMemberS).Value; id != "id007" {
					out.Items = append(out.Items, Item{"id": k["id"], "a": &types.AttributeValueMemberS{Value: "a " + id}})
				}
			}
			slices.Reverse(out.Items)
			return out, nil
		},
		write: func(r *BatchWriteRequest) (*BatchWriteResult, error) {
			if n := len(r.Puts) + len(r.Deletes); n > MaxBatchWrite || n == 0 {
				return nil, fmt.Errorf("a request of %d writes", n)
			}
			puts, deletes := (len(r.Puts)+1)/2, (len(r.Deletes)+1)/2
			for _, item := range r.Puts[:puts] {
				written[item["id"].(*types.AttributeValueMemberS).Value] += item["a"].(*types.AttributeValueMemberS).Value
			}
			for _, key := range r.Deletes[:deletes] {
				delete(written, key["id"].(*types.AttributeValueMemberS).Value)
			}
			return &BatchWriteResult{Puts: r.Puts[puts:], Deletes: r.Deletes[deletes:]}, nil
		},
	}
}

func TestGetBatch(t *testing.T) {
	table := Define[batchRow, string]("rows")
	keys := append(batchIDs(250), "id003", "id007", "id249")
	st := halves(nil)
	got, err := table.GetBatch(t.Context(), st, keys)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(keys) {
		t.Fatalf("%d results for %d keys", len(got), len(keys))
	}
	for i, key := range keys {
		switch {
		case key == "id007":
			if got[i] != nil {
				t.Errorf("there is no %s, and it came as %+v", key, got[i])
			}
		case got[i] == nil || got[i].ID != key || got[i].A != "a "+key:
			t.Errorf("result %d is %+v, its key is %s", i, got[i], key)
		}
	}
	if got[3] == got[250] {
		t.Error("one key that is there twice gives one pointer: who changes the one changes the other")
	}
	if len(st.tries) == 0 || slices.Max(st.tries) != 1 {
		t.Errorf("tries are %v: all got further, so each is a first one", st.tries)
	}
	if got, err := table.GetBatch(t.Context(), nil, nil); err != nil || len(got) != 0 {
		t.Errorf("no keys give %v, %v", got, err)
	}
	if _, err := table.GetBatch(t.Context(), nil, []string{"a", ""}); !errors.Is(err, KindValidation) {
		t.Errorf("error of an empty key is %v", err)
	}
}

func TestGetBatchRequest(t *testing.T) {
	table := Define[batchRow, string]("rows")
	b := Attr(table, func(r *batchRow) *string { return &r.B })
	var asked []BatchGetRequest
	st := &scripted{batch: func(r *BatchGetRequest) (*BatchGetResult, error) {
		asked = append(asked, *r)
		return &BatchGetResult{}, nil
	}}
	if _, err := table.GetBatch(t.Context(), st, append(batchIDs(101), batchIDs(101)...), Eventually(), Projection(b)); err != nil {
		t.Fatal(err)
	}
	if len(asked) != 2 || len(asked[0].Keys) != 100 || len(asked[1].Keys) != 1 {
		t.Fatalf("%d requests", len(asked))
	}
	if !asked[0].Eventual || !slices.Equal(asked[0].Select, []string{"b", "id"}) {
		t.Errorf("the request is %+v", asked[0])
	}
}

// Keys that DynamoDB takes for the same are the same here.
func TestGetBatchNumbers(t *testing.T) {
	type num struct {
		ID float64 `dynamo:"id,hash"`
	}
	table := Define[num, float64]("numbers")
	st := &scripted{batch: func(r *BatchGetRequest) (*BatchGetResult, error) {
		if len(r.Keys) != 2 {
			t.Errorf("%d keys are asked for, want 2", len(r.Keys))
		}
		return &BatchGetResult{Items: []Item{{"id": &types.AttributeValueMemberN{Value: "1E+30"}}, {"id": &types.AttributeValueMemberN{Value: "0.50"}}}}, nil
	}}
	got, err := table.GetBatch(t.Context(), st, []float64{0.5, 1e30, 0.5})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0.5, 1e30, 0.5} {
		if got[i] == nil || got[i].ID != want {
			t.Errorf("result %d is %v, want %v", i, got[i], want)
		}
	}
}

func TestBatchesEndWhenTheyGetNoFurther(t *testing.T) {
	table := Define[batchRow, string]("rows")
	st := &scripted{
		batch: func(r *BatchGetRequest) (*BatchGetResult, error) { return &BatchGetResult{Unprocessed: r.Keys}, nil },
		write: func(r *BatchWriteRequest) (*BatchWriteResult, error) {
			return &BatchWriteResult{Puts: r.Puts, Deletes: r.Deletes}, nil
		},
	}
	_, err := table.GetBatch(t.Context(), st, batchIDs(130))
	if !errors.Is(err, KindThrottled) || !strings.Contains(err.Error(), "130 keys of 130 are not read") {
		t.Errorf("error is %v", err)
	}
	if want := []int{1, 2, 3, 4, 5, 6, 7, 8}; !slices.Equal(st.tries, want) {
		t.Errorf("tries are %v, want %v", st.tries, want)
	}
	err = table.DeleteBatch(t.Context(), st, batchIDs(30))
	var failed *BatchError
	if !errors.Is(err, KindThrottled) || !errors.As(err, &failed) || failed.Written != 0 || len(failed.Left) != 30 {
		t.Errorf("error is %v", err)
	}

	boom := errors.New("boom")
	st.backoff = func(int) error { return boom }
	_, err = table.GetBatch(t.Context(), st, batchIDs(3))
	if !errors.Is(err, boom) || !errors.Is(err, KindUnavailable) {
		t.Errorf("error of a wait that ends early is %v", err)
	}
}

// DynamoDB throttles a batch as a whole when it has capacity for nothing of it:
// the same want as what is left over, and the same wait.
func TestBatchesThrottledAsAWhole(t *testing.T) {
	table := Define[batchRow, string]("rows")
	throttled := &Error{Kind: KindThrottled, Op: "batch", Err: errors.New("slow down")}
	refuse := 0
	written := map[string]string{}
	st := halves(written)
	batch, write := st.batch, st.write
	st.batch = func(r *BatchGetRequest) (*BatchGetResult, error) {
		if refuse--; refuse >= 0 {
			return nil, throttled
		}
		return batch(r)
	}
	st.write = func(r *BatchWriteRequest) (*BatchWriteResult, error) {
		if refuse--; refuse >= 0 {
			return nil, throttled
		}
		return write(r)
	}
	var items []batchRow
	for _, id := range batchIDs(30) {
		items = append(items, batchRow{ID: id})
	}
	refuse = 8
	if err := table.PutBatch(t.Context(), st, items); err != nil || len(written) != 30 {
		t.Errorf("%d are written (%v)", len(written), err)
	}
	if want := []int{1, 2, 3, 4, 5, 6, 7, 8, 1}; !slices.Equal(st.tries[:9], want) {
		t.Errorf("tries are %v, want %v first", st.tries, want)
	}
	refuse = 8
	if got, err := table.GetBatch(t.Context(), st, batchIDs(3)); err != nil || got[2] == nil {
		t.Errorf("read %v (%v)", got, err)
	}

	refuse, st.tries = 99, nil
	var failed *BatchError
	if err := table.PutBatch(t.Context(), st, items); !errors.As(err, &failed) || len(failed.Left) != 30 || !errors.Is(err, throttled.Err) || len(st.tries) != maxBatchTries {
		t.Errorf("error is %v after %d tries, want all left over, and why", err, len(st.tries))
	}
	refuse, st.tries = 99, nil
	if _, err := table.GetBatch(t.Context(), st, batchIDs(3)); !errors.Is(err, KindThrottled) || !errors.Is(err, throttled.Err) || len(st.tries) != maxBatchTries {
		t.Errorf("error is %v after %d tries, want why", err, len(st.tries))
	}
}

func TestPutBatch(t *testing.T) {
	table := Define[batchRow, string]("rows")
	var items []batchRow
	for _, id := range batchIDs(60) {
		items = append(items, batchRow{ID: id})
	}
	written := map[string]string{}
	st := halves(written)
	if err := table.PutBatch(t.Context(), st, items); err != nil {
		t.Fatal(err)
	}
	for _, item := range items {
		if item.A != "" {
			t.Fatal("the caller's item was given its default")
		}
		if written[item.ID] != "none" {
			t.Errorf("%s is written as %q, want once, with its default", item.ID, written[item.ID])
		}
	}
	if err := table.DeleteBatch(t.Context(), st, batchIDs(59)); err != nil || len(written) != 1 {
		t.Errorf("left are %v (%v)", written, err)
	}
	if err := table.PutBatch(t.Context(), nil, nil); err != nil {
		t.Errorf("an empty batch: %v", err)
	}
}

// A batch prepares its items as Put does: composite keys and stamps too.
func TestPutBatchCompletesItems(t *testing.T) {
	type stamped struct {
		Key    string    `dynamo:"key,hash" template:"T#{tenant}#{n:03}"`
		Tenant string    `dynamo:"tenant"`
		N      int       `dynamo:"n"`
		At     time.Time `dynamo:"at" stamp:"updated"`
	}
	table := Define[stamped, string]("stamped")
	var got []string
	st := &scripted{write: func(r *BatchWriteRequest) (*BatchWriteResult, error) {
		for _, item := range r.Puts {
			got = append(got, valueText(item["key"])+valueText(item["at"]))
		}
		return &BatchWriteResult{}, nil
	}}
	if err := table.PutBatch(t.Context(), st, []stamped{{Tenant: "a", N: 1}, {Tenant: "a", N: 20}}); err != nil {
		t.Fatal(err)
	}
	at := st.Now().UTC().Format(time.RFC3339Nano)
	if want := []string{`"T#a#001""` + at + `"`, `"T#a#020""` + at + `"`}; !slices.Equal(got, want) {
		t.Errorf("written are %v, want %v", got, want)
	}
	if err := table.PutBatch(t.Context(), st, []stamped{{Tenant: "a", N: 1}, {Tenant: "a", N: 1}}); !errors.Is(err, KindValidation) {
		t.Errorf("error of one composite key that is there twice is %v", err)
	}
	if err := table.PutBatch(t.Context(), st, []stamped{{N: 1}}); !errors.Is(err, KindValidation) {
		t.Errorf("error of a missing part is %v", err)
	}
}

func TestBatchFailsInPart(t *testing.T) {
	table := Define[batchRow, string]("rows")
	boom := &Error{Kind: KindUnavailable, Op: "batch write", Err: errors.New("boom")}
	n := 0
	st := &scripted{write: func(r *BatchWriteRequest) (*BatchWriteResult, error) {
		switch n++; n {
		case 1: // the second and the last are left over
			return &BatchWriteResult{Deletes: []Item{r.Deletes[24], r.Deletes[1]}}, nil
		case 2: // again, and 23 new ones, of which one is left over
			return &BatchWriteResult{Deletes: []Item{r.Deletes[0]}}, nil
		}
		return nil, boom
	}}
	err := table.DeleteBatch(t.Context(), st, batchIDs(60))
	var failed *BatchError
	if !errors.As(err, &failed) || !errors.Is(err, KindUnavailable) || !errors.Is(err, boom) {
		t.Fatalf("error is %v", err)
	}
	want := []int{1}
	for i := 48; i < 60; i++ {
		want = append(want, i)
	}
	if failed.Written != 47 || !slices.Equal(failed.Left, want) || failed.Keys[0] != `"id001"` || len(failed.Keys) != 13 {
		t.Errorf("%d are written, not so %v %v", failed.Written, failed.Left, failed.Keys)
	}
	if text := err.Error(); !strings.Contains(text, `delete batch rows: 47 of 60 are written, not so "id001"; "id048"`) || !strings.Contains(text, "and 3 more") {
		t.Errorf("the error says %s", text)
	}
}

// What is wrong with one item is found before the first is written.
func TestBatchRefused(t *testing.T) {
	table := Define[batchRow, string]("rows")
	unique := Define[reading2, string]("uniques")
	type counted struct {
		ID string `dynamo:"id,hash"`
		V  int    `dynamo:"v" version:"true"`
	}
	versions := Define[counted, string]("versions")
	for name, c := range map[string]struct {
		err  error
		kind Kind
		want string
	}{
		"twice":          {table.PutBatch(t.Context(), nil, []batchRow{{ID: "a"}, {ID: "b"}, {ID: "a"}}), KindValidation, "at 0 and 2"},
		"deleted twice":  {table.DeleteBatch(t.Context(), nil, []string{"a", "b", "b"}), KindValidation, "at 1 and 2"},
		"validation":     {table.PutBatch(t.Context(), nil, []batchRow{{ID: "a"}, {ID: "b", B: "long"}}), KindValidation, "item 1"},
		"key":            {table.PutBatch(t.Context(), nil, []batchRow{{}}), KindValidation, "item 0"},
		"deleted key":    {table.DeleteBatch(t.Context(), nil, []string{"a", ""}), KindValidation, "key 1"},
		"size":           {table.PutBatch(t.Context(), nil, []batchRow{{ID: "a", A: strings.Repeat("x", MaxItemSize)}}), KindTooLarge, "allowed are"},
		"unique":         {unique.PutBatch(t.Context(), nil, []reading2{{ID: "a"}}), KindValidation, "unique attribute mail"},
		"unique delete":  {unique.DeleteBatch(t.Context(), nil, []string{"a"}), KindValidation, "unique attribute mail"},
		"version":        {versions.PutBatch(t.Context(), nil, []counted{{ID: "a"}}), KindValidation, "version attribute v"},
		"version delete": {versions.DeleteBatch(t.Context(), nil, []string{"a"}), KindValidation, "version attribute v"},
	} {
		if !errors.Is(c.err, c.kind) || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one of %q that says %q", name, c.err, c.kind, c.want)
		}
	}
}

func TestTransactGetInto(t *testing.T) {
	rows := Define[batchRow, string]("rows")
	x := newReadTables(t)
	var row batchRow
	var room reading1
	st := &scripted{transact: func(g []GetRequest) ([]Item, error) {
		if len(g) != 2 || g[0].Table.Name != "rows" || g[1].Table.Name != "rooms" || !slices.Equal(g[1].Select, []string{"note", "room", "n"}) {
			t.Errorf("asked for %+v", g)
		}
		return []Item{{"id": &types.AttributeValueMemberS{Value: "a"}}, roomItem(3)}, nil
	}}
	gets := []TransactGetItem{rows.Into(&row, "a"), x.rooms.Into(&room, Key("r", 3), Projection(x.note))}
	if err := TransactGet(t.Context(), st, gets...); err != nil {
		t.Fatal(err)
	}
	if row.ID != "a" || room.N != 3 || room.Note != "note" {
		t.Errorf("read %+v and %+v", row, room)
	}

	row, room = batchRow{A: "kept"}, reading1{}
	st.transact = func([]GetRequest) ([]Item, error) { return []Item{nil, roomItem(4)}, nil }
	err := TransactGet(t.Context(), st, gets...)
	if all := Errors(err); len(all) != 1 || all[0].Kind != KindNotFound || all[0].Table != "rows" || all[0].Key != `"a"` {
		t.Errorf("error is %v", err)
	}
	if row.A != "kept" || room.N != 4 {
		t.Errorf("read %+v and %+v: the one that is there is filled, the other stays", row, room)
	}
}

func TestTransactGetAgain(t *testing.T) {
	rows := Define[batchRow, string]("rows")
	var row batchRow
	get := rows.Into(&row, "a")
	conflict := &TransactionError{Reasons: []*Error{{Kind: KindConflict, Op: "transact get"}}}
	denied := &TransactionError{Reasons: []*Error{{Kind: KindConflict}, {Kind: KindDenied}}}
	for name, c := range map[string]struct {
		fail    error
		times   int
		tries   int
		waiting error
		want    error
	}{
		"conflict once":     {conflict, 1, 1, nil, nil},
		"throttled":         {&TransactionError{Reasons: []*Error{{Kind: KindThrottled}}}, 2, 2, nil, nil},
		"conflict for good": {conflict, 99, 4, nil, KindConflict},
		"other reasons":     {denied, 99, 0, nil, KindDenied},
		"context":           {conflict, 99, 1, errors.New("over"), KindUnavailable},
	} {
		n := 0
		st := &scripted{transact: func([]GetRequest) ([]Item, error) {
			if n++; n <= c.times {
				return nil, c.fail
			}
			return []Item{{"id": &types.AttributeValueMemberS{Value: "a"}}}, nil
		}, backoff: func(int) error { return c.waiting }}
		err := TransactGet(t.Context(), st, get)
		if len(st.tries) != c.tries || c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: error is %v after waits %v", name, err, st.tries)
		}
	}
}

func TestTransactGetRefused(t *testing.T) {
	rows := Define[batchRow, string]("rows")
	var row batchRow
	a := rows.Into(&row, "a")
	many := make([]TransactGetItem, 101)
	for name, c := range map[string]struct {
		items []TransactGetItem
		kind  Kind
		want  string
	}{
		"none":     {nil, KindTooLarge, "allowed are 1 to 100"},
		"many":     {many, KindTooLarge, "allowed are 1 to 100"},
		"twice":    {[]TransactGetItem{a, rows.Into(&row, "b"), a}, KindValidation, "reads 0 and 2"},
		"empty":    {[]TransactGetItem{a, {}}, KindValidation, "read 1 is empty"},
		"nowhere":  {[]TransactGetItem{rows.Into(nil, "a")}, KindValidation, "address of a variable"},
		"key":      {[]TransactGetItem{rows.Into(&row, "")}, KindValidation, "cannot be empty"},
		"eventual": {[]TransactGetItem{rows.Into(&row, "a", Eventually())}, KindValidation, "leave orm.Eventually away"},
	} {
		if err := TransactGet(t.Context(), nil, c.items...); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one of %q that says %q", name, err, c.kind, c.want)
		}
	}
}
