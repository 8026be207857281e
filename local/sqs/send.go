package sqs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Send stores a message and returns its id. When it returns, the message has
// reached the kernel: the death of the process does not lose it. A FIFO queue that
// got the message in the last 5 minutes does not get it again, and the id is the
// first one's.
func (s *Service) Send(_ context.Context, queueARN string, m Outgoing) (messageID string, err error) {
	posts := [1]post{{m: &m}}
	posts[0].q, posts[0].config, posts[0].err = s.find(queueARN)
	s.deliver(posts[:])
	return posts[0].id, posts[0].err
}

// Parcel is a message for one queue among others.
type Parcel struct {
	QueueARN string
	Outgoing
}

// SendAll stores many messages with one write, which takes hardly longer than
// for one. errs[i] is what [Service.Send] would return for parcels[i]; one that
// fails does not keep the others back.
func (s *Service) SendAll(_ context.Context, parcels []Parcel) (errs []error) {
	posts := make([]post, len(parcels))
	for i := range parcels {
		p := &posts[i]
		p.m = &parcels[i].Outgoing
		p.q, p.config, p.err = s.find(parcels[i].QueueARN)
	}
	s.deliver(posts)
	errs = make([]error, len(parcels))
	for i := range posts {
		errs[i] = posts[i].err
	}
	return errs
}

// post is a message on its way into a queue.
type post struct {
	q      *queue
	config *QueueConfig
	m      *Outgoing
	batch  bool  // an entry of a batch
	err    error // what is not nil at first is left alone

	id       string // of a duplicate: the first one's
	seq      uint64 // likewise
	it       *item  // nil for a duplicate
	dedupKey string
}

// deliver stores messages with one write. What goes wrong is in each post.
func (s *Service) deliver(posts []post) {
	defer lockFIFO(posts)()
	ops := make([]op, 0, 2*len(posts))
	for i := range posts {
		p := &posts[i]
		if p.err == nil {
			p.err = p.m.check(p.config)
		}
		if p.err == nil {
			p.err = p.m.checkSize(p.config, p.batch)
		}
		if p.err == nil {
			ops, p.err = s.prepare(p, ops)
		}
	}
	if err := s.committer.commit(ops...); err != nil {
		for i := range slices.Backward(posts) {
			p := &posts[i]
			if p.err == nil {
				p.undo()
				p.id, p.err = "", fmt.Errorf("storing a message of queue %s: %w", p.config.Name, err)
			}
		}
		return
	}
	s.index(posts)
}

// lockFIFO makes the sends of FIFO queues one after the other. The order of locks
// is the queues' numbers'.
func lockFIFO(posts []post) (unlock func()) {
	var locked []*queue
	for i := range posts {
		if q := posts[i].q; q != nil && q.fifo && !slices.Contains(locked, q) {
			locked = append(locked, q)
		}
	}
	slices.SortFunc(locked, func(a, b *queue) int { return cmp.Compare(a.id, b.id) })
	for _, q := range locked {
		q.sending.Lock()
	}
	return func() {
		for _, q := range locked {
			q.sending.Unlock()
		}
	}
}

// prepare adds the writes of a message that was checked.
func (s *Service) prepare(p *post, ops []op) ([]op, error) {
	m, now := p.m, s.opts.Now()
	dedup := m.DeduplicationID
	if p.q.fifo {
		if dedup == "" {
			dedup = contentID(m.Body)
		}
		ops = append(ops, p.q.dedup.expire(p.q.id, now.UnixNano())...)
		p.dedupKey = dedupKey(p.config, m.GroupID, dedup)
		if e, ok := p.q.dedup.lookup(p.dedupKey, now.UnixNano()); ok {
			p.id, p.seq = e.id, e.seq
			return ops, nil
		}
	}
	var err error
	if p.id, err = s.newMessageID(); err != nil {
		return ops, err
	}
	sender := m.SenderID
	if sender == "" {
		sender = s.opts.Account
	}
	delay := p.config.Delay
	if m.Delay != nil && !p.q.fifo {
		delay = *m.Delay
	}
	r := record{sent: now.UnixMilli(), id: p.id, body: m.Body, bodyMD5: digest(m.Body), sender: sender,
		trace: m.TraceHeader, group: m.GroupID, dedup: dedup, attributes: m.Attributes}
	p.seq = s.sequence.Add(1)
	p.it = &item{seq: p.seq, sent: r.sent, progress: progress{visible: now.Add(delay).UnixNano()}}
	key := messageKey(p.q.id, p.seq)
	ops = append(ops, op{bucket: messagesBucket, key: key, value: r.encode()})
	switch {
	case p.q.fifo:
		// Its delay follows from the queue's and is not stored. See configure.
		p.it.group = &group{id: m.GroupID}
		p.it.visible = fifoVisible(p.it, p.config)
		e := dedupEntry{until: now.UnixNano() + int64(dedupInterval), seq: p.seq, id: p.id}
		p.q.dedup.put(p.dedupKey, e)
		ops = append(ops, op{bucket: dedupBucket, key: namedKey(p.q.id, p.dedupKey), value: e.encode()})
	case delay > 0:
		ops = append(ops, op{bucket: progressBucket, key: key, value: p.it.progress.encode()})
	}
	return ops, nil
}

// undo forgets what prepare remembered.
func (p *post) undo() {
	if p.q.fifo && p.it != nil {
		p.q.dedup.take(p.dedupKey)
	}
}

// index makes stored messages known: all of a queue's at once, so that who waits
// there gets them together. It deletes those whose queue was removed meanwhile.
func (s *Service) index(posts []post) {
	var late []op
	for i := range posts {
		q := posts[i].q
		if posts[i].err != nil || i > 0 && slices.ContainsFunc(posts[:i], func(p post) bool { return p.err == nil && p.q == q }) {
			continue // its messages are known already
		}
		q.mu.Lock()
		active := q.active.Load()
		for j := i; j < len(posts); j++ {
			p := &posts[j]
			switch {
			case p.q != q || p.err != nil || p.it == nil:
			case active:
				q.add(p.it)
			default:
				p.err = errNoQueue()
				late = append(late, deletion(q.id, p.seq)...)
				if q.fifo {
					late = append(late, op{bucket: dedupBucket, key: namedKey(q.id, p.dedupKey)})
				}
			}
		}
		q.wake()
		q.mu.Unlock()
	}
	if err := s.committer.commit(late...); err != nil {
		s.opts.Logger.Error("messages of a removed queue could not be deleted", "error", err)
	}
}
