package httpapi

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestRoutes(t *testing.T) {
	// The first group is the example of http-api-develop-routes.
	for _, c := range []struct {
		routes                   string
		method, path, key, value string
	}{
		{docs, "GET", "/pets/dog/1", "GET /pets/dog/1", ""},
		{docs, "GET", "/pets/dog/2", "GET /pets/dog/{id}", "map[id:2]"},
		{docs, "GET", "/pets/cat/1", "GET /pets/{proxy+}", "map[proxy:cat/1]"},
		{docs, "POST", "/test/5", "ANY /{proxy+}", "map[proxy:test/5]"},
		{docs, "POST", "/pets/dog/1", "ANY /{proxy+}", "map[proxy:pets/dog/1]"},
		{docs, "GET", "/", "$default", ""},

		{"GET /a,ANY /a", "GET", "/a", "GET /a", ""},
		{"GET /a,ANY /a", "PUT", "/a", "ANY /a", ""},
		{"ANY /a/b,GET /a/{x}", "GET", "/a/b", "ANY /a/b", ""},
		{"POST /a/b,GET /a/{x}", "GET", "/a/b", "GET /a/{x}", "map[x:b]"},
		{"GET /a/{x}/c,GET /a/b/{y}", "GET", "/a/b/c", "GET /a/b/{y}", "map[y:c]"},
		{"GET /a/{x}/c,GET /a/{y+}", "GET", "/a/b/c", "GET /a/{x}/c", "map[x:b]"},
		{"GET /a/{x}/c,GET /a/{y+}", "GET", "/a/b/d", "GET /a/{y+}", "map[y:b/d]"},
		{"GET /{x}/b,GET /a/{y}", "GET", "/a/b", "GET /a/{y}", "map[y:b]"},
		{"GET /", "GET", "/", "GET /", ""},

		{"GET /a", "GET", "/a/", "", ""},
		{"GET /a", "GET", "/A", "", ""},
		{"GET /a", "HEAD", "/a", "", ""},
		{"GET /a/{x}", "GET", "/a/", "", ""},
		{"GET /a/{x}", "GET", "/a", "", ""},
		{"GET /a/{x+}", "GET", "/a/", "", ""},
		{"GET /{x}", "GET", "/", "", ""},
		{"GET /a/{x}", "GET", "/a//", "", ""},
		{"$default", "PATCH", "//", "$default", ""},
		{"", "GET", "/", "", ""},
	} {
		t.Run(c.routes+" "+c.method+c.path, func(t *testing.T) {
			table := &table{}
			for _, key := range strings.Split(c.routes, ",") {
				if key == "" {
					continue
				}
				if err := table.add(Route{Key: key}); err != nil {
					t.Fatal(err)
				}
			}
			table.sort()
			m, ok := table.find(c.method, c.path)
			value := ""
			if len(m.variables) > 0 {
				value = fmt.Sprint(m.variables)
			}
			if ok != (c.key != "") || m.route.Key != c.key || value != c.value {
				t.Errorf("got %q %s, %t; want %q %s", m.route.Key, value, ok, c.key, c.value)
			}
		})
	}
}

const docs = "GET /pets/dog/1,GET /pets/dog/{id},GET /pets/{proxy+},ANY /{proxy+},$default"

func TestBadConfig(t *testing.T) {
	for _, c := range []struct{ routes, want string }{
		{"GET users", "does not begin with /"},
		{"/users", "a method and a path"},
		{"FETCH /users", "a method and a path"},
		{"get /users", "a method and a path"},
		{"GET /users/", "does not end with /"},
		{"GET /a//b", "is empty"},
		{"GET /{a", "has no }"},
		{"GET /{}", "no good name"},
		{"GET /{a+}/b", "not the last segment"},
		{"GET /{a}/{a}", "used before"},
		{"GET /a{b}", "has one of"},
		{"GET /a,GET /a", "two of it"},
		{"GET /{a},GET /{b}", "other names"},
		{"$default,$default", "two of it"},
	} {
		t.Run(c.routes, func(t *testing.T) {
			config := Config{ID: "api"}
			for _, key := range strings.Split(c.routes, ",") {
				config.Routes = append(config.Routes, Route{Key: key, FunctionARN: "f"})
			}
			_, err := New(config, nil)
			if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want %q", err, c.want)
			}
		})
	}
	_, err := New(Config{Routes: []Route{
		{Key: "GET /a", FunctionARN: "f", AuthorizationType: "CUSTOM"}, {Key: "GET /b"}, {Key: "GET /c", FunctionARN: "f", Timeout: MaxTimeout + 1},
	}}, nil)
	for _, want := range []string{"authorization type CUSTOM is not served", "it has no function", "time-out is 30.000000001s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}
