package sqs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/local/sqs"
)

// latencies are reported as percentiles.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) time(f func() error) error {
	start := time.Now()
	err := f()
	d := time.Since(start)
	l.mu.Lock()
	l.all = append(l.all, d)
	l.mu.Unlock()
	return err
}

func (l *latencies) report(b *testing.B, name string) {
	slices.Sort(l.all)
	at := func(p float64) float64 { return float64(l.all[int(p*float64(len(l.all)-1))].Nanoseconds()) / 1000 }
	b.ReportMetric(at(0.5), name+"-p50-µs")
	b.ReportMetric(at(0.99), name+"-p99-µs")
}

// cycles runs send, receive, delete from several callers at once; each is one
// request of the figure requests/s.
func cycles(b *testing.B, callers int, send, receiveAndDelete func(context.Context, [3]*latencies) error) {
	var l [3]*latencies
	for i := range l {
		l[i] = &latencies{}
	}
	ctx := context.Background()
	start := time.Now()
	var wait sync.WaitGroup
	work := make(chan struct{}, b.N)
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	for range callers {
		wait.Go(func() {
			for range work {
				if err := send(ctx, l); err != nil {
					b.Error(err)
					return
				}
				if err := receiveAndDelete(ctx, l); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	b.ReportMetric(3*float64(b.N)/time.Since(start).Seconds(), "requests/s")
	l[0].report(b, "send")
	l[1].report(b, "receive")
	l[2].report(b, "delete")
}

func BenchmarkInProcess(b *testing.B) {
	for name, callers := range map[string]int{"callers=1": 1, "callers=16": 16} {
		b.Run(name, func(b *testing.B) {
			s := open(b, sqs.Options{Dir: b.TempDir()}, sqs.DefaultQueue("q"))
			body, arn := strings.Repeat("x", 1024), prefix+"q"
			b.ResetTimer()
			cycles(b, callers, func(ctx context.Context, l [3]*latencies) error {
				return l[0].time(func() error {
					_, err := s.Send(ctx, arn, sqs.Outgoing{Body: body})
					return err
				})
			}, func(ctx context.Context, l [3]*latencies) error {
				var m []sqs.Message
				err := l[1].time(func() (err error) {
					m, err = s.Receive(ctx, arn, sqs.ReceiveOptions{Wait: ptr(time.Second)})
					return err
				})
				if err != nil || len(m) == 0 {
					return err
				}
				return l[2].time(func() error { return s.Delete(ctx, arn, m[0].ReceiptHandle) })
			})
		})
	}
}

// BenchmarkSendReceiveDelete is what a user's program sees: the SDK's client, HTTP,
// the gateway with its look at who calls, and a store on the disk. The client
// shares the processors with the service.
func BenchmarkSendReceiveDelete(b *testing.B) {
	for _, queue := range []string{"q", "q.fifo"} {
		for _, callers := range []int{1, 16} {
			b.Run(fmt.Sprintf("queue=%s/callers=%d", queue, callers), func(b *testing.B) {
				config := sqs.DefaultQueue(queue)
				config.VisibilityTimeout = time.Hour
				_, c, _, url := serve(b, config)
				body, q := strings.Repeat("x", 1024), aws.String(url+"/"+account+"/"+queue)
				var sequence atomic.Int64
				b.ResetTimer()
				cycles(b, callers, func(ctx context.Context, l [3]*latencies) error {
					in := &awssqs.SendMessageInput{QueueUrl: q, MessageBody: &body}
					if config.FIFO {
						n := sequence.Add(1)
						in.MessageDeduplicationId, in.MessageGroupId = aws.String(fmt.Sprint(n)), aws.String(fmt.Sprint(n%100))
					}
					return l[0].time(func() error {
						_, err := c.SendMessage(ctx, in)
						return err
					})
				}, func(ctx context.Context, l [3]*latencies) error {
					var m *awssqs.ReceiveMessageOutput
					err := l[1].time(func() (err error) {
						m, err = c.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: q, WaitTimeSeconds: 1})
						return err
					})
					if err != nil || len(m.Messages) == 0 {
						return err
					}
					return l[2].time(func() error {
						_, err := c.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: q, ReceiptHandle: m.Messages[0].ReceiptHandle})
						return err
					})
				})
			})
		}
	}
}

// BenchmarkServe is the service's own part of it: from a request's body to the
// answer's, without a gateway and with a store on the disk.
func BenchmarkServe(b *testing.B) {
	s := open(b, sqs.Options{Dir: b.TempDir()}, sqs.DefaultQueue("q"))
	send := `{"QueueUrl":"http://localhost/000000000000/q","MessageBody":"` + strings.Repeat("x", 1024) + `"}`
	var m struct {
		Messages []struct{ ReceiptHandle string }
	}
	b.ReportAllocs()
	for b.Loop() {
		call(b, s, "SendMessage", send)
		got := call(b, s, "ReceiveMessage", `{"QueueUrl":"http://localhost/000000000000/q"}`)
		if err := json.Unmarshal([]byte(got), &m); err != nil {
			b.Fatal(err)
		}
		call(b, s, "DeleteMessage", `{"QueueUrl":"http://localhost/000000000000/q","ReceiptHandle":"`+m.Messages[0].ReceiptHandle+`"}`)
	}
}

// How long a start takes with many messages stored.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s, err := sqs.New(sqs.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Apply([]sqs.QueueConfig{sqs.DefaultQueue("q")}); err != nil {
		b.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			for range 10_000 / 16 {
				send(b, s, "q", sqs.Outgoing{Body: strings.Repeat("x", 1024)})
			}
		})
	}
	wait.Wait()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := sqs.New(sqs.Options{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
