package ormtest

import (
	"slices"

	"github.com/vinci-go/vinci/orm"
)

// table holds the items of one table.
type table struct {
	schema     *orm.Schema
	partitions map[string]*partition
}

// partition holds the items of one partition key in the order of the sort key.
type partition struct{ items []orm.Item }

func (p *partition) find(s *orm.Schema, key orm.Item) (int, bool) {
	if s.Sort == "" {
		return 0, len(p.items) > 0
	}
	return slices.BinarySearchFunc(p.items, key[s.Sort], func(item orm.Item, v value) int {
		return order(item[s.Sort], v)
	})
}

func (t *table) get(key orm.Item) orm.Item {
	p, ok := t.partitions[text(key[t.schema.Hash])]
	if !ok {
		return nil
	}
	i, ok := p.find(t.schema, key)
	if !ok {
		return nil
	}
	return p.items[i]
}

func (t *table) put(item orm.Item) {
	id := text(item[t.schema.Hash])
	p, ok := t.partitions[id]
	if !ok {
		p = &partition{}
		t.partitions[id] = p
	}
	i, ok := p.find(t.schema, item)
	if ok {
		p.items[i] = item
	} else {
		p.items = slices.Insert(p.items, i, item)
	}
}

func (t *table) delete(key orm.Item) {
	id := text(key[t.schema.Hash])
	p, ok := t.partitions[id]
	if !ok {
		return
	}
	if i, ok := p.find(t.schema, key); ok {
		p.items = slices.Delete(p.items, i, i+1)
	}
	if len(p.items) == 0 {
		delete(t.partitions, id)
	}
}
