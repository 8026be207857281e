package chaos

import "time"

// thirdFor is how long a message that was received for the third time spares its
// function. By then it is deleted or in a dead-letter queue, and nobody tells of the
// latter.
const thirdFor = 15 * time.Minute

// inHand notes what a mapping gives its function. A message that comes for the
// third time may have met two deaths: a queue gives a message up after some receives,
// so who has it is spared.
func (p *Plan) inHand(queueARN string, d delivery) {
	if d.count <= bearable {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.third[queueARN] == nil {
		p.third[queueARN] = map[string]time.Time{}
	}
	p.third[queueARN][d.id] = time.Now()
}

// outOfHand notes that a message is deleted.
func (p *Plan) outOfHand(queueARN string, d delivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.third[queueARN], d.id)
}

// spared reports whether a function must not be killed now; "" is any function.
func (p *Plan) spared(function string) bool {
	if p.config.Kill == 1 {
		return false
	}
	queues := p.opts.Queues(function)
	p.mu.Lock()
	defer p.mu.Unlock()
	if function == "" {
		queues = nil
		for q := range p.third {
			queues = append(queues, q)
		}
	}
	for _, q := range queues {
		for id, since := range p.third[q] {
			if time.Since(since) < thirdFor {
				return true
			}
			delete(p.third[q], id)
		}
	}
	return false
}
