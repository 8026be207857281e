package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// serveInvoke answers an invocation. Its request id is the call's, as on AWS.
//
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func (s *Service) serveInvoke(w http.ResponseWriter, c *restCall) error {
	name, err := s.functionRefOf(c.value, c.query.Get("Qualifier"))
	if err != nil {
		return err
	}
	ref := name.name
	if name.qualifier != "" {
		ref += ":" + name.qualifier
	}
	d, err := s.lookup(ref)
	if err != nil {
		return err
	}
	o := invokeOptions{id: c.ID, client: c.HTTP.Header.Get("X-Amz-Client-Context")}
	if o.client != "" {
		text, err := base64.StdEncoding.DecodeString(o.client)
		if err != nil || !json.Valid(text) || len(o.client) > maxClientContext {
			return badContentText("Client context must be a valid Base64-encoded JSON object.")
		}
	}
	kind := c.HTTP.Header.Get("X-Amz-Invocation-Type")
	logs := c.HTTP.Header.Get("X-Amz-Log-Type")
	if logs != "" && logs != "None" && logs != "Tail" {
		return invalidShape("logType", logs, "Member must satisfy enum value set: [Tail, None]")
	}
	ctx := WithTrace(c.HTTP.Context(), c.HTTP.Header.Get("X-Amzn-Trace-Id"))
	payload := c.Body
	limit := MaxPayload
	if kind == "Event" {
		limit = MaxAsyncPayload
	}
	if len(payload) > limit {
		return tooLarge(limit, "InvokeFunction")
	}
	if len(payload) == 0 {
		payload = []byte("{}")
	} else if err := checkJSON(payload); err != nil {
		return badContent(err)
	}
	w.Header().Set("X-Amzn-Requestid", c.ID)
	switch kind {
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
		return nil
	case "Event":
		if err := s.enqueue(c.HTTP.Context(), d.Config.Name, payload, o); err != nil {
			return err
		}
		w.WriteHeader(http.StatusAccepted)
		return nil
	case "", "RequestResponse":
	default:
		return invalidShape("invocationType", kind, "Member must satisfy enum value set: [Event, RequestResponse, DryRun]")
	}
	result, err := s.invoke(ctx, d.Config.Name, payload, o)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("X-Amz-Executed-Version", latest)
	if result.FunctionError != "" {
		h.Set("X-Amz-Function-Error", result.FunctionError)
	}
	if logs == "Tail" {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(result.LogTail))
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(result.Payload)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(result.Payload) // a client that hung up has no use for the error
	return nil
}

// maxClientContext is the most a client context may have, in bytes of base64.
const maxClientContext = 3583

// checkJSON is json.Valid with the reason.
func checkJSON(b []byte) error {
	if json.Valid(b) {
		return nil
	}
	var v json.RawMessage
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	return errors.New("it is no JSON")
}
