package eventbridge_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	awsevents "github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/sqs"
)

const (
	functionPrefix = "arn:aws:lambda:us-east-1:000000000000:function:"
	busPrefix      = "arn:aws:events:us-east-1:000000000000:event-bus/"
	archivePrefix  = "arn:aws:events:us-east-1:000000000000:archive/"
	forwarder      = "arn:aws:iam::000000000000:role/forward"
)

// functions are Lambda functions that keep what they are called with.
type functions struct {
	mu       sync.Mutex
	policies map[string]*iam.Document // by ARN
	calls    []string                 // name and payload
	errs     []error                  // of the next calls
}

func (f *functions) InvokeAsync(_ context.Context, arn string, payload []byte) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.errs) > 0 {
		err := f.errs[0]
		if f.errs = f.errs[1:]; err != nil {
			return "", err
		}
	}
	f.calls = append(f.calls, arn[len(functionPrefix):]+" "+string(payload))
	return "request", nil
}

func (f *functions) ResourcePolicy(arn string) *iam.Document { return f.policies[arn] }

// Exists: a function with the name "gone" is not there.
func (f *functions) Exists(arn string) bool { return arn != functionPrefix+"gone" }

func (f *functions) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// allow lets the rules of an ARN pattern call a function.
func (f *functions) allow(t testing.TB, name, source string) *functions {
	t.Helper()
	d, err := iam.ParseResource(fmt.Appendf(nil, `{"Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"lambda:InvokeFunction",
		"Resource":%q,"Condition":{"ArnLike":{"aws:SourceArn":%q}}}}`, functionPrefix+name, source))
	if err != nil {
		t.Fatal(err)
	}
	if f.policies == nil {
		f.policies = map[string]*iam.Document{}
	}
	f.policies[functionPrefix+name] = &d
	return f
}

// place is a service behind a gateway, with an SDK's client of the owner.
type place struct {
	*awsevents.Client
	service   *eventbridge.Service
	queues    *sqs.Service
	functions *functions
	keys      *gateway.Credentials
	url       string
}

// newPlace serves queues to which every rule may send. Options.Queues and
// Options.Functions are made when they are missing.
func newPlace(t testing.TB, o eventbridge.Options, names ...string) *place {
	t.Helper()
	p := &place{functions: &functions{}}
	if q, ok := o.Queues.(*sqs.Service); ok {
		p.queues = q
	} else {
		p.queues = openQueues(t, freeQueues(t, names...)...)
		if o.Queues == nil {
			o.Queues = p.queues
		}
	}
	if f, ok := o.Functions.(*functions); ok {
		p.functions = f
	}
	o.Functions = p.functions
	var err error
	if p.service, err = eventbridge.Open(o); err != nil {
		t.Fatal(err)
	}
	if err := p.service.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.service.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	p.keys = gateway.NewCredentials(gateway.CredentialsOptions{})
	server := httptest.NewServer(gateway.New(gateway.Options{Services: []gateway.Service{p.service}, Credentials: p.keys}))
	t.Cleanup(server.Close)
	p.url = server.URL
	p.Client = client(p.url, p.keys.Owner())
	return p
}

// freeQueues are queues to which every rule may send.
func freeQueues(t testing.TB, names ...string) []sqs.QueueConfig {
	t.Helper()
	var all []sqs.QueueConfig
	for _, name := range names {
		c := queueFor(t, name)
		d, err := iam.ParseResource(fmt.Appendf(nil, `{"Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":%q}}`, queuePrefix+name))
		if err != nil {
			t.Fatal(err)
		}
		c.Policy = &d
		all = append(all, c)
	}
	return all
}

// bodies are the messages of a queue.
func (p *place) bodies(t testing.TB, queue string) []string {
	t.Helper()
	var all []string
	for _, m := range receive(t, p.queues, queue) {
		all = append(all, m.Body)
	}
	return all
}
