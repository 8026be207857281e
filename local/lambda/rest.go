package lambda

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

// operation is one of Lambda's.
type operation struct {
	method, path string // with {} for a value
	serve        func(*Service, *restCall) (status int, answer any, err error)
	// needs is what IAM must allow; path values and query are checked by serve.
	needs func(*Service, *restCall) ([]iam.Need, error)
}

// restCall is one request of the REST API.
type restCall struct {
	*gateway.Request
	value string // of the path's first {}
	sub   string // of its second
	query url.Values
}

// The operations that are served, with the paths of the API reference.
//
// https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
func operations() map[string]operation {
	const (
		functions = "/2015-03-31/functions"
		function  = functions + "/{}"
		mappings  = "/2015-03-31/event-source-mappings"
		tags      = "/2017-03-31/tags/{}"
		async     = "/2019-09-25/functions/{}/event-invoke-config"
	)
	return map[string]operation{
		"Invoke": {"POST", function + "/invocations", nil, onFunction("InvokeFunction")}, // serveInvoke

		"CreateFunction":              {"POST", functions, (*Service).createFunction, needCreateFunction},
		"ListFunctions":               {"GET", functions, (*Service).listFunctions, onAnything("ListFunctions")},
		"GetFunction":                 {"GET", function, (*Service).getFunction, onFunction("GetFunction")},
		"DeleteFunction":              {"DELETE", function, (*Service).deleteFunction, onFunction("DeleteFunction")},
		"GetFunctionConfiguration":    {"GET", function + "/configuration", (*Service).getFunctionConfiguration, onFunction("GetFunctionConfiguration")},
		"UpdateFunctionConfiguration": {"PUT", function + "/configuration", (*Service).updateFunctionConfiguration, needUpdateConfiguration},
		"UpdateFunctionCode":          {"PUT", function + "/code", (*Service).updateFunctionCode, onFunction("UpdateFunctionCode")},

		"PutFunctionConcurrency":    {"PUT", "/2017-10-31/functions/{}/concurrency", (*Service).putConcurrency, onFunction("PutFunctionConcurrency")},
		"GetFunctionConcurrency":    {"GET", "/2019-09-30/functions/{}/concurrency", (*Service).getConcurrency, onFunction("GetFunctionConcurrency")},
		"DeleteFunctionConcurrency": {"DELETE", "/2017-10-31/functions/{}/concurrency", (*Service).deleteConcurrency, onFunction("DeleteFunctionConcurrency")},

		"PutFunctionEventInvokeConfig":    {"PUT", async, (*Service).putAsyncConfig, onFunction("PutFunctionEventInvokeConfig")},
		"UpdateFunctionEventInvokeConfig": {"POST", async, (*Service).updateAsyncConfig, onFunction("UpdateFunctionEventInvokeConfig")},
		"GetFunctionEventInvokeConfig":    {"GET", async, (*Service).getAsyncConfig, onFunction("GetFunctionEventInvokeConfig")},
		"DeleteFunctionEventInvokeConfig": {"DELETE", async, (*Service).deleteAsyncConfig, onFunction("DeleteFunctionEventInvokeConfig")},
		"ListFunctionEventInvokeConfigs":  {"GET", async + "/list", (*Service).listAsyncConfigs, onFunction("ListFunctionEventInvokeConfigs")},

		"AddPermission":    {"POST", function + "/policy", (*Service).addPermission, onFunction("AddPermission")},
		"RemovePermission": {"DELETE", function + "/policy/{}", (*Service).removePermission, onFunction("RemovePermission")},
		"GetPolicy":        {"GET", function + "/policy", (*Service).getPolicy, onFunction("GetPolicy")},

		"CreateEventSourceMapping": {"POST", mappings, (*Service).createMapping, needCreateMapping},
		"ListEventSourceMappings":  {"GET", mappings, (*Service).listMappings, onAnything("ListEventSourceMappings")},
		"GetEventSourceMapping":    {"GET", mappings + "/{}", (*Service).getMapping, onMapping("GetEventSourceMapping")},
		"UpdateEventSourceMapping": {"PUT", mappings + "/{}", (*Service).updateMapping, onMapping("UpdateEventSourceMapping")},
		"DeleteEventSourceMapping": {"DELETE", mappings + "/{}", (*Service).deleteMapping, onMapping("DeleteEventSourceMapping")},

		"TagResource":   {"POST", tags, (*Service).tagResource, onTagged("TagResource")},
		"UntagResource": {"DELETE", tags, (*Service).untagResource, onTagged("UntagResource")},
		"ListTags":      {"GET", tags, (*Service).listTags, onTagged("ListTags")},

		"GetAccountSettings": {"GET", "/2016-08-19/account-settings", (*Service).getAccountSettings, onAnything("GetAccountSettings")},
	}
}

var (
	_ gateway.RESTService      = (*Service)(nil)
	_ gateway.ResourcePolicies = (*Service)(nil)
)

// Route is the operation of a call, false for a path that is not Lambda's or not served.
func (s *Service) Route(method, path string) (operation string, ok bool) {
	for name, o := range s.ops {
		if o.method == method {
			if _, _, ok := matchPath(o.path, path); ok {
				return name, true
			}
		}
	}
	return "", false
}

// matchPath compares a path with an operation's and returns its values. A slash at
// the end, which some SDKs add, does not matter.
func matchPath(pattern, path string) (value, sub string, ok bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(strings.TrimSuffix(path, "/"), "/")
	if len(want) != len(got) {
		return "", "", false
	}
	values := make([]string, 0, 2)
	for i, part := range want {
		switch {
		case part == "{}" && got[i] != "":
			values = append(values, got[i])
		case part != got[i]:
			return "", "", false
		}
	}
	values = append(values, "", "")
	return values[0], values[1], true
}

func (s *Service) newCall(r *gateway.Request) (operation, *restCall, error) {
	o, ok := s.ops[r.Operation]
	if !ok {
		return o, nil, gateway.UnknownOperation(r.Operation)
	}
	c := &restCall{Request: r}
	if c.value, c.sub, ok = matchPath(o.path, r.HTTP.URL.Path); !ok {
		return o, nil, gateway.UnknownOperation(r.Operation)
	}
	var err error
	if c.query, err = url.ParseQuery(r.HTTP.URL.RawQuery); err != nil {
		return o, nil, badParameter("the query cannot be read: %v", err)
	}
	return o, c, nil
}

// maxCodeRequest is Lambda's limit of a request that carries code, in bytes: a zip
// of 50 MB in base64.
const maxCodeRequest = 70167211

// BodyLimit is how large the body of an operation may be, in bytes, when that is more
// than the gateway's own limit; else 0.
func (s *Service) BodyLimit(operation string) int64 {
	if operation == "CreateFunction" || operation == "UpdateFunctionCode" {
		return maxCodeRequest
	}
	return 0
}

// RESTNeeds is what IAM must allow for the call, by the service authorization
// reference.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
func (s *Service) RESTNeeds(r *gateway.Request) ([]iam.Need, error) {
	o, c, err := s.newCall(r)
	if err != nil {
		return nil, err
	}
	return o.needs(s, c)
}

// Serve answers a call.
func (s *Service) Serve(w http.ResponseWriter, r *gateway.Request) {
	o, c, err := s.newCall(r)
	if err == nil && r.Operation == "Invoke" {
		err = s.serveInvoke(w, c)
		if err == nil {
			return
		}
	}
	status, answer := 0, any(nil)
	if err == nil {
		status, answer, err = o.serve(s, c)
	}
	if err != nil {
		writeRESTError(w, r, err)
		return
	}
	writeREST(w, r, status, answer)
}

func writeRESTError(w http.ResponseWriter, r *gateway.Request, err error) {
	err = asREST(err)
	var throttled *throttledError
	if errors.As(err, &throttled) {
		writeThrottled(w, r, throttled)
		return
	}
	gateway.WriteError(w, r, err)
}

// writeREST answers with v as JSON; nil is an answer without a body.
func writeREST(w http.ResponseWriter, r *gateway.Request, status int, v any) {
	h := w.Header()
	h.Set("X-Amzn-Requestid", r.ID)
	if v == nil {
		w.WriteHeader(status)
		return
	}
	body, err := marshal(v)
	if err != nil { // no answer here holds what cannot be marshalled
		gateway.WriteError(w, r, fmt.Errorf("the answer could not be encoded: %w", err))
		return
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that hung up has no use for the error
}

// read decodes the body. An empty one is the empty object.
func (c *restCall) read(v any) error {
	body := bytes.TrimSpace(c.Body)
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, v); err != nil {
		return badContent(err)
	}
	return nil
}

// page cuts a list at a marker, which is the key of the first thing that is left.
func page[T any](c *restCall, all []T, key func(T) string, most int) (part []T, next string, err error) {
	limit := most
	if text := c.query.Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, "", badParameter("MaxItems is no number: %s", text)
		}
		if err := outOfRange("maxItems", n, 1, 10000); err != nil {
			return nil, "", err
		}
		limit = min(limit, n)
	}
	if marker := c.query.Get("Marker"); marker != "" {
		first, err := url.QueryUnescape(marker)
		if err != nil {
			return nil, "", badParameter("Invalid pagination token")
		}
		i := slices.IndexFunc(all, func(t T) bool { return key(t) >= first })
		if i < 0 {
			i = len(all)
		}
		all = all[i:]
	}
	if len(all) <= limit {
		return all, "", nil
	}
	return all[:limit], url.QueryEscape(key(all[limit])), nil
}

func onAnything(action string) func(*Service, *restCall) ([]iam.Need, error) {
	return func(*Service, *restCall) ([]iam.Need, error) {
		return []iam.Need{{Action: "lambda:" + action, Resource: "*"}}, nil
	}
}

// onFunction needs the action on the function in the path, with its qualifier if
// the call names one.
func onFunction(action string) func(*Service, *restCall) ([]iam.Need, error) {
	return func(s *Service, c *restCall) ([]iam.Need, error) {
		name, err := s.functionRefOf(c.value, c.query.Get("Qualifier"))
		if err != nil {
			return nil, err
		}
		arn := s.functionARNOf(name.name)
		if name.qualifier != "" {
			arn += ":" + name.qualifier
		}
		return []iam.Need{{Action: "lambda:" + action, Resource: arn}}, nil
	}
}

func onMapping(action string) func(*Service, *restCall) ([]iam.Need, error) {
	return func(s *Service, c *restCall) ([]iam.Need, error) {
		n := iam.Need{Action: "lambda:" + action, Resource: s.mappingARN(c.value)}
		if m, _ := s.mappingByID(c.value); m != nil {
			n.Context = map[string][]string{"lambda:FunctionArn": {s.functionARNOf(m.Config.FunctionName)}}
		}
		return []iam.Need{n}, nil
	}
}

func onTagged(action string) func(*Service, *restCall) ([]iam.Need, error) {
	return func(_ *Service, c *restCall) ([]iam.Need, error) {
		return []iam.Need{{Action: "lambda:" + action, Resource: c.value}}, nil
	}
}

func passRole(role string) iam.Need {
	return iam.Need{Action: "iam:PassRole", Resource: role, Context: map[string][]string{"iam:PassedToService": {"lambda.amazonaws.com"}}}
}

func needCreateFunction(s *Service, c *restCall) ([]iam.Need, error) {
	var in struct{ FunctionName, Role string }
	if err := c.read(&in); err != nil {
		return nil, err
	}
	name, err := s.parseFunction(in.FunctionName)
	if err != nil {
		return nil, err
	}
	return []iam.Need{{Action: "lambda:CreateFunction", Resource: s.functionARNOf(name.name)}, passRole(in.Role)}, nil
}

func needUpdateConfiguration(s *Service, c *restCall) ([]iam.Need, error) {
	needs, err := onFunction("UpdateFunctionConfiguration")(s, c)
	if err != nil {
		return nil, err
	}
	var in struct{ Role string }
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.Role != "" {
		needs = append(needs, passRole(in.Role))
	}
	return needs, nil
}

func needCreateMapping(s *Service, c *restCall) ([]iam.Need, error) {
	var in struct{ FunctionName string }
	if err := c.read(&in); err != nil {
		return nil, err
	}
	name, err := s.parseFunction(in.FunctionName)
	if err != nil {
		return nil, err
	}
	return []iam.Need{{Action: "lambda:CreateEventSourceMapping", Resource: "*",
		Context: map[string][]string{"lambda:FunctionArn": {s.functionARNOf(name.name)}}}}, nil
}
