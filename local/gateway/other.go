package gateway

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
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

// query serves the one call of the older query protocol that is of use here:
// STS GetCallerIdentity, which tells a developer whose credentials are in use. It
// needs no permission, on AWS too.
//
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (g *gateway) query(w http.ResponseWriter, r *Request) {
	if err := g.readBody(w, r); err != nil {
		writeXMLError(w, r, err)
		return
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		writeXMLError(w, r, Malformed(err))
		return
	}
	if r.Operation = form.Get("Action"); r.Operation != "GetCallerIdentity" {
		what := fmt.Sprintf("query protocol action %q", r.Operation)
		g.logUnknown(r, what)
		writeXMLError(w, r, &Error{Code: "InvalidAction", Message: what + " is not served by the local runtime"})
		return
	}
	caller, _, err := g.authenticate(r, "sts")
	if err != nil {
		writeXMLError(w, r, err)
		return
	}
	userID := caller.Account
	if caller.RoleARN != "" {
		userID = caller.AccessKeyID + ":" + caller.Session
	}
	writeXML(w, r, http.StatusOK, struct {
		XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
		ARN     string   `xml:"GetCallerIdentityResult>Arn"`
		UserID  string   `xml:"GetCallerIdentityResult>UserId"`
		Account string   `xml:"GetCallerIdentityResult>Account"`
		ID      string   `xml:"ResponseMetadata>RequestId"`
	}{ARN: caller.ARN(), UserID: userID, Account: caller.Account, ID: r.ID})
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
