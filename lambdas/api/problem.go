package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// problem is a problem document, RFC 9457: https://www.rfc-editor.org/rfc/rfc9457.
// Its type is about:blank, so the title is the status code's own phrase. Field and
// Rule are extension members: the request's field that is wrong, the rule that
// refused.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Field  string `json:"field,omitempty"`
	Rule   string `json:"rule,omitempty"`
}

func (p *problem) Error() string { return fmt.Sprintf("%d %s %s", p.Status, p.Field, p.Detail) }

func (p *problem) write(w http.ResponseWriter) {
	doc := *p
	doc.Title = http.StatusText(doc.Status)
	// A struct of strings and an int always encodes.
	body, _ := json.Marshal(doc)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(doc.Status)
	w.Write(body)
}

// domainProblem turns an error of the domain into a problem.
func domainProblem(err error) *problem {
	var refused *users.Error
	if errors.As(err, &refused) {
		p := &problem{Status: http.StatusBadRequest, Field: refused.Field, Detail: refused.Error()}
		switch refused.Kind {
		case users.NotFound:
			p.Status = http.StatusNotFound
		case users.Taken, users.Conflict:
			p.Status = http.StatusConflict
		}
		return p
	}
	var order *orders.Error
	if errors.As(err, &order) {
		p := &problem{Status: http.StatusBadRequest, Field: order.Field, Rule: order.Rule, Detail: order.Error()}
		switch order.Kind {
		case orders.NotFound:
			p.Status = http.StatusNotFound
		case orders.Conflict:
			p.Status = http.StatusConflict
		case orders.Refused, orders.Reused:
			p.Status = http.StatusUnprocessableEntity
		}
		return p
	}
	// Others were faster each time: what the request was decided on is no longer so.
	if errors.Is(err, eventlog.KindConflict) {
		return &problem{Status: http.StatusConflict, Detail: "the order was changed at the same time: look at it and try again"}
	}
	// The effect is unknown or the table is busy: the same request may be sent
	// again.
	if errors.Is(err, orm.KindThrottled) || errors.Is(err, orm.KindUnavailable) || errors.Is(err, orm.KindConflict) {
		return &problem{Status: http.StatusServiceUnavailable, Detail: "busy: try again"}
	}
	return &problem{Status: http.StatusInternalServerError}
}

// bodyProblem says what is wrong with a request's body.
func bodyProblem(err error) *problem {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return &problem{Status: http.StatusBadRequest, Field: wrong.Field, Detail: fmt.Sprintf("%s: is a JSON %s, a %s is wanted", wrong.Field, wrong.Value, wrong.Type)}
	case errors.As(err, &wrong):
		return &problem{Status: http.StatusBadRequest, Detail: fmt.Sprintf("the body is a JSON %s: a JSON object is wanted", wrong.Value)}
	case errors.Is(err, io.EOF):
		return &problem{Status: http.StatusBadRequest, Detail: "the body is empty: a JSON object is wanted"}
	}
	// encoding/json has no type for an unknown field's error.
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = strings.Trim(name, `"`)
		return &problem{Status: http.StatusBadRequest, Field: name, Detail: name + ": is no field of this request"}
	}
	return &problem{Status: http.StatusBadRequest, Detail: "the body is no valid JSON: " + err.Error()}
}
