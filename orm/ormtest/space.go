package ormtest

import (
	"cmp"
	"slices"

	"github.com/vinci-go/vinci/orm"
)

// space holds items by partition key, those of one partition in order: a table,
// or one of its indexes.
type space struct {
	hash       string   // the partition key's attribute
	by         []string // the attributes that order a partition; none: it has one item
	partitions map[string]*partition

	// The partitions in the order of their places, for scans. Those that came and
	// went since the last scan are worked in with the next one, so that writes do
	// not pay for an order that nobody asks for.
	order []*partition
	fresh []*partition
	gone  bool
}

// partition holds the items of one partition key.
type partition struct {
	id    string // the text of the partition key
	place uint64 // where a scan finds it
	items []orm.Item
}

func newSpace(hash string, by ...string) *space {
	by = slices.DeleteFunc(by, func(name string) bool { return name == "" })
	return &space{hash: hash, by: by, partitions: map[string]*partition{}}
}

// compare orders items, or keys, of one partition.
func (s *space) compare(a, b orm.Item) int {
	for _, name := range s.by {
		if o := order(a[name], b[name]); o != 0 {
			return o
		}
	}
	return 0
}

// find is the place of a key in its partition, and whether an item is there.
func (s *space) find(p *partition, key orm.Item) (int, bool) {
	if last := len(p.items) - 1; last >= 0 && s.compare(p.items[last], key) < 0 {
		return last + 1, false // items often come in order
	}
	return slices.BinarySearchFunc(p.items, key, s.compare)
}

func (s *space) get(key orm.Item) orm.Item {
	p, ok := s.partitions[text(key[s.hash])]
	if !ok {
		return nil
	}
	i, ok := s.find(p, key)
	if !ok {
		return nil
	}
	return p.items[i]
}

func (s *space) put(item orm.Item) {
	id := text(item[s.hash])
	p, ok := s.partitions[id]
	if !ok {
		p = &partition{id: id, place: place(id)}
		s.partitions[id] = p
		s.fresh = append(s.fresh, p)
	}
	i, ok := s.find(p, item)
	if ok {
		p.items[i] = item
	} else {
		p.items = slices.Insert(p.items, i, item)
	}
}

func (s *space) delete(key orm.Item) {
	id := text(key[s.hash])
	p, ok := s.partitions[id]
	if !ok {
		return
	}
	if i, ok := s.find(p, key); ok {
		p.items = slices.Delete(p.items, i, i+1)
	}
	if len(p.items) == 0 {
		delete(s.partitions, id)
		s.gone = true
	}
}

// scan returns the partitions in the order of their places. It is valid until
// the next write.
func (s *space) scan() []*partition {
	if s.gone { // an empty partition is no longer in the map, and never filled again
		empty := func(p *partition) bool { return len(p.items) == 0 }
		s.order, s.fresh = slices.DeleteFunc(s.order, empty), slices.DeleteFunc(s.fresh, empty)
		s.gone = false
	}
	if len(s.fresh) > 0 {
		slices.SortFunc(s.fresh, (*partition).compare)
		s.order = merge(s.order, s.fresh)
		s.fresh = nil
	}
	return s.order
}

func (p *partition) compare(q *partition) int {
	return cmp.Or(cmp.Compare(p.place, q.place), cmp.Compare(p.id, q.id))
}

// merge joins two sorted lists.
func merge(a, b []*partition) []*partition {
	if len(a) == 0 {
		return b
	}
	out := make([]*partition, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].compare(b[0]) < 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// place spreads partition keys over all numbers, the same in each run: FNV-1a,
// then mixed so that keys which differ in their end differ in all bits.
func place(id string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
