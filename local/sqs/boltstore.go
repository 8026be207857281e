package sqs

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/vinci-go/vinci/internal/boltfile"
)

// fileName is the queues' database in the data folder.
const fileName = "queues.db"

type boltStore struct{ db *bolt.DB }

var bucketNames = [buckets][]byte{
	[]byte("queues"), []byte("messages"), []byte("progress"), []byte("deduplication"), []byte("attempts"), []byte("tasks"), []byte("deleted"),
}

// openBolt opens the database in dir.
func openBolt(dir string) (*boltStore, error) {
	db, err := boltfile.Open(boltfile.Options{Dir: dir, Mode: 0o755, Name: fileName, Owner: "the queues'", Buckets: bucketNames[:]})
	if err != nil {
		return nil, err
	}
	return &boltStore{db: db}, nil
}

func (s *boltStore) write(ops []op) error {
	if err := boltfile.Write(s.db, ops, func(o op) (bucket, key, value []byte) { return bucketNames[o.bucket], o.key, o.value }); err != nil {
		return fmt.Errorf("writing queue data: %w", closed(err))
	}
	return nil
}

func (s *boltStore) read(b bucket, keys [][]byte, f func(int, []byte) error) error {
	return closed(s.db.View(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(bucketNames[b])
		for i, key := range keys {
			if err := f(i, bucket.Get(key)); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (s *boltStore) scan(b bucket, f func(key, value []byte) error) error {
	return s.db.View(func(tx *bolt.Tx) error { return tx.Bucket(bucketNames[b]).ForEach(f) })
}

func (s *boltStore) close() error { return s.db.Close() }

func closed(err error) error {
	if boltfile.IsClosed(err) {
		return ErrClosed
	}
	return err
}
