package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// runtimeAPI is the Lambda Runtime API (runtimes-api in the developer guide,
// version 2018-06-01) of one environment, and of the Extensions API what
// aws-lambda-go's WithEnableSIGTERM calls. There is a listener for each
// environment, because AWS_LAMBDA_RUNTIME_API is host and port without a path
// and the calls name no environment; it costs a file descriptor and some
// 0.04 ms of a start.
func (e *environment) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", e.serveResponse)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", e.serveError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", e.serveInitError)
	mux.HandleFunc("POST /2020-01-01/extension/register", e.serveRegister)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(w http.ResponseWriter, r *http.Request) {
		// Registered for no event, it waits for its end.
		select {
		case <-r.Context().Done():
		case <-e.quit:
		}
	})
	return mux
}

func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	switch e.asked() {
	case refused:
		writeStatus(w, http.StatusForbidden, "InvalidStateTransition",
			"the invocation before has neither a response nor an error")
		return
	case none:
		<-e.quit
		return
	case work:
	}
	inv := e.waitWork(r.Context())
	if inv == nil || !e.deliver(inv) {
		return
	}
	h := w.Header()
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.start.Add(e.v.cfg.Timeout).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", e.v.cfg.ARN)
	h.Set("Lambda-Runtime-Trace-Id", inv.trace)
	if inv.client != "" {
		// What was checked to be base64 when it came.
		if text, err := base64.StdEncoding.DecodeString(inv.client); err == nil {
			h.Set("Lambda-Runtime-Client-Context", string(text))
		}
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(inv.payload)))
	// When this fails the process is gone, and its exit ends the invocation.
	_, _ = w.Write(inv.payload)
}

func (e *environment) serveResponse(w http.ResponseWriter, r *http.Request) {
	body, err := readLimited(r.Body)
	errorType := r.Trailer.Get("Lambda-Runtime-Function-Error-Type")
	switch {
	case errors.Is(err, ErrTooLarge):
		e.answer(w, r, http.StatusRequestEntityTooLarge, func(inv *invocation) {
			inv.fail("Function.ResponseSizeTooLarge", failed("Function.ResponseSizeTooLarge",
				"Response payload size exceeded maximum allowed payload size (%d bytes).", MaxResponse))
		})
	case err != nil:
		// The runtime went away in the middle: its exit ends the invocation.
		writeStatus(w, http.StatusBadRequest, "InvalidRequest", err.Error())
	case errorType != "":
		// A streamed response that broke off says so in its trailers.
		payload, err := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
		if err != nil || !json.Valid(payload) {
			payload = failed(errorType, "the response broke off")
		}
		e.answer(w, r, http.StatusAccepted, func(inv *invocation) { inv.fail(errorType, payload) })
	default:
		e.answer(w, r, http.StatusAccepted, func(inv *invocation) { inv.result.Payload = body })
	}
}

func (e *environment) serveError(w http.ResponseWriter, r *http.Request) {
	payload, errorType := readError(r)
	e.answer(w, r, http.StatusAccepted, func(inv *invocation) { inv.fail(errorType, payload) })
}

func (e *environment) serveInitError(w http.ResponseWriter, r *http.Request) {
	payload, _ := readError(r)
	e.fn.mu.Lock()
	e.initError = payload
	e.fn.mu.Unlock()
	writeStatus(w, http.StatusAccepted, "", "")
}

func (e *environment) serveRegister(w http.ResponseWriter, _ *http.Request) {
	e.fn.mu.Lock()
	e.sigterm = true
	e.fn.mu.Unlock()
	w.Header().Set("Lambda-Extension-Identifier", e.logStream)
	writeStatus(w, http.StatusOK, "", "")
}

// answer sets the result of the invocation the request names.
func (e *environment) answer(w http.ResponseWriter, r *http.Request, status int, set func(*invocation)) {
	if !e.respond(r.PathValue("id"), set) {
		writeStatus(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	errorType := ""
	if status >= 400 {
		errorType = http.StatusText(status)
	}
	writeStatus(w, status, errorType, errorType)
}

// readError reads the error that a runtime reports. What is no JSON is passed on
// as the message, so that it is not lost.
func readError(r *http.Request) (payload []byte, errorType string) {
	errorType = r.Header.Get("Lambda-Runtime-Function-Error-Type")
	body, err := readLimited(r.Body)
	if err != nil {
		return failed("Runtime.Unknown", "the runtime's error could not be read: %v", err), "Runtime.Unknown"
	}
	var described struct {
		ErrorType string `json:"errorType"`
	}
	if err := json.Unmarshal(body, &described); err != nil {
		if errorType == "" {
			errorType = "Runtime.Unknown"
		}
		return failed(errorType, "%s", body), errorType
	}
	if described.ErrorType != "" {
		errorType = described.ErrorType
	}
	return body, errorType
}

// readLimited reads a response, or gives ErrTooLarge.
func readLimited(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, MaxResponse+1))
	if err == nil && len(body) > MaxResponse {
		err = ErrTooLarge
	}
	return body, err
}

// writeStatus answers as the Runtime API does. A failed write means that the
// process is gone, which its exit handles.
func writeStatus(w http.ResponseWriter, status int, errorType, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if errorType == "" {
		_, _ = io.WriteString(w, `{"status":"OK"}`)
		return
	}
	_, _ = w.Write(failed(errorType, "%s", message))
}
