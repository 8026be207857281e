package sqs

import "container/heap"

// heapShelf is a standard queue's order: all messages in one heap by the time at
// which they become visible, which is in the past for those that are.
type heapShelf struct {
	order order
	shown []*item // room for pick
}

func (h *heapShelf) add(it *item)    { heap.Push(&h.order, it) }
func (h *heapShelf) remove(it *item) { heap.Remove(&h.order, it.place) }
func (h *heapShelf) moved(it *item)  { heap.Fix(&h.order, it.place) }
func (h *heapShelf) retimed()        { heap.Init(&h.order) }

func (h *heapShelf) pick(at int64, judge func(*item) verdict) {
	// What stays goes back at the end: with a time-out of 0 it would be shown again.
	h.shown = h.shown[:0]
	for len(h.order) > 0 && h.order[0].visible <= at {
		it := h.order[0]
		v := judge(it)
		if v == stop {
			break
		}
		heap.Remove(&h.order, 0)
		if v == stays {
			h.shown = append(h.shown, it)
		}
	}
	for i, it := range h.shown {
		heap.Push(&h.order, it)
		h.shown[i] = nil
	}
}

func (h *heapShelf) next() (int64, bool) {
	if len(h.order) == 0 {
		return 0, false
	}
	return h.order[0].visible, true
}

// order is a heap by time of visibility, then by sequence.
type order []*item

func (o order) Len() int { return len(o) }
func (o order) Less(i, j int) bool {
	if o[i].visible != o[j].visible {
		return o[i].visible < o[j].visible
	}
	return o[i].seq < o[j].seq
}
func (o order) Swap(i, j int) {
	o[i], o[j] = o[j], o[i]
	o[i].place, o[j].place = i, j
}
func (o *order) Push(x any) {
	it := x.(*item)
	it.place = len(*o)
	*o = append(*o, it)
}
func (o *order) Pop() any {
	old := *o
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*o = old[:len(old)-1]
	return it
}
