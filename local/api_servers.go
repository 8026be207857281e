package local

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/vinci-go/vinci/local/httpapi"
)

// apiServers has one server for each HTTP API. An API keeps its port for as long
// as it is in the assembly.
type apiServers struct {
	addr    string
	account string
	region  string
	logger  *slog.Logger
	now     func() time.Time
	failed  func(error)
	// signatures is set before the first apply.
	signatures httpapi.Signatures

	mu      sync.Mutex
	servers map[string]*apiServer // by API id
}

type apiServer struct {
	*server
	offset int

	// Of the API that it serves; set under apiServers.mu.
	name   string
	path   string // of the stage
	routes []APIRoute
}

// get binds the API's port when it is first asked for. The assembly asks while it
// is read, when a template uses the API's endpoint.
func (a *apiServers) get(id string) (*apiServer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s, ok := a.servers[id]; ok {
		return s, nil
	}
	offset := 0
	for slices.ContainsFunc(slices.Collect(maps.Values(a.servers)), func(s *apiServer) bool { return s.offset == offset }) {
		offset++
	}
	s, err := newServer("the HTTP API", a.addr, offset, a.logger)
	if err != nil {
		return nil, err
	}
	api := &apiServer{server: s, offset: offset}
	a.servers[id] = api
	return api, nil
}

// apply serves exactly these APIs. A changed API answers by its new routes from
// the next request on.
func (a *apiServers) apply(ctx context.Context, configs []httpapi.Config, invoker httpapi.Invoker) error {
	wanted := map[string]bool{}
	handlers := make([]http.Handler, len(configs))
	for i, c := range configs {
		wanted[c.ID] = true
		var err error
		if handlers[i], err = httpapi.New(a.withDefaults(c), invoker); err != nil {
			return err
		}
		if _, err := a.get(c.ID); err != nil {
			return err
		}
	}
	for i, c := range configs {
		s, err := a.get(c.ID)
		if err != nil {
			return err
		}
		s.serve(handlers[i], a.failed)
		a.mu.Lock()
		s.name, s.path, s.routes = c.Name, "", routesOf(c)
		if c.Stage != "$default" {
			s.path = "/" + c.Stage
		}
		a.mu.Unlock()
	}
	return a.remove(ctx, func(id string, _ *apiServer) bool { return !wanted[id] })
}

// routesOf are an API's routes, for people.
func routesOf(c httpapi.Config) []APIRoute {
	issuers := map[string]string{}
	for _, z := range c.Authorizers {
		issuers[z.ID] = z.Issuer
	}
	all := make([]APIRoute, len(c.Routes))
	for i, r := range c.Routes {
		all[i] = APIRoute{Key: r.Key, Authorization: cmp.Or(r.AuthorizationType, httpapi.AuthorizationNone), Issuer: issuers[r.AuthorizerID], Scopes: r.Scopes}
	}
	return all
}

func (a *apiServers) withDefaults(c httpapi.Config) httpapi.Config {
	c.Account, c.Region, c.Now = a.account, a.region, a.now
	c.Signatures, c.Logger = a.signatures, a.logger.With("service", "httpapi")
	return c
}

// releaseUnused gives back ports that were bound for an assembly that was refused.
func (a *apiServers) releaseUnused(ctx context.Context) error {
	return a.remove(ctx, func(_ string, s *apiServer) bool { return s.handler.Load() == nil })
}

// remove stops the servers that gone names; gone is called with a.mu held.
func (a *apiServers) remove(ctx context.Context, gone func(id string, s *apiServer) bool) error {
	a.mu.Lock()
	var stop []*apiServer
	for id, s := range a.servers {
		if gone(id, s) {
			stop = append(stop, s)
			delete(a.servers, id)
		}
	}
	a.mu.Unlock()
	errs := make([]error, len(stop))
	var wg sync.WaitGroup
	for i, s := range stop {
		wg.Go(func() { errs[i] = s.stop(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (a *apiServers) stop(ctx context.Context) error {
	return a.remove(ctx, func(string, *apiServer) bool { return true })
}

// list are the APIs by name.
func (a *apiServers) list() []API {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []API
	for _, s := range a.servers {
		all = append(all, API{Name: s.name, URL: s.url() + s.path, Routes: slices.Clone(s.routes)})
	}
	slices.SortFunc(all, func(x, y API) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.URL, y.URL)) })
	return all
}
