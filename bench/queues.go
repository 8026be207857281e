package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// queueMessages is how many messages each measurement of the queues moves.
const queueMessages = 4000

// queueService measures SQS of the local runtime beside fauxqs: each in a process
// of its own, the same client program for both, message after message through
// send, receive and delete. Ours writes every message to its data folder before it
// answers; fauxqs does so only when it is told to, so it is measured both ways.
func queueService(ctx context.Context, o options, w io.Writer) error {
	data, err := os.MkdirTemp("", "vinci-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	emulators := []struct {
		name  string
		start func(context.Context) (*peer, error)
	}{
		{"Vinci, on disk", func(ctx context.Context) (*peer, error) { return startVinci(ctx, o.dir, filepath.Join(data, "vinci")) }},
		{"fauxqs, in memory", func(ctx context.Context) (*peer, error) { return startFauxqs(ctx, o.dir, "") }},
		{"fauxqs, on disk", func(ctx context.Context) (*peer, error) {
			return startFauxqs(ctx, o.dir, filepath.Join(data, "fauxqs"))
		}},
	}
	fmt.Fprintf(w, "| SQS, %d messages of 1 KB | clients | requests/s | ratio | send p50 / p99 | receive p50 / p99 | delete p50 / p99 |\n|---|---|---|---|---|---|---|\n", queueMessages)
	for _, clients := range []int{1, 8} {
		ours := 0.0
		for _, e := range emulators {
			m, err := measureQueue(ctx, e.start, clients)
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			if ours == 0 {
				ours = m.rate
			}
			fmt.Fprintf(w, "| %s | %d | %.0f | %.2f | %s | %s | %s |\n", e.name, clients, m.rate, ours/m.rate, span(m.send), span(m.receive), span(m.remove))
		}
	}
	_, err = fmt.Fprint(w, "\nThe ratio is ours to theirs: more than 1 is faster.\n\n")
	return err
}

// queueFigures are what one measurement gave.
type queueFigures struct {
	rate                  float64 // requests a second, all kinds together
	send, receive, remove []time.Duration
}

func span(samples []time.Duration) string {
	return fmt.Sprintf("%s / %s", percentile(samples, 0.5).Round(10*time.Microsecond), percentile(samples, 0.99).Round(10*time.Microsecond))
}

func measureQueue(ctx context.Context, start func(context.Context) (*peer, error), clients int) (m queueFigures, err error) {
	p, err := start(ctx)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	client, queue, err := p.queue(ctx)
	if err != nil {
		return m, err
	}
	// What is not measured: connections, the first compilation of hot code.
	if _, err := moveMessages(ctx, client, queue, queueMessages/8, clients); err != nil {
		return m, err
	}
	return moveMessages(ctx, client, queue, queueMessages, clients)
}

// loadQueue moves messages for the sake of the load.
func loadQueue(ctx context.Context, p *peer) error {
	client, queue, err := p.queue(ctx)
	if err != nil {
		return err
	}
	_, err = moveMessages(ctx, client, queue, queueMessages, 8)
	return err
}

// queue makes a queue there.
func (p *peer) queue(ctx context.Context) (*sqs.Client, string, error) {
	client := sqs.NewFromConfig(p.aws())
	made, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("bench")})
	if err != nil {
		return nil, "", err
	}
	return client, *made.QueueUrl, nil
}

// moveMessages sends, receives and deletes n messages from several goroutines.
func moveMessages(ctx context.Context, client *sqs.Client, queue string, n, clients int) (queueFigures, error) {
	body := aws.String(string(make1KB()))
	results := make([]queueFigures, clients)
	errs := make([]error, clients)
	began := time.Now()
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for range n / clients {
				if errs[c] = results[c].move(ctx, client, queue, body); errs[c] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	var all queueFigures
	for _, r := range results {
		all.send = append(all.send, r.send...)
		all.receive = append(all.receive, r.receive...)
		all.remove = append(all.remove, r.remove...)
	}
	all.rate = float64(len(all.send)+len(all.receive)+len(all.remove)) / took.Seconds()
	return all, errors.Join(errs...)
}

func make1KB() []byte {
	b := make([]byte, 1024)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return b
}

// move takes one message through the queue. Clients share the queue: the message
// that comes back may be another's.
func (f *queueFigures) move(ctx context.Context, client *sqs.Client, queue string, body *string) error {
	start := time.Now()
	if _, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: body}); err != nil {
		return err
	}
	f.send = append(f.send, time.Since(start))
	for {
		start = time.Now()
		got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queue, WaitTimeSeconds: 1})
		if err != nil {
			return err
		}
		if len(got.Messages) == 0 {
			continue // every client has sent one that it may have, so it comes
		}
		f.receive = append(f.receive, time.Since(start))
		start = time.Now()
		if _, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: got.Messages[0].ReceiptHandle}); err != nil {
			return err
		}
		f.remove = append(f.remove, time.Since(start))
		return nil
	}
}
