package dynamodb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/local/dynamodb"
	"github.com/vinci-go/vinci/local/gateway"
)

const usersName = "app-local-users"

func put(t testing.TB, f *front, id string) {
	t.Helper()
	post(t, f.url, f.credentials.Owner(), "PutItem", fmt.Sprintf(`{"TableName":%q,"Item":{"user_id":{"S":%q}}}`, usersName, id))
}

// names are the partition keys of records, in order.
func names(t *testing.T, records []dynamodb.StreamRecord) string {
	t.Helper()
	var out []string
	for _, r := range records {
		var e events.DynamoDBEventRecord
		if err := json.Unmarshal(r.JSON, &e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e.Change.Keys["user_id"].String())
	}
	return strings.Join(out, " ")
}

func TestRecordsHaveLambdasShape(t *testing.T) {
	s := start(t, dynamodb.Options{Account: "111122223333", Region: "eu-west-1"})
	table := usersTable()
	table.StreamARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/app-local-users/stream/our-label"
	apply(t, s, table)
	c := newFront(t, s, nil).owner()
	key := item{"user_id": text("u1")}
	began := time.Now().Add(-time.Second) // the engine counts whole seconds
	for _, status := range []string{"pending", "active"} {
		if _, err := c.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String(usersName), Item: item{"user_id": text("u1"), "status": text(status), "b": &types.AttributeValueMemberB{Value: []byte{1}}}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: aws.String(usersName), Key: key}); err != nil {
		t.Fatal(err)
	}
	records, next, err := s.ReadStream(t.Context(), usersName, "", 10, 0)
	if err != nil || len(records) != 3 || next != records[2].SequenceNumber {
		t.Fatalf("%d records, next %q, %v", len(records), next, err)
	}
	ids := map[string]bool{}
	for i, want := range []struct{ name, was, is string }{{"INSERT", "", "pending"}, {"MODIFY", "pending", "active"}, {"REMOVE", "active", ""}} {
		var e events.DynamoDBEventRecord
		dec := json.NewDecoder(strings.NewReader(string(records[i].JSON)))
		if err := dec.Decode(&e); err != nil {
			t.Fatal(err)
		}
		status := func(image map[string]events.DynamoDBAttributeValue) string {
			if v, ok := image["status"]; ok {
				return v.String()
			}
			return ""
		}
		if e.EventName != want.name || status(e.Change.OldImage) != want.was || status(e.Change.NewImage) != want.is {
			t.Errorf("record %d: %s", i, records[i].JSON)
		}
		if e.EventVersion != "1.1" || e.EventSource != "aws:dynamodb" || e.AWSRegion != "eu-west-1" || e.EventSourceArn != table.StreamARN || len(e.EventID) != 32 ||
			e.Change.StreamViewType != "NEW_AND_OLD_IMAGES" || e.Change.SequenceNumber != records[i].SequenceNumber || e.Change.SizeBytes == 0 || e.Change.Keys["user_id"].String() != "u1" {
			t.Errorf("record %d: %s", i, records[i].JSON)
		}
		if at := records[i].CreatedAt; at.Before(began.Truncate(time.Second)) || at.After(time.Now()) || !e.Change.ApproximateCreationDateTime.Equal(at) {
			t.Errorf("record %d: created at %v", i, at)
		}
		ids[e.EventID] = true
	}
	if len(ids) != 3 {
		t.Errorf("event ids are not unique: %v", ids)
	}
}

func TestReadStreamPositions(t *testing.T) {
	s := start(t, dynamodb.Options{})
	apply(t, s, usersTable())
	f := newFront(t, s, nil)
	for i := range 12 {
		put(t, f, fmt.Sprintf("u%d", i))
	}
	read := func(from string, max int) (string, string) {
		t.Helper()
		records, next, err := s.ReadStream(t.Context(), usersName, from, max, 0)
		if err != nil {
			t.Fatal(err)
		}
		return names(t, records), next
	}
	got, second := read("", 5)
	if got != "u0 u1 u2 u3 u4" {
		t.Errorf("from the beginning: %s", got)
	}
	got, third := read(second, 5)
	if got != "u5 u6 u7 u8 u9" {
		t.Errorf("the second batch: %s", got)
	}
	if got, _ := read(second, 5); got != "u5 u6 u7 u8 u9" {
		t.Errorf("the second batch again: %s", got)
	}
	got, end := read(third, 5000)
	if got != "u10 u11" { // after "9" comes "10": numbers, not text
		t.Errorf("the rest: %s", got)
	}
	if got, next := read(end, 5); got != "" || next != end {
		t.Errorf("at the end: %q, next %q", got, next)
	}
	if got, _ := read("", 1); got != "u0" {
		t.Errorf("from the beginning again: %s", got)
	}
}

func TestWriteWakesReaders(t *testing.T) {
	s := start(t, dynamodb.Options{})
	apply(t, s, usersTable(), eventsTable())
	f := newFront(t, s, nil)
	key := f.credentials.Owner()
	for name, write := range map[string]func(){
		"PutItem": func() { put(t, f, "a") },
		"UpdateItem": func() {
			post(t, f.url, key, "UpdateItem", `{"TableName":"app-local-users","Key":{"user_id":{"S":"a"}},"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"1"}}}`)
		},
		"BatchWriteItem": func() {
			post(t, f.url, key, "BatchWriteItem", `{"RequestItems":{"app-local-users":[{"PutRequest":{"Item":{"user_id":{"S":"b"}}}}]}}`)
		},
		"TransactWriteItems": func() {
			post(t, f.url, key, "TransactWriteItems", `{"ClientRequestToken":"x","TransactItems":[{"Put":{"TableName":"app-local-users","Item":{"user_id":{"S":"c"}}}}]}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, from, err := s.ReadStream(t.Context(), usersName, "", 1000, 0)
			if err != nil {
				t.Fatal(err)
			}
			woken := make(chan time.Duration, 2)
			var began time.Time
			ready := make(chan struct{}, 2)
			for range 2 { // each reader, not one
				go func() {
					ready <- struct{}{}
					records, _, err := s.ReadStream(t.Context(), usersName, from, 10, time.Minute)
					if err != nil || len(records) != 1 {
						t.Errorf("%d records, %v", len(records), err)
					}
					woken <- time.Since(began)
				}()
			}
			<-ready
			<-ready
			began = time.Now()
			write()
			for range 2 {
				// The backstop comes within a second: half of it proves the wake.
				if d := <-woken; d > 500*time.Millisecond {
					t.Errorf("woken after %v", d)
				}
			}
		})
	}
}

func TestReadStreamSeesWritesThatGoPastTheGateway(t *testing.T) {
	s := start(t, dynamodb.Options{})
	apply(t, s, usersTable())
	got := make(chan string, 1)
	go func() {
		records, _, err := s.ReadStream(t.Context(), usersName, "", 10, time.Minute)
		if err != nil {
			t.Error(err)
		}
		got <- names(t, records)
	}()
	post(t, s.Address(), gateway.Keys{AccessKeyID: "anybody", SecretAccessKey: "s"}, "PutItem", `{"TableName":"app-local-users","Item":{"user_id":{"S":"a"}}}`)
	select {
	case name := <-got:
		if name != "a" {
			t.Errorf("got %q", name)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("not seen")
	}
}

func TestReadStreamEnds(t *testing.T) {
	s := start(t, dynamodb.Options{})
	state := stateTable()
	state.Name = "app-local-state"
	apply(t, s, usersTable(), state)

	records, next, err := s.ReadStream(t.Context(), usersName, "7", 10, 20*time.Millisecond)
	if err != nil || len(records) != 0 || next != "7" {
		t.Errorf("nothing in time: %v, %q, %v", records, next, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.ReadStream(ctx, usersName, "", 10, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	for _, table := range []string{"nobody", state.Name} {
		if _, _, err := s.ReadStream(t.Context(), table, "", 10, time.Minute); !errors.Is(err, dynamodb.ErrNoStream) || !strings.Contains(err.Error(), table) {
			t.Errorf("table %s: %v; want ErrNoStream", table, err)
		}
	}
	// A stream that is turned on later is found.
	state.Stream = "KEYS_ONLY"
	apply(t, s, state)
	if _, _, err := s.ReadStream(t.Context(), state.Name, "", 10, 0); err != nil {
		t.Errorf("turned on: %v", err)
	}
}

// Another endpoint is used as it is: here an engine that somebody else runs.
func TestExternalEndpoint(t *testing.T) {
	theirs := start(t, dynamodb.Options{})
	s := start(t, dynamodb.Options{Endpoint: strings.TrimSuffix(theirs.Address(), "/")})
	apply(t, s, usersTable())
	f := newFront(t, s, nil)
	if _, err := f.owner().PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String(usersName), Item: item{"user_id": text("a")}}); err != nil {
		t.Fatal(err)
	}
	records, _, err := s.ReadStream(t.Context(), usersName, "", 10, 0)
	if err != nil || names(t, records) != "a" {
		t.Fatalf("%v, %v", records, err)
	}
	ended := make(chan error, 1)
	go func() {
		_, _, err := s.ReadStream(t.Context(), usersName, "1", 10, time.Minute)
		ended <- err
	}()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, dynamodb.ErrClosed) {
		t.Errorf("a reader after Close: %v; want ErrClosed", err)
	}
	post(t, theirs.Address(), gateway.Keys{AccessKeyID: "anybody", SecretAccessKey: "s"}, "GetItem", `{"TableName":"app-local-users","Key":{"user_id":{"S":"a"}}}`) // it still runs
}
