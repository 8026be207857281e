package local

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	db "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/local/dynamodb"
)

// TestReload changes the assembly step by step under a running system.
func TestReload(t *testing.T) {
	r := start(t, Config{Assembly: app(t)})
	endpoint, url, owner := r.Endpoint(), r.APIs()[0].URL, r.Owner()
	put(t, r, "before")
	awaitItem(t, r, "before", "handled")

	reload := func(want string, edits ...string) {
		t.Helper()
		changes, err := r.Reload(t.Context(), app(t, edits...))
		if err != nil {
			t.Fatal(err)
		}
		if got := changes.String(); got != want {
			t.Errorf("changes: %s\nwant: %s", got, want)
		}
	}
	reload("nothing changed")
	newCode := []string{`{"MODE": "handler"}`, `{"MODE": "handler", "SUFFIX": " again"}`}
	reload("replaced function work", newCode...)
	put(t, r, "after")
	awaitItem(t, r, "after", "handled again")

	more := append(newCode, `"Bus": {"Type"`, `"More": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "t-more"}}, "Bus": {"Type"`,
		`"RouteScan": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "GET /scan"`,
		`"RouteNew": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "GET /new"`)
	reload("added route "+routeName(t, "RouteNew")+", added queue t-more, removed route "+routeName(t, "RouteScan"), more...)
	client := queueClient(r)
	more2 := &sqs.GetQueueUrlInput{QueueName: aws.String("t-more")}
	if _, err := client.GetQueueUrl(t.Context(), more2); err != nil {
		t.Errorf("the new queue: %v", err)
	}
	if status, _ := call(t, r, "GET", "/scan", ""); status != 404 {
		t.Errorf("removed route: %d", status)
	}
	if status, text := call(t, r, "GET", "/new", ""); status != 200 {
		t.Errorf("new route: %d %s", status, text)
	}

	t.Run("refused", func(t *testing.T) {
		for _, tt := range []struct {
			name  string
			edits []string
			kind  error
			want  string
		}{
			{"table key", []string{`"AttributeName": "id"`, `"AttributeName": "key"`}, dynamodb.ErrCannotChange,
				"table t-items: its key is HASH id (S) and would be HASH key (S): a table's key cannot be changed; give the table another name, or stop, empty the data folder"},
			{"assembly", []string{`"ProtocolType": "HTTP"`, `"ProtocolType": "WEBSOCKET"`}, ErrAssembly, "served is HTTP"},
			{"service", []string{`"VisibilityTimeout": 1,`, `"VisibilityTimeout": 1, "MessageRetentionPeriod": 1,`}, nil, "MessageRetention"},
			{"function", []string{`"MemorySize": 256`, `"MemorySize": 1`}, nil, "memory"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				_, err := r.Reload(t.Context(), app(t, tt.edits...))
				if err == nil || tt.kind != nil && !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want one of kind %v that says %q", err, tt.kind, tt.want)
				}
			})
		}
		if _, err := client.GetQueueUrl(t.Context(), more2); err != nil {
			t.Errorf("a refused reload removed a queue: %v", err)
		}
		put(t, r, "refused")
		awaitItem(t, r, "refused", "handled again")
	})

	reload("added route " + routeName(t, "RouteScan") + ", replaced function work, removed route " + routeName(t, "RouteNew") + ", removed queue t-more")
	if _, err := client.GetQueueUrl(t.Context(), more2); err == nil {
		t.Error("the removed queue is still there")
	}
	put(t, r, "last")
	awaitItem(t, r, "last", "handled")
	if r.Endpoint() != endpoint || r.APIs()[0].URL != url || r.Owner() != owner {
		t.Error("an address or the credentials changed")
	}
}

// TestReloadUnderLoad: no request fails or is lost while the code behind the API
// is replaced again and again.
func TestReloadUnderLoad(t *testing.T) {
	dirs := []string{app(t), app(t, `{"MODE": "api", "SUFFIX": ""}`, `{"MODE": "api", "SUFFIX": "!"}`)}
	r := start(t, Config{Assembly: dirs[0]})
	url := r.APIs()[0].URL + "/items"
	stop := make(chan struct{})
	var requests, renewed atomic.Int64
	var clients sync.WaitGroup
	for c := range 4 {
		clients.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("load-%d-%d", c, i)
				resp, err := http.Post(url, "text/plain", strings.NewReader(id))
				if err != nil {
					t.Error(err)
					return
				}
				text, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 201 || strings.TrimSuffix(string(text), "!") != id {
					t.Errorf("%s: %d %s %v", id, resp.StatusCode, text, err)
					return
				}
				requests.Add(1)
				if strings.HasSuffix(string(text), "!") {
					renewed.Add(1)
				}
			}
		})
	}
	for i := range 6 {
		changes, err := r.Reload(t.Context(), dirs[(i+1)%2])
		if err != nil {
			t.Error(err)
			break
		}
		if got := changes.String(); got != "replaced function api" {
			t.Errorf("changes: %s", got)
		}
		// Go on when the version that was just put in place has been used.
		base, want := renewed.Load(), i%2 == 0
		total := requests.Load()
		await(t, "requests to the new version", func() bool {
			if want {
				return renewed.Load() > base
			}
			return requests.Load() > total+4
		}, func() string { return fmt.Sprint(requests.Load()) })
	}
	close(stop)
	clients.Wait()
	t.Logf("%d requests", requests.Load())
}

// routeName is the physical id of a route of the test application's.
func routeName(t *testing.T, logicalID string) string {
	t.Helper()
	p, err := planOf(t, app(t, `"RouteScan": {`, `"RouteNew": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "GET /new", "Target": {"Fn::Join": ["", ["integrations/", {"Ref": "Integration"}]]}}}, "RouteScan": {`))
	if err != nil {
		t.Fatal(err)
	}
	for _, res := range p.resources {
		if res.LogicalID == logicalID {
			return res.Name
		}
	}
	t.Fatalf("no route %s", logicalID)
	return ""
}

// TestReloadData adds a table and an index, and changes a rule.
func TestReloadData(t *testing.T) {
	r := start(t, Config{Assembly: app(t)})
	put(t, r, "before")
	awaitItem(t, r, "before", "handled")
	changes, err := r.Reload(t.Context(), app(t,
		`"Bus": {"Type"`, `"Second": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "t-second", "BillingMode": "PAY_PER_REQUEST",
			"AttributeDefinitions": [{"AttributeName": "n", "AttributeType": "N"}], "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}]}}, "Bus": {"Type"`,
		`"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]`,
		`"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "handled", "AttributeType": "S"}],
		 "GlobalSecondaryIndexes": [{"IndexName": "by_handled", "KeySchema": [{"AttributeName": "handled", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}]`,
		`[{"prefix": "item."}]`, `["item.removed"]`))
	if err != nil {
		t.Fatal(err)
	}
	if got := changes.String(); !strings.HasPrefix(got, "added table t-second, replaced globaltable t-items, replaced rule ") {
		t.Errorf("changes: %s", got)
	}
	client := db.NewFromConfig(awsConfig(r))
	out, err := client.Scan(t.Context(), &db.ScanInput{TableName: aws.String("t-items"), IndexName: aws.String("by_handled")})
	if err != nil || len(out.Items) != 1 {
		t.Errorf("the new index: %v %v", out, err)
	}
	if _, err := client.DescribeTable(t.Context(), &db.DescribeTableInput{TableName: aws.String("t-second")}); err != nil {
		t.Errorf("the new table: %v", err)
	}
	// The rule no longer wants what the relay publishes; the next reload does again.
	put(t, r, "unwanted")
	await(t, "the relay to publish", func() bool {
		n := 0
		for _, l := range r.Lines("relay") {
			if strings.HasPrefix(l.Text, "END") {
				n++
			}
		}
		return n == 2
	}, func() string { return fmt.Sprint(r.Lines("relay")) })
	if _, err := r.Reload(t.Context(), app(t)); err != nil {
		t.Fatal(err)
	}
	put(t, r, "wanted")
	awaitItem(t, r, "wanted", "handled")
	if _, state := call(t, r, "GET", "/items/unwanted", ""); state != "new" {
		t.Errorf("the item of an event that no rule wanted is %s", state)
	}
}
