package ormtest

import (
	"context"
	"errors"
	"math/bits"
	"sort"

	"github.com/vinci-go/vinci/orm"
)

// Scan implements [orm.Reader]. Items come in the order of a hash of their
// partition key, which is the same in each run, those of one partition in the
// order of the sort key. A segment is a range of hashes.
func (m *Memory) Scan(ctx context.Context, r *orm.ScanRequest) (*orm.Page, error) {
	var page *orm.Page
	err := m.call(ctx, Call{Op: "scan", Scan: r}, func() error {
		if err := orm.CheckScan(r); err != nil {
			return err
		}
		v := viewOf(r.Table, r.Index)
		if err := v.checkScan(r); err != nil {
			return &orm.Error{Kind: orm.KindValidation, Op: "scan", Table: r.Table.Name, Err: err}
		}
		page = m.scan(ctx, v, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

func (m *Memory) scan(ctx context.Context, v view, r *orm.ScanRequest) *orm.Page {
	s := v.space(m.table(r.Table))
	p := pager{view: v, filter: r.Filter, names: r.Select, count: r.Count, limit: int(r.Limit)}
	partitions := s.scan()
	if r.Segments > 1 {
		partitions = partitions[sort.Search(len(partitions), func(i int) bool { return segment(partitions[i].place, r.Segments) >= r.Segment }):]
		partitions = partitions[:sort.Search(len(partitions), func(i int) bool { return segment(partitions[i].place, r.Segments) > r.Segment })]
	}
	skip := 0
	if r.Start != nil {
		start := startOf(r.Start[v.hash])
		partitions = partitions[sort.Search(len(partitions), func(i int) bool { return partitions[i].compare(start) >= 0 }):]
		if len(partitions) > 0 && partitions[0].id == start.id {
			items := partitions[0].items
			skip = sort.Search(len(items), func(i int) bool { return s.compare(items[i], r.Start) > 0 })
		}
	}
	for _, in := range partitions {
		for _, item := range in.items[skip:] {
			if !p.take(item) {
				return p.done(ctx, r.Eventual)
			}
		}
		skip = 0
	}
	return p.done(ctx, r.Eventual)
}

func startOf(hash value) *partition {
	id := text(hash)
	return &partition{id: id, place: place(id)}
}

// segment says in which of n equal parts a place is.
func segment(place uint64, n int32) int32 {
	part, _ := bits.Mul64(place, uint64(n))
	return int32(part)
}

func (v view) checkScan(r *orm.ScanRequest) error {
	if err := v.checkStart(r.Start); err != nil {
		return err
	}
	if r.Start != nil && r.Segments > 1 && segment(startOf(r.Start[v.hash]).place, r.Segments) != r.Segment {
		return errors.New("the start is in another segment than the scan")
	}
	return checkCond(r.Filter)
}
