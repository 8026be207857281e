package lambda

import (
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// invokeOptions is what an invocation may be told beside its payload.
type invokeOptions struct {
	id     string // the request id; "" for a new one
	quiet  bool   // leave no log lines when there is nothing to tell
	client string // the client context, in base64
}

// invocation is one request on its way. Its fields belong to function.mu, but
// for the tail, which has its own lock.
type invocation struct {
	id      string
	payload []byte
	done    chan outcome // holds one

	client string
	trace  string // X-Ray's header for the function

	quiet bool        // its START line waits for something to tell
	told  atomic.Bool // the START line of a quiet one was written

	initFailures int // failed starts that this invocation has seen

	start       time.Time // when it was given to its environment
	timer       *time.Timer
	delivered   bool // the process has it
	responded   bool // result is set
	finished    bool // its end is being, or was, logged
	timedOut    bool
	outOfMemory bool // its process was killed for that
	result      Result
	errorType   string // for the REPORT line

	tail tail
}

// outcome is what Invoke returns.
type outcome struct {
	result Result
	err    error
}

// tail keeps the last 4 KB of an invocation's log, as X-Amz-Log-Result does.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 4096

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(append(t.buf, line...), '\n')
	if len(t.buf) > 4*tailSize { // cut now and then, not with every line
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailSize:]...)
	}
}

func (t *tail) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]byte(nil), t.buf[max(0, len(t.buf)-tailSize):]...)
}

// failed is the payload of an error that Lambda itself, not the function, reports.
func failed(errorType, format string, args ...any) []byte {
	payload, err := json.Marshal(struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{errorType, fmt.Sprintf(format, args...)})
	if err != nil {
		panic(err) // two strings always marshal
	}
	return payload
}

// fail sets an error of Lambda's own as the result.
func (inv *invocation) fail(errorType string, payload []byte) {
	inv.responded, inv.errorType = true, errorType
	inv.result.Payload, inv.result.FunctionError = payload, "Unhandled"
}

// report is the line AWS writes at the end of an invocation. Durations are
// rounded up to the millisecond for the bill, which for OS-only runtimes
// includes the start of the environment.
func report(id string, duration, init time.Duration, memoryMB int, used int64, status string) string {
	billed := int64(math.Ceil(float64(duration+init) / float64(time.Millisecond)))
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		id, milliseconds(duration), billed, memoryMB, used>>20)
	if init > 0 {
		line += fmt.Sprintf("Init Duration: %.2f ms\t", milliseconds(init))
	}
	return line + status
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
