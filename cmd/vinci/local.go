package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/local"
	"github.com/vinci-go/vinci/local/gateway"
)

const (
	// localPort is the port that emulators of AWS have by custom, so that what was
	// set up for another finds this one.
	localPort = 4566
	// localAPIPort is the first port of HTTP APIs, as vinci dev has it.
	localAPIPort = 8080
)

// anyKey is what vinci local tells people to sign with: it takes any key that it
// has not issued as theirs.
const anyKey = "local"

// localData is where vinci local keeps state unless it is told another place.
var localData = filepath.Join(".vinci", "local")

type localOptions struct {
	assembly string
	data     string
	host     string
	port     int
	apiPort  int
	region   string
	account  string
	dynamodb string
	engine   string
	logLevel string
	asJSON   bool
	chaos    chaosFlags

	withParent bool
}

func newLocal() *cobra.Command {
	var o localOptions
	cmd := &cobra.Command{
		Use:   "local",
		Short: "Serve AWS's protocols on this machine, with or without an assembly",
		Long: `Serves DynamoDB with streams, SQS, EventBridge, Lambda and STS on one port of this
machine, to any SDK and to the aws CLI, with any credentials. Tables, queues, buses,
rules, functions and mappings are made by calls, or by the cloud assembly that
--assembly names (vinci dev makes one, follows its sources, and is else the same).

State is kept in --data (.vinci/local in the working folder) and is there again after
the next start, however this one ended; vinci local reset deletes it. With --data ''
nothing is kept.

It prints what to export. Ctrl-C stops it when the functions have finished what they
have, a second Ctrl-C at once.`,
		Example: `  vinci local
  vinci local --port 0 --data '' --json
  vinci local --assembly cdk.out`,
		Args: noSubcommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if o.withParent {
				ctx = untilOrphaned(ctx)
			}
			return serveLocal(ctx, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.assembly, "assembly", "", "`FOLDER` of a cloud assembly to serve (cdk.out)")
	f.StringVar(&o.data, "data", localData, "`FOLDER` where state is kept; '' keeps none")
	f.StringVar(&o.host, "host", "127.0.0.1", "loopback `ADDRESS` to listen on")
	f.IntVar(&o.port, "port", localPort, "port of the AWS endpoint; 0 takes a free one")
	f.IntVar(&o.apiPort, "api-port", localAPIPort, "port of the assembly's HTTP API, and of more the ports after it; 0 takes free ones")
	f.StringVar(&o.region, "region", gateway.DefaultRegion, "region in ARNs")
	f.StringVar(&o.account, "account", gateway.DefaultAccount, "account in ARNs, 12 digits")
	f.StringVar(&o.dynamodb, "dynamodb", "", "`URL` of a DynamoDB endpoint to use in place of the built-in engine")
	f.StringVar(&o.engine, "engine", "", "`PROGRAM` of the DynamoDB engine (default the one that npm installed near here)")
	f.StringVar(&o.logLevel, "log-level", "warn", "what the services say of themselves: debug, info, warn or error")
	o.chaos.flags(f)
	f.BoolVar(&o.asJSON, "json", false, "print one line of JSON when it serves, and functions' logs on standard error")
	f.BoolVar(&o.withParent, "with-parent", false, "stop when the process that started this one ends, however it ends")
	cmd.AddCommand(newLocalReset())
	return cmd
}

// config checks the options and says what to run.
func (o localOptions) config(stderr io.Writer) (local.Config, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return local.Config{}, fmt.Errorf("--log-level %q: allowed are debug, info, warn and error", o.logLevel)
	}
	for _, p := range []struct {
		flag string
		port int
	}{{"--port", o.port}, {"--api-port", o.apiPort}} {
		if p.port < 0 || p.port > 65535 {
			return local.Config{}, fmt.Errorf("%s %d: allowed are 1 to 65535, and 0 for a free one", p.flag, p.port)
		}
	}
	if _, err := strconv.ParseUint(o.account, 10, 64); err != nil || len(o.account) != 12 {
		return local.Config{}, fmt.Errorf("--account %q: an account's id has 12 digits", o.account)
	}
	assembly, err := absoluteOrNone(o.assembly)
	if err != nil {
		return local.Config{}, fmt.Errorf("--assembly: %w", err)
	}
	data, err := absoluteOrNone(o.data)
	if err != nil {
		return local.Config{}, fmt.Errorf("--data: %w", err)
	}
	return local.Config{
		Assembly:         assembly,
		Data:             data,
		Open:             true,
		GatewayAddr:      net.JoinHostPort(o.host, strconv.Itoa(o.port)),
		APIAddr:          net.JoinHostPort(o.host, strconv.Itoa(o.apiPort)),
		DynamoDBEndpoint: o.dynamodb,
		Engine:           o.engine,
		Account:          o.account,
		Region:           o.region,
		Logger:           slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})),
	}, nil
}

// absoluteOrNone leaves "" as it is, which means something else than a folder.
func absoluteOrNone(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}

// serveLocal runs until ctx ends.
func serveLocal(ctx context.Context, o localOptions, stdout, stderr io.Writer) error {
	c, err := o.config(stderr)
	if err != nil {
		return err
	}
	end, err := o.chaos.add(&c, stderr)
	if err != nil {
		return err
	}
	defer end()
	return serve(ctx, progress.New(stderr), stderr, c, func(rt *local.Runtime) error {
		keys := local.Credentials{AccessKeyID: anyKey, SecretAccessKey: anyKey, Region: c.Region}
		screen := newScreen(stdout)
		if o.asJSON {
			if err := json.NewEncoder(stdout).Encode(startLine(rt, keys, c.Data)); err != nil {
				return fmt.Errorf("say that it serves: %w", err)
			}
			screen = newScreen(stderr)
		} else {
			screen.banner(rt, keys)
			kept := "nothing is kept"
			if c.Data != "" {
				kept = "state is kept in " + c.Data
			}
			fmt.Fprintf(stdout, "any credentials will do; %s; Ctrl-C stops\n", kept)
		}
		return follow(ctx, rt, screen.log, stderr, nil, nil)
	})
}

// started is the line that --json prints: for programs that start this one.
type started struct {
	PID             int          `json:"pid"`
	Endpoint        string       `json:"endpoint"`
	Region          string       `json:"region"`
	AccessKeyID     string       `json:"access_key_id"`
	SecretAccessKey string       `json:"secret_access_key"`
	Data            string       `json:"data"` // "": nothing is kept
	APIs            []startedAPI `json:"apis"`
	Notes           []string     `json:"notes"` // what of the assembly is not served
}

type startedAPI struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

func startLine(rt *local.Runtime, keys local.Credentials, data string) started {
	s := started{
		PID: os.Getpid(), Endpoint: rt.Endpoint(), Region: keys.Region,
		AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey,
		Data: data, APIs: []startedAPI{}, Notes: nonNil(rt.Notes()),
	}
	for _, api := range rt.APIs() {
		s.APIs = append(s.APIs, startedAPI{Name: api.Name, URL: api.URL})
	}
	return s
}
