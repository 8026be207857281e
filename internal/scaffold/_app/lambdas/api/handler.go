package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/vinci-go/vinci/event/httpflow"

	"example.com/app-name/domain/orders"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 4 << 10

// api answers the routes of package orders.
type api struct {
	service *orders.Service
	logger  *slog.Logger
}

// newHandler serves every route. What a request commits belongs to its correlation
// and its trace, which httpflow reads from its headers.
func newHandler(service *orders.Service, logger *slog.Logger) http.Handler {
	a := &api{service, logger}
	mux := http.NewServeMux()
	mux.HandleFunc(orders.RoutePlace, a.place)
	mux.HandleFunc(orders.RouteSold, a.sold)
	return httpflow.Handler(mux, httpflow.Options{})
}

func (a *api) place(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Product  string `json:"product"`
		Quantity int    `json:"quantity"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&body); err != nil {
		a.answer(w, http.StatusBadRequest, problem{"the body is no order: " + err.Error()})
		return
	}
	order, err := a.service.Place(r.Context(), body.Product, body.Quantity)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	a.answer(w, http.StatusCreated, struct {
		OrderID string `json:"order_id"`
	}{order.OrderID})
}

func (a *api) sold(w http.ResponseWriter, r *http.Request) {
	units, err := a.service.Sold(r.Context(), r.PathValue("product"))
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	a.answer(w, http.StatusOK, struct {
		Units int64 `json:"units"`
	}{units})
}

// problem says what is wrong with a request.
type problem struct {
	Detail string `json:"detail"`
}

// refuse tells the caller what the caller can mend; the rest is for the log.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, orders.ErrInvalid) {
		a.answer(w, http.StatusBadRequest, problem{err.Error()})
		return
	}
	a.logger.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	a.answer(w, http.StatusInternalServerError, problem{"try again"})
}

func (a *api) answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil { // the caller is gone
		a.logger.Warn("answer not sent", "error", err)
	}
}
