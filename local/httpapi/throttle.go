package httpapi

import (
	"sync"
	"time"
)

// Throttle bounds how many requests a route takes, of all clients together: a bucket
// of Burst tokens into which Rate come back each second. A request takes one, and gets
// 429 when there is none. Zero takes nothing at all, as on AWS.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
type Throttle struct {
	Rate  float64
	Burst int
}

// bucket is the bucket of one route.
type bucket struct {
	of  Throttle
	now func() time.Time

	mu     sync.Mutex
	tokens float64
	at     time.Time // when tokens was right
}

func newBucket(t Throttle, now func() time.Time) *bucket {
	return &bucket{of: t, now: now, tokens: float64(t.Burst), at: now()}
}

// take takes a token, and reports whether there was one.
func (b *bucket) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if since := now.Sub(b.at); since > 0 { // a clock that was set back refills nothing
		b.tokens = min(float64(b.of.Burst), b.tokens+since.Seconds()*b.of.Rate)
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
