package ormtest

import (
	"context"

	"github.com/vinci-go/vinci/orm"
)

// pageBytes is where DynamoDB ends a page.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
const pageBytes = 1 << 20

// pager fills a page with the items that it is given in order.
type pager struct {
	orm.Page
	view    view
	filter  *orm.Cond
	names   []string
	count   bool
	limit   int
	size    int // of the entries that were looked at
	fetched int // bytes that a local index fetched from its table, each item rounded up
	last    orm.Item
}

// take looks at an item. It returns false when the page is full, and the item is
// for the next one.
func (p *pager) take(item orm.Item) bool {
	if p.last != nil && (p.limit > 0 && p.Scanned == p.limit || p.size > pageBytes) {
		p.Next = cloneItem(p.view.keyOf(p.last))
		return false
	}
	p.last = item
	p.Scanned++
	entry := p.view.entry(item) // the filter sees no more than the index holds
	p.size += orm.ItemSize(entry)
	if p.filter != nil && !holds(p.filter, entry) {
		return true
	}
	p.Page.Count++
	if p.count {
		return true
	}
	p.Items = append(p.Items, cloneItem(p.selected(item, entry)))
	return true
}

// selected is what is returned of an item.
func (p *pager) selected(item, entry orm.Item) orm.Item {
	if len(p.names) == 0 {
		return entry
	}
	out := pick(item, p.names)
	for name := range out {
		if _, ok := entry[name]; !ok { // of a local index only: it fetches from the table
			p.fetched += (orm.ItemSize(item) + readBytes - 1) / readBytes * readBytes
			break
		}
	}
	return out
}

// done ends the page.
func (p *pager) done(ctx context.Context, isEventual bool) *orm.Page {
	// DynamoDB does not look further than the limit: a full page has a
	// continuation even when nothing comes after it.
	if p.Next == nil && p.last != nil && p.limit > 0 && p.Scanned == p.limit {
		p.Next = cloneItem(p.view.keyOf(p.last))
	}
	if orm.CollectsCapacity(ctx) {
		r := consistency(isEventual || p.view.global())
		used := orm.TableCapacity{Table: p.view.schema.Name, Read: r.units(p.size, readBytes)}
		if p.view.index != nil {
			used.Index = p.view.index.Name
		}
		orm.AddCapacity(ctx, used)
		if p.fetched > 0 {
			orm.AddCapacity(ctx, orm.TableCapacity{Table: p.view.schema.Name, Read: r.units(p.fetched, readBytes)})
		}
	}
	return &p.Page
}
