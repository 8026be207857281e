// Command echo is a function whose event says what it is to do.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do   string
	Text string
	MS   int
	N    int
}

type answer struct {
	Text     string            `json:",omitempty"`
	PID      int               `json:",omitempty"`
	Child    int               `json:",omitempty"`
	Env      map[string]string `json:",omitempty"`
	Dir      string            `json:",omitempty"`
	ID       string            `json:",omitempty"`
	ARN      string            `json:",omitempty"`
	Deadline time.Time
	Calls    int
}

// brokenReader fails in the middle of a streamed answer.
type brokenReader struct{ sent bool }

func (r *brokenReader) Read(p []byte) (int, error) {
	if r.sent {
		return 0, errors.New("the stream broke")
	}
	r.sent = true
	return copy(p, "half"), nil
}

func main() {
	switch os.Getenv("INIT") {
	case "exit":
		fmt.Println("cannot start")
		os.Exit(3)
	case "hang":
		time.Sleep(time.Hour)
	case "memory":
		b := make([]byte, 300<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
	case "once": // fails the first time only
		if err := os.Mkdir(os.Getenv("MARK"), 0o700); err == nil {
			os.Exit(4)
		}
	}
	calls := 0
	var held [][]byte
	handler := func(ctx context.Context, e event) (any, error) {
		calls++
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		a := answer{Text: e.Text, PID: os.Getpid(), ID: lc.AwsRequestID, ARN: lc.InvokedFunctionArn, Deadline: deadline, Calls: calls}
		if os.Getenv("HANG") != "" { // for events that cannot say what to do
			e.Do = "hang"
		}
		switch e.Do {
		case "error":
			return nil, errors.New(e.Text)
		case "panic":
			panic(e.Text)
		case "exit":
			os.Exit(e.N)
		case "exit later": // when a file exists
			go func() {
				for {
					if _, err := os.Stat(e.Text); err == nil {
						os.Exit(7)
					}
					time.Sleep(time.Millisecond)
				}
			}()
		case "background": // goes on after the answer
			f, err := os.Create(e.Text)
			if err != nil {
				return nil, err
			}
			go func() {
				for {
					if _, err := f.WriteString("."); err != nil {
						fmt.Println(err)
					}
					time.Sleep(time.Millisecond)
				}
			}()
		case "memory": // takes N MB, and with MS holds them so long
			held = append(held, make([]byte, e.N<<20))
			for i := 0; i < e.N<<20; i += 4096 {
				held[len(held)-1][i] = 1
			}
			time.Sleep(time.Duration(e.MS) * time.Millisecond)
		case "touch": // leaves a file of its request id
			return a, os.WriteFile(e.Text+"/"+lc.AwsRequestID, nil, 0o600)
		case "temp":
			f, err := os.CreateTemp("", "")
			if err != nil {
				return nil, err
			}
			a.Text = f.Name()
			return a, f.Close()
		case "log":
			for i := range e.N {
				fmt.Printf("line %d\n", i)
				fmt.Fprintf(os.Stderr, "warn %d\n", i)
			}
			fmt.Print("no end")
		case "sleep":
			time.Sleep(time.Duration(e.MS) * time.Millisecond)
		case "hang":
			fmt.Println("hanging")
			select {}
		case "wait": // until a file exists
			fmt.Println("waiting")
			for {
				if _, err := os.Stat(e.Text); err == nil {
					return a, nil
				}
				time.Sleep(time.Millisecond)
			}
		case "env":
			a.Env = map[string]string{}
			for _, v := range os.Environ() {
				name, value, _ := strings.Cut(v, "=")
				a.Env[name] = value
			}
			a.Dir, _ = os.Getwd()
		case "child":
			cmd := exec.Command("/bin/sleep", "600")
			if err := cmd.Start(); err != nil {
				return nil, err
			}
			a.Child = cmd.Process.Pid
		case "big":
			return strings.Repeat("x", e.N-2), nil
		case "stream":
			return io.Reader(strings.NewReader(e.Text)), nil
		case "broken stream":
			return io.Reader(&brokenReader{}), nil
		case "null":
			return nil, nil
		}
		return a, nil
	}
	var options []lambda.Option
	if mark := os.Getenv("SIGTERM_MARK"); mark != "" {
		options = append(options, lambda.WithEnableSIGTERM(func() {
			if err := os.WriteFile(mark, nil, 0o600); err != nil {
				fmt.Println(err)
			}
		}))
	}
	lambda.StartWithOptions(handler, options...)
}
