package local

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestListenOffset: a second API takes the port after the first one's.
func TestListenOffset(t *testing.T) {
	for range 20 { // until a port and the one after it are free
		first, err := listen("test", "127.0.0.1:0", 0)
		if err != nil {
			t.Fatal(err)
		}
		port := first.Addr().(*net.TCPAddr).Port
		second, err := listen("test", first.Addr().String(), 1)
		first.Close()
		if errors.Is(err, ErrAddress) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer second.Close()
		if got := second.Addr().(*net.TCPAddr).Port; got != port+1 {
			t.Errorf("port %d, want %d", got, port+1)
		}
		return
	}
	t.Fatal("no two free ports in a row")
}

// TestTwoAPIs: each has a port of its own and keeps it; a stage's name is in the
// URL.
func TestTwoAPIs(t *testing.T) {
	const more = `"Api2": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "t-second", "ProtocolType": "HTTP"}},
    "Stage2": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {"ApiId": {"Ref": "Api2"}, "StageName": "v1", "AutoDeploy": true}},
    "Integration2": {
      "Type": "AWS::ApiGatewayV2::Integration",
      "Properties": {"ApiId": {"Ref": "Api2"}, "IntegrationType": "AWS_PROXY", "IntegrationUri": {"Fn::GetAtt": ["ApiFunction", "Arn"]}, "PayloadFormatVersion": "2.0"}
    },
    "Route2": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api2"}, "RouteKey": "POST /items", "Target": {"Fn::Join": ["", ["integrations/", {"Ref": "Integration2"}]]}}},
    "Permission2": {
      "Type": "AWS::Lambda::Permission",
      "Properties": {"Action": "lambda:InvokeFunction", "FunctionName": {"Ref": "ApiFunction"}, "Principal": "apigateway.amazonaws.com",
        "SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api2}/v1/POST/items"}}
    },
    "Permission": {`
	one, two := app(t), app(t, `"Permission": {`, more)
	r := start(t, Config{Assembly: two})
	apis := r.APIs()
	if len(apis) != 2 || apis[0].Name != "t-api" || apis[1].Name != "t-second" || !strings.HasSuffix(apis[1].URL, "/v1") {
		t.Fatalf("APIs: %v", apis)
	}
	for _, a := range apis {
		if status, err := httpPost(t, a.URL+"/items", "x"); err != nil || status != 201 {
			t.Errorf("%s: %d %v", a.Name, status, err)
		}
	}
	if _, err := r.Reload(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if left := r.APIs(); len(left) != 1 || !reflect.DeepEqual(left[0], apis[0]) {
		t.Errorf("APIs after the reload: %v, want %v", left, apis[:1])
	}
	if _, err := httpPost(t, apis[1].URL+"/items", "x"); err == nil {
		t.Error("the removed API still answers")
	}
}

// TestServerStop: a connection without a request does not hold up the end, one
// with a request is served to its end.
func TestServerStop(t *testing.T) {
	s, err := newServer("test", "127.0.0.1:0", 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	entered, leave := make(chan struct{}), make(chan struct{})
	s.serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		fmt.Fprint(w, "done")
	}), func(err error) { t.Error(err) })
	idle, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	answered := make(chan error, 1)
	go func() {
		status, err := httpPost(t, s.url(), "x")
		if err == nil && status != 200 {
			err = fmt.Errorf("status %d", status)
		}
		answered <- err
	}()
	<-entered
	begin := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop(t.Context()) }()
	// The end of the unused connection shows that the stop has begun.
	if _, err := idle.Read(make([]byte, 1)); err == nil {
		t.Error("the unused connection is still open")
	}
	close(leave)
	if err := <-answered; err != nil {
		t.Errorf("the request under way: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("stop took %v", took)
	}
}

// TestServerEnds: the runtime is told when a server ends by itself.
func TestServerEnds(t *testing.T) {
	s, err := newServer("test", "127.0.0.1:0", 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	s.serve(http.NotFoundHandler(), func(err error) { failed <- err })
	if err := s.listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !strings.Contains(err.Error(), s.url()) {
		t.Errorf("error: %v", err)
	}
	if err := s.stop(t.Context()); err != nil {
		t.Error(err)
	}
}
