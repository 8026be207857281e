package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/event/httpflow"
	"github.com/vinci-go/vinci/tables"
)

// api serves all contexts.
type api struct {
	service *users.Service
	orders  *orders.Service
	queries *orders.Queries
	now     func() time.Time
	logger  *slog.Logger
}

// newHandler serves every route of users.Routes and orders.Routes. What a request
// commits belongs to its correlation, its trace and its verified caller. A route without a handler is a
// program written wrong, so it stops the function at start.
func newHandler(a *api) http.Handler {
	handlers := map[string]func(http.ResponseWriter, *http.Request) error{
		users.RouteRegister: a.register,
		users.RouteActivate: a.activate,
		users.RouteRead:     a.read,
		users.RouteStats:    a.stats,

		orders.RoutePlace:     a.placeOrder,
		orders.RoutePay:       a.payOrder,
		orders.RouteConfirm:   a.confirmOrder,
		orders.RouteFulfil:    a.fulfilOrder,
		orders.RouteCancel:    a.cancelOrder,
		orders.RouteList:      a.listOrders,
		orders.RouteRead:      a.readOrder,
		orders.RouteDashboard: a.dashboard,
		orders.RouteStock:     a.stock,
		orders.RouteSetStock:  a.setStock,
		orders.RouteEndpoint:  a.setEndpoint,
	}
	mux := http.NewServeMux()
	for _, route := range slices.Concat(users.Routes(), orders.Routes()) {
		handler, ok := handlers[route]
		if !ok {
			panic(fmt.Sprintf("api: route %q has no handler", route))
		}
		mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
			if err := handler(w, r); err != nil {
				a.refuse(w, r, err)
			}
		})
	}
	return httpflow.Handler(mux, httpflow.Options{TenantID: tenant})
}

// userBody is a user as the API shows it.
type userBody struct {
	UserID    string    `json:"user_id"`
	Email     string    `json:"email"`
	Name      string    `json:"name"`
	Status    string    `json:"status"`
	CreatedAt time.Time `json:"created_at"`
}

func showUser(u tables.User) userBody { return userBody(u) }

// statsBody is the counters as the API shows them. UpdatedAt is absent until
// something was counted.
type statsBody struct {
	TotalUsers  int64      `json:"total_users"`
	ActiveUsers int64      `json:"active_users"`
	UpdatedAt   *time.Time `json:"updated_at,omitempty"`
}

func (a *api) register(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Email string `json:"email"`
		Name  string `json:"name"`
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	user, err := a.service.Create(r.Context(), body.Email, body.Name)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/users/"+user.UserID)
	return writeJSON(w, http.StatusCreated, showUser(user))
}

func (a *api) activate(w http.ResponseWriter, r *http.Request) error {
	user, err := a.service.Activate(r.Context(), r.PathValue("user_id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, showUser(user))
}

func (a *api) read(w http.ResponseWriter, r *http.Request) error {
	user, err := a.service.Get(r.Context(), r.PathValue("user_id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, showUser(user))
}

func (a *api) stats(w http.ResponseWriter, r *http.Request) error {
	stats, err := a.service.Stats(r.Context())
	if err != nil {
		return err
	}
	body := statsBody{TotalUsers: stats.TotalUsers, ActiveUsers: stats.ActiveUsers}
	if !stats.UpdatedAt.IsZero() {
		body.UpdatedAt = &stats.UpdatedAt
	}
	return writeJSON(w, http.StatusOK, body)
}

// readJSON reads the body into v. Every refusal names the field it is about
// where there is one. How large a body may be says app.go, for all routes.
func readJSON(r *http.Request, v any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(v)
	if err == nil {
		// A second value after the first is a client's mistake too.
		if _, err := decoder.Token(); err != io.EOF {
			return &problem{Status: http.StatusBadRequest, Detail: "the body holds more than one JSON value"}
		}
		return nil
	}
	return bodyProblem(err)
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}

// refuse answers with a problem document. What the caller cannot mend is logged
// and shown without its details.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	if !errors.As(err, &p) {
		p = domainProblem(err)
	}
	if p.Status >= http.StatusInternalServerError {
		a.logger.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	p.write(w)
}
