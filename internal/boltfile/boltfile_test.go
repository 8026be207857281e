package boltfile_test

import (
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/vinci-go/vinci/internal/boltfile"
)

func TestFile(t *testing.T) {
	bucket := []byte("things")
	o := boltfile.Options{Dir: t.TempDir() + "/below", Mode: 0o755, Name: "things.db", Owner: "the things'", Buckets: [][]byte{bucket}}
	db, err := boltfile.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := boltfile.Open(o); err == nil || !strings.Contains(err.Error(), "another process has it open") {
		t.Errorf("opened twice: %v", err)
	}
	write := func(pairs ...[2]string) error {
		return boltfile.Write(db, pairs, func(p [2]string) (b, key, value []byte) {
			if p[1] != "" {
				value = []byte(p[1])
			}
			return bucket, []byte(p[0]), value
		})
	}
	if err := write([2]string{"a", "1"}, [2]string{"b", "2"}, [2]string{"a", ""}); err != nil {
		t.Fatal(err)
	}
	if err := write([2]string{"c", "3"}, [2]string{"", "an empty key is refused"}); err == nil || boltfile.IsClosed(err) {
		t.Errorf("an empty key: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := write([2]string{"d", "4"}); !boltfile.IsClosed(err) {
		t.Errorf("a write after the end: %v", err)
	}
	if db, err = boltfile.Open(o); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	got := ""
	err = db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(k, v []byte) error { got += string(k) + string(v) + " "; return nil })
	})
	if err != nil || got != "b2 " { // the deleted one is gone, and a transaction that failed wrote nothing
		t.Errorf("it holds %q, %v", got, err)
	}
}
