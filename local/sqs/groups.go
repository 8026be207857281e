package sqs

import (
	"cmp"
	"container/heap"
	"slices"
)

// groups is a FIFO queue's order. Within a group messages are received in the
// order of their sending: one that is hidden hides all behind it. Among groups
// the one goes first whose first message has been waiting longest.
//
// AWS promises nothing about the order of groups. This one is what AWS was seen to
// do: as many messages as possible of one group, then the next.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
type groups struct {
	byID  map[string]*group
	order groupOrder
	shown []*group // room for pick
}

// group is one message group. A group without messages is nowhere.
type group struct {
	id    string
	items []*item // by sequence
	place int     // in the heap
}

func (g *group) find(it *item) (int, bool) {
	return slices.BinarySearchFunc(g.items, it.seq, func(o *item, seq uint64) int { return cmp.Compare(o.seq, seq) })
}

func (g *group) drop(i int) {
	if i == 0 { // as nearly always; the rest need not move
		g.items[0] = nil
		g.items = g.items[1:]
		return
	}
	g.items = slices.Delete(g.items, i, i+1)
}

func (s *groups) add(it *item) {
	g := it.group
	if now := s.byID[g.id]; now != nil && now != g {
		g, it.group = now, now // the group was empty in the meantime and came anew
	}
	i, _ := g.find(it)
	g.items = slices.Insert(g.items, i, it)
	if len(g.items) == 1 {
		s.byID[g.id] = g
		heap.Push(&s.order, g)
	} else if i == 0 {
		heap.Fix(&s.order, g.place)
	}
}

func (s *groups) remove(it *item) {
	g := it.group
	i, _ := g.find(it)
	g.drop(i)
	switch {
	case len(g.items) == 0:
		heap.Remove(&s.order, g.place)
		delete(s.byID, g.id)
	case i == 0:
		heap.Fix(&s.order, g.place)
	}
}

func (s *groups) moved(it *item) {
	if it.group.items[0] == it {
		heap.Fix(&s.order, it.group.place)
	}
}

func (s *groups) retimed() { heap.Init(&s.order) }

func (s *groups) pick(at int64, judge func(*item) verdict) {
	s.shown = s.shown[:0]
	for ended := false; !ended && len(s.order) > 0 && s.order[0].items[0].visible <= at; {
		g := s.order[0]
		i := 0
		for i < len(g.items) && g.items[i].visible <= at {
			v := judge(g.items[i])
			if ended = v == stop; ended {
				break
			}
			if v == goes {
				g.drop(i)
			} else {
				i++
			}
		}
		// It goes back at the end: with a time-out of 0 it would be shown again.
		heap.Remove(&s.order, 0)
		s.shown = append(s.shown, g)
	}
	for i, g := range s.shown {
		if len(g.items) > 0 {
			heap.Push(&s.order, g)
		} else {
			delete(s.byID, g.id)
		}
		s.shown[i] = nil
	}
}

func (s *groups) next() (int64, bool) {
	if len(s.order) == 0 {
		return 0, false
	}
	return s.order[0].items[0].visible, true
}

// groupOrder is a heap by the first messages' time of visibility, then by their
// sequence.
type groupOrder []*group

func (o groupOrder) Len() int { return len(o) }
func (o groupOrder) Less(i, j int) bool {
	a, b := o[i].items[0], o[j].items[0]
	if a.visible != b.visible {
		return a.visible < b.visible
	}
	return a.seq < b.seq
}
func (o groupOrder) Swap(i, j int) {
	o[i], o[j] = o[j], o[i]
	o[i].place, o[j].place = i, j
}
func (o *groupOrder) Push(x any) {
	g := x.(*group)
	g.place = len(*o)
	*o = append(*o, g)
}
func (o *groupOrder) Pop() any {
	old := *o
	g := old[len(old)-1]
	old[len(old)-1] = nil
	*o = old[:len(old)-1]
	return g
}
