package ormtest_test

import (
	"fmt"
	"testing"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

func BenchmarkMemoryPut(b *testing.B) {
	m := ormtest.New()
	for i := 0; b.Loop(); i++ {
		if err := orm.Exec(b.Context(), m, quiet.Put(note{ID: fmt.Sprint(i % 10000), Text: "text", Count: i})); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMemoryGet(b *testing.B) {
	m := ormtest.New()
	for i := range 10000 {
		if err := orm.Exec(b.Context(), m, quiet.Put(note{ID: fmt.Sprint(i), Text: "text"})); err != nil {
			b.Fatal(err)
		}
	}
	for i := 0; b.Loop(); i++ {
		if _, err := quiet.Get(b.Context(), m, fmt.Sprint(i%10000)); err != nil {
			b.Fatal(err)
		}
	}
}

// indexed is an item of a table of 10,000, in one of 100 partitions of an index.
type indexed struct {
	ID    string `dynamo:"id,hash"`
	Group string `dynamo:"group" index:"by_group,hash"`
	Rank  int    `dynamo:"rank" index:"by_group,range"`
}

var (
	indexeds       = orm.Define[indexed, string]("indexed")
	indexedByGroup = orm.IndexOf(indexeds, func(x *indexed) *string { return &x.Group }, func(x *indexed) *int { return &x.Rank })
)

func item(i int) indexed {
	return indexed{ID: fmt.Sprint(i), Group: fmt.Sprint(i % 100), Rank: i * 7919 % 10007}
}

func filled(b *testing.B) *ormtest.Memory {
	m := ormtest.New()
	for i := range 10000 {
		if err := orm.Exec(b.Context(), m, indexeds.Put(item(i))); err != nil {
			b.Fatal(err)
		}
	}
	return m
}

// BenchmarkMemoryPutIndexed moves items within an index.
func BenchmarkMemoryPutIndexed(b *testing.B) {
	m := filled(b)
	for i := 0; b.Loop(); i++ {
		x := item(i % 10000)
		x.Rank += i
		if err := orm.Exec(b.Context(), m, indexeds.Put(x)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemoryQueryIndex reads 10 items of a partition of 100.
func BenchmarkMemoryQueryIndex(b *testing.B) {
	m := filled(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		n := 0
		for _, err := range indexedByGroup.Query(fmt.Sprint(i%100)).From(1000).Limit(10).All(b.Context(), m) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 10 {
			b.Fatalf("%d items, want 10", n)
		}
	}
}

// BenchmarkMemoryScan reads a page of 100 items after a write.
func BenchmarkMemoryScan(b *testing.B) {
	m := filled(b)
	start := orm.Item(nil)
	for i := 0; b.Loop(); i++ {
		if err := orm.Exec(b.Context(), m, indexeds.Put(item(i))); err != nil {
			b.Fatal(err)
		}
		page, err := m.Scan(b.Context(), &orm.ScanRequest{Table: indexeds.Schema(), Limit: 100, Start: start})
		if err != nil {
			b.Fatal(err)
		}
		start = page.Next
	}
}
