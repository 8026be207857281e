package localtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/local/localtest"
)

// TestTrace follows the trace of one request, which X-Ray has decided to record: from
// the API's header to the event, to the message in a queue, and to the line of the
// function that handled it, which has all other ids too.
func TestTrace(t *testing.T) {
	t.Parallel()
	app := localtest.Start(t, localtest.Options{})
	messages := listen(t, app)

	const traceID = "5759e988bd862e3fe1be46a994272793"
	body := strings.NewReader(`{"email":"ada@example.com","name":"Ada"}`)
	r, err := http.NewRequestWithContext(t.Context(), "POST", app.URL(t)+"/users", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
	r.Header.Set("X-Correlation-Id", "request-1")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var user struct {
		ID string `json:"user_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&user); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("register: %s, %v", resp.Status, err)
	}

	id := event.EventID("user/"+user.ID, 1)
	app.Handled(t.Context(), t, id, users.CountTotal)
	message := messages(id)
	var delivered struct {
		Detail event.Envelope `json:"detail"`
	}
	if err := json.Unmarshal([]byte(aws.ToString(message.Body)), &delivered); err != nil {
		t.Fatal(err)
	}
	parent, ok := event.ParseTraceParent(delivered.Detail.TraceParent)
	if !ok || parent.TraceID != traceID || !parent.Sampled() || parent.SpanID == "53995c3f42cd8ad8" {
		t.Errorf("the event has the trace %q, want %s with the function's own segment", delivered.Detail.TraceParent, traceID)
	}
	if got := message.Attributes["AWSTraceHeader"]; got != parent.TraceHeader() {
		t.Errorf("the message has the trace %q, want %q", got, parent.TraceHeader())
	}
	line := app.Logged(t.Context(), t, "count_total", id)
	for _, want := range []string{`"trace_id":"` + traceID + `"`, `"event_id":"` + id + `"`, `"correlation_id":"request-1"`, `"subscription":"count_total"`, `"request_id":"` + line.RequestID + `"`} {
		if !strings.Contains(line.Text, want) {
			t.Errorf("%s is not in the line %s", want, line.Text)
		}
	}
}

// listen puts a queue of the test's own behind the bus. What it returns waits for the
// message with an event.
func listen(t *testing.T, app *localtest.App) func(eventID string) sqstypes.Message {
	t.Helper()
	queues, bus := sqs.NewFromConfig(app.AWS()), eventbridge.NewFromConfig(app.AWS())
	made, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("listener")})
	if err != nil {
		t.Fatal(err)
	}
	attributes, err := queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: made.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{"QueueArn"}})
	if err != nil {
		t.Fatal(err)
	}
	arn := attributes.Attributes["QueueArn"]
	busName := aws.String(app.Name(t, "bus"))
	rule, err := bus.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("listener"), EventBusName: busName, EventPattern: aws.String(`{"detail-type":["user.created"]}`)})
	if err != nil {
		t.Fatal(err)
	}
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}}`, arn, *rule.RuleArn)
	if _, err := queues.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: made.QueueUrl, Attributes: map[string]string{"Policy": policy}}); err != nil {
		t.Fatal(err)
	}
	targets, err := bus.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("listener"), EventBusName: busName, Targets: []eventbridgetypes.Target{{Id: aws.String("queue"), Arn: &arn}}})
	if err != nil || targets.FailedEntryCount > 0 {
		t.Fatal(targets, err)
	}
	return func(eventID string) (found sqstypes.Message) {
		t.Helper()
		app.Until(t.Context(), t, "event "+eventID+" in the listener's queue", func(ctx context.Context) (bool, error) {
			out, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
				QueueUrl: made.QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"AWSTraceHeader"},
			})
			if err != nil {
				return false, err
			}
			for _, m := range out.Messages {
				if strings.Contains(aws.ToString(m.Body), eventID) {
					found = m
					return true, nil
				}
			}
			return false, nil
		})
		return found
	}
}
