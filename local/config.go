package local

import (
	"log/slog"
	"time"

	"github.com/vinci-go/vinci/local/chaos"
	"github.com/vinci-go/vinci/local/gateway"
)

// Config says what to run and where.
type Config struct {
	// Assembly is the folder of the cloud assembly (cdk.out). It must stay while
	// the runtime runs: functions are started from it. Empty means none: whatever
	// there is to serve is made by calls of the gateway (CreateTable, CreateQueue).
	Assembly string
	// Data is the folder of everything that is kept: tables, queues, and what calls
	// of the gateway made; it is made if it is missing. Two runtimes cannot use one
	// at a time. Empty means a temporary folder, removed by Stop. [Reset] empties it.
	Data string

	// Open lets strangers in: the gateway takes an access key id that it did not
	// issue as the owner's. Functions have issued keys, and are judged by their
	// roles all the same.
	Open bool

	// GatewayAddr and APIAddr are loopback addresses with a port, for the AWS
	// endpoint and for HTTP APIs. Empty means 127.0.0.1:0, a free port. When
	// APIAddr names a port, a second API takes the port after it, and so on.
	GatewayAddr, APIAddr string

	// DynamoDBEndpoint is the URL of a DynamoDB to use in place of the engine.
	DynamoDBEndpoint string
	// Engine is the path of dynoxide. Empty means the one in node_modules of the
	// assembly's folder, of the working folder, of this program's folder, or of the
	// folders above them.
	Engine string

	// Account and Region are what ARNs say. Empty means 000000000000, us-east-1.
	Account, Region string

	// FinestRate is how often a scheduled rule with rate(1 minute) runs, the finest
	// rate that AWS has. Zero means every second: who waits for a timer at the
	// keyboard need not wait a minute. Other schedules run as they say.
	FinestRate time.Duration

	// Chaos makes the runtime as harsh as AWS on its bad days; nil for no harsher than
	// it must be. ChaosLog is told each decision that it takes, from many goroutines;
	// nil for none.
	Chaos    *chaos.Config
	ChaosLog func(chaos.Decision)

	// Observer is told of each call that reached the gateway, from the goroutine
	// that served it; nil for none.
	Observer func(gateway.Call)

	// Polls is told of each call that Lambda makes for an event source mapping with
	// the credentials of its function's role, not over the gateway; nil for none. Its
	// Body is empty. It is called from many goroutines at once, before the call.
	Polls func(gateway.Call)

	// Logger gets what the services have to say of themselves; functions' logs do
	// not go there. Nil discards it.
	Logger *slog.Logger
	// Now reads the clock; nil means time.Now. Signatures are judged by it: one that
	// is over five minutes away from the clock by which functions and clients sign
	// makes the gateway refuse them.
	Now func() time.Time
}

// Credentials are what an AWS SDK needs to call the gateway.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	Region          string
}

// API is an HTTP API of the assembly.
type API struct {
	Name string // as the template names it
	URL  string // without a slash at its end
	// Routes are what may be called and by whom, by route.
	Routes []APIRoute
}

// APIRoute is a route of an HTTP API.
type APIRoute struct {
	Key           string   // "POST /orders"
	Authorization string   // NONE: everybody; AWS_IAM: signed requests; JWT: tokens
	Issuer        string   // of JWT: whose tokens
	Scopes        []string // of JWT: a token has one of them; none: any token
}

func (c Config) withDefaults() Config {
	if c.GatewayAddr == "" {
		c.GatewayAddr = "127.0.0.1:0"
	}
	if c.APIAddr == "" {
		c.APIAddr = "127.0.0.1:0"
	}
	if c.Account == "" {
		c.Account = gateway.DefaultAccount
	}
	if c.Region == "" {
		c.Region = gateway.DefaultRegion
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}
