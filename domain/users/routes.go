package users

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/tables"
)

// The routes of the HTTP API, in the form that API Gateway and net/http share.
const (
	RouteRegister = "POST /users"
	RouteActivate = "POST /users/{user_id}/activate"
	RouteRead     = "GET /users/{user_id}"
	RouteStats    = "GET /stats"
)

// Routes lists every route: infrastructure makes one of each, and the API's
// function refuses to start when it lacks a handler for one.
func Routes() []string {
	return []string{RouteRegister, RouteActivate, RouteRead, RouteStats}
}

// APIAccess is what the API's function may touch.
func APIAccess() []bus.Grant {
	return []bus.Grant{
		bus.Writes(tables.Users),
		bus.Reads(tables.UserStats),
		bus.Commits(Created, Activated),
	}
}
