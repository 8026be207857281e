package ormtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/orm"
)

// testCapacity checks what is reported where Amazon's pages say how much it is.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
func testCapacity(t *testing.T, s *raw) {
	table := docs()
	st := s.newStore(t, table)
	long := func(id string, n int) orm.Item {
		return orm.Item{"id": str(id), "body": str(strings.Repeat("x", n-len("id")-len(id)-len("body")))}
	}
	put(t, st, table, long("5000", 5000), long("4096", 4096))
	get := func(id string) orm.GetRequest {
		return orm.GetRequest{Table: &table.schema, Key: orm.Item{"id": str(id)}}
	}
	update := orm.Action{Op: orm.OpUpdate, Table: &table.schema, Key: orm.Item{"id": str("5000")}, Changes: changes(set(num("1"), "n"))}
	for _, c := range []struct {
		name        string
		call        func(ctx context.Context) error
		read, write float64
	}{
		{"get of 4 KB", func(ctx context.Context) error { r := get("4096"); _, err := st.Get(ctx, &r); return err }, 1, 0},
		{"get of 5 KB", func(ctx context.Context) error { r := get("5000"); _, err := st.Get(ctx, &r); return err }, 2, 0},
		{"eventual get", func(ctx context.Context) error {
			r := get("5000")
			r.Eventual = true
			_, err := st.Get(ctx, &r)
			return err
		}, 1, 0},
		{"get of some attributes costs the whole", func(ctx context.Context) error {
			r := get("5000")
			r.Select = []string{"id"}
			_, err := st.Get(ctx, &r)
			return err
		}, 2, 0},
		{"get of nothing", func(ctx context.Context) error { r := get("none"); _, err := st.Get(ctx, &r); return err }, 1, 0},
		{"batch get rounds each item", func(ctx context.Context) error {
			_, err := st.BatchGet(ctx, &orm.BatchGetRequest{Table: &table.schema, Keys: []orm.Item{get("5000").Key, get("4096").Key}})
			return err
		}, 3, 0},
		{"transactional get", func(ctx context.Context) error {
			_, err := st.TransactGet(ctx, []orm.GetRequest{get("5000"), get("4096")})
			return err
		}, 6, 0},
		{"query", func(ctx context.Context) error {
			_, err := st.Query(ctx, &orm.QueryRequest{Table: &table.schema, Hash: str("5000")})
			return err
		}, 2, 0},
		{"put of 1 KB", func(ctx context.Context) error {
			_, err := st.Do(ctx, orm.Action{Op: orm.OpPut, Table: &table.schema, Item: long("new", 1024)})
			return err
		}, 0, 1},
		{"put over a larger item", func(ctx context.Context) error {
			_, err := st.Do(ctx, orm.Action{Op: orm.OpPut, Table: &table.schema, Item: orm.Item{"id": str("4096")}})
			return err
		}, 0, 4},
		{"update costs the whole item", func(ctx context.Context) error { _, err := st.Do(ctx, update); return err }, 0, 5},
		{"transaction", func(ctx context.Context) error {
			return st.Transact(ctx, "", []orm.Action{update, {Op: orm.OpPut, Table: &table.schema, Item: long("another", 1500)}})
		}, 0, 14},
		{"batch write", func(ctx context.Context) error {
			_, err := st.BatchWrite(ctx, &orm.BatchWriteRequest{Table: &table.schema, Puts: []orm.Item{long("third", 1500)}, Deletes: []orm.Item{get("none").Key}})
			return err
		}, 0, 3},
		{"delete", func(ctx context.Context) error {
			_, err := st.Do(ctx, orm.Action{Op: orm.OpDelete, Table: &table.schema, Key: get("another").Key})
			return err
		}, 0, 2},
	} {
		ctx, used := orm.WithCapacity(context.Background())
		err := c.call(ctx)
		if err == nil {
			read, write := used.Total()
			err = same(fmt.Sprintf("read %v, write %v", read, write), fmt.Sprintf("read %v, write %v", c.read, c.write))
		}
		if err == nil && used.Tables()[0].Table != "docs" {
			err = fmt.Errorf("reported for table %q, want the definition's name", used.Tables()[0].Table)
		}
		s.check(t, "capacity/"+c.name, err)
	}
}

// testEveryContext: no method does anything with a context that has ended.
func testEveryContext(t *testing.T, s *raw) {
	table := docs()
	st := s.newStore(t, table)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	key := orm.Item{"id": str("a")}
	action := orm.Action{Op: orm.OpPut, Table: &table.schema, Item: key}
	for name, call := range map[string]func() error{
		"get": func() error { _, err := st.Get(ctx, &orm.GetRequest{Table: &table.schema, Key: key}); return err },
		"query": func() error {
			_, err := st.Query(ctx, &orm.QueryRequest{Table: &table.schema, Hash: str("a")})
			return err
		},
		"scan":     func() error { _, err := st.Scan(ctx, &orm.ScanRequest{Table: &table.schema}); return err },
		"do":       func() error { _, err := st.Do(ctx, action); return err },
		"transact": func() error { return st.Transact(ctx, "", []orm.Action{action}) },
		"batch get": func() error {
			_, err := st.BatchGet(ctx, &orm.BatchGetRequest{Table: &table.schema, Keys: []orm.Item{key}})
			return err
		},
		"batch write": func() error {
			_, err := st.BatchWrite(ctx, &orm.BatchWriteRequest{Table: &table.schema, Puts: []orm.Item{key}})
			return err
		},
		"transact get": func() error {
			_, err := st.TransactGet(ctx, []orm.GetRequest{{Table: &table.schema, Key: key}})
			return err
		},
	} {
		err := call()
		wrong := ofKind(err, orm.KindUnavailable)
		if wrong == nil && !errors.Is(err, context.Canceled) {
			wrong = fmt.Errorf("error %v does not say that the context was cancelled", err)
		}
		if e := orm.Errors(err); wrong == nil && e[0].Table != "docs" {
			wrong = fmt.Errorf("error %v does not name the table", err)
		}
		s.check(t, "ended context/"+name, wrong)
	}
	item, err := st.Get(context.Background(), &orm.GetRequest{Table: &table.schema, Key: key})
	must(t, err)
	s.check(t, "ended context/effect", same(itemText(item), "none"))
}

func testBackoff(t *testing.T, s *raw) {
	st := s.newStore(t, docs())
	before := time.Now()
	must(t, st.Backoff(context.Background(), 1))
	if wait := time.Since(before); wait > 5*time.Second {
		t.Errorf("the first wait took %s", wait)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	before = time.Now()
	if err := st.Backoff(ctx, 20); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want that of the context", err)
	}
	if wait := time.Since(before); wait > 5*time.Second {
		t.Errorf("a wait whose context had ended took %s", wait)
	}
	if st.Now().IsZero() {
		t.Error("the clock tells no time")
	}
}
