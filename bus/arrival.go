package bus

import (
	"sync"

	"github.com/aws/aws-lambda-go/events"
)

// arrival is a message in the hands of a consumer. It is settled when each of its
// deliveries is.
type arrival struct {
	message *events.SQSMessage
	first   *delivery

	hiding chan struct{} // one place, for whoever changes the message's visibility; nil without a heartbeat
	done   bool          // nobody may change it any more
	again  bool          // the message must come again

	mu      sync.Mutex
	results []result // by the place of the delivery
	open    int      // of these, those that are not there yet
}

// settle takes the result of one delivery. The last one makes that of the message:
// it comes again when one of its deliveries must. When that is, the first of these
// says: what the current generation needs must not wait for one that is being made.
func (a *arrival) settle(place int, r result) (all result, settled bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.results[place] = r
	if a.open--; a.open > 0 {
		return result{}, false
	}
	for _, r := range a.results {
		if r.again {
			return r, true
		}
	}
	return a.results[0], true
}
