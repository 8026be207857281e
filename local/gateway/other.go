package gateway

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
)

// status answers GET /, so that a person or a script can see that it is up.
func (g *gateway) status(w http.ResponseWriter, r *Request) {
	services := slices.Clone(g.prefixes)
	slices.Sort(services)
	WriteJSON(w, r, struct {
		Status   string   `json:"status"`
		Services []string `json:"services"`
	}{"ok", services})
}

// unknown answers what nobody here serves, and says so in the log: on AWS it may
// well exist.
func (g *gateway) unknown(w http.ResponseWriter, r *Request, what string) {
	g.logUnknown(r, what)
	WriteError(w, r, &Error{Code: unknownOperation, Namespace: coral, QueryCode: "InvalidAction", Message: what + " is not served by the local runtime"})
}

func (g *gateway) logUnknown(r *Request, what string) {
	g.Logger.Warn("unknown operation: the local runtime does not serve it", "call", what, "request_id", r.ID)
}

func isForm(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

func writeXMLError(w http.ResponseWriter, r *Request, err error) {
	e := asError(err)
	code := e.QueryCode
	if code == "" {
		code = e.Code
	}
	status := e.Status
	if status == 0 {
		status = restStatus(e.Code)
	}
	writeXML(w, r, status, struct {
		XMLName xml.Name `xml:"ErrorResponse"`
		Type    string   `xml:"Error>Type"`
		Code    string   `xml:"Error>Code"`
		Message string   `xml:"Error>Message"`
		ID      string   `xml:"RequestId"`
	}{Type: "Sender", Code: code, Message: e.Message, ID: r.ID})
}

func writeXML(w http.ResponseWriter, r *Request, status int, v any) {
	body, err := xml.Marshal(v)
	if err != nil { // cannot be: the two types above are strings only
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", r.ID)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that hung up has no use for the error
}

// recorder remembers the status for the observer.
type recorder struct {
	http.ResponseWriter
	code int
}

func (w *recorder) WriteHeader(status int) {
	if w.code == 0 {
		w.code = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
