package bus

import (
	"encoding/json"
	"time"

	"github.com/vinci-go/vinci/event"
)

// MessageBody is the body of the message that a rule of EventBridge makes of an
// event, when the relay publishes it: for programs that put an event into the
// queue of a subscription themselves. EventBridge's own id, account and region are
// blank.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
func MessageBody(e event.Envelope) ([]byte, error) {
	return json.Marshal(struct {
		Version    string         `json:"version"`
		ID         string         `json:"id"`
		DetailType string         `json:"detail-type"`
		Source     string         `json:"source"`
		Account    string         `json:"account"`
		Time       time.Time      `json:"time"`
		Region     string         `json:"region"`
		Resources  []string       `json:"resources"`
		Detail     event.Envelope `json:"detail"`
	}{Version: "0", DetailType: e.Type, Source: e.Source, Time: e.Time, Resources: []string{}, Detail: e})
}
