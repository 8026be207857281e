package dynamodb_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/local/dynamodb"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

// transact writes one event and one state item, as a commit does.
func transact(b testing.TB, c *sdk.Client, i int64) {
	_, err := c.TransactWriteItems(b.Context(), &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("app-local-users"), Item: map[string]types.AttributeValue{
			"user_id": text(fmt.Sprintf("u%d", i%5000)), "status": text("active"), "n": &types.AttributeValueMemberN{Value: fmt.Sprint(i)}}}},
		{Put: &types.Put{TableName: aws.String("app-local-events"), ConditionExpression: aws.String("attribute_not_exists(#stream)"),
			ExpressionAttributeNames: map[string]string{"#stream": "stream"}, Item: map[string]types.AttributeValue{
				"stream": text(fmt.Sprintf("user/u%d", i)), "version": &types.AttributeValueMemberN{Value: "1"}, "data": text(`{"user_id":"u","email":"somebody@example.com","name":"Some Body"}`)}}},
	}})
	if err != nil {
		b.Error(err)
	}
}

func eventsTable() dynamodb.TableConfig {
	return dynamodb.TableConfig{
		Name:       "app-local-events",
		Attributes: map[string]string{"stream": "S", "version": "N"},
		Key:        []dynamodb.KeyElement{{AttributeName: "stream", KeyType: dynamodb.Partition}, {AttributeName: "version", KeyType: dynamodb.Sort}},
		Stream:     "NEW_AND_OLD_IMAGES",
	}
}

func stateTable() dynamodb.TableConfig {
	t := usersTable()
	t.Stream, t.TTLAttribute = "", ""
	return t
}

// BenchmarkTransactions measures commits through the gateway with streams on, from
// eight writers, at the start and after 50,000 (-benchtime is not used: the number
// is fixed, because the question is whether the rate stays).
func BenchmarkTransactions(b *testing.B) {
	for b.Loop() {
		s := start(b, dynamodb.Options{})
		apply(b, s, stateTable(), eventsTable())
		c := newFront(b, s, nil).owner()
		var n atomic.Int64
		run := func(count int64) float64 {
			limit := n.Load() + count
			began := time.Now()
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for i := n.Add(1); i <= limit; i = n.Add(1) {
						transact(b, c, i)
					}
				})
			}
			wg.Wait()
			n.Store(limit)
			return float64(count) / time.Since(began).Seconds()
		}
		b.ReportMetric(run(5000), "tx/s-start")
		run(45000)
		b.ReportMetric(run(5000), "tx/s-after-50000")
	}
}

// BenchmarkGetItem compares a small read at the engine with one through the
// gateway, as the owner and as a role whose policies are judged.
func BenchmarkGetItem(b *testing.B) {
	s := start(b, dynamodb.Options{})
	apply(b, s, usersTable())
	f := newFront(b, s, nil)
	if _, err := f.owner().PutItem(b.Context(), &sdk.PutItemInput{TableName: aws.String("app-local-users"), Item: map[string]types.AttributeValue{"user_id": text("u1")}}); err != nil {
		b.Fatal(err)
	}
	role := "arn:aws:iam::000000000000:role/reader"
	policy, err := iam.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:Query"],"Resource":"arn:aws:dynamodb:us-east-1:000000000000:table/app-local-users"}]}`))
	if err != nil {
		b.Fatal(err)
	}
	f.credentials.SetRoles(map[string]iam.Policies{role: {policy}})
	for _, c := range []struct {
		name, url string
		key       gateway.Keys
	}{
		{"engine", s.Address(), gateway.Keys{AccessKeyID: "anybody", SecretAccessKey: "s"}},
		{"gateway", f.url, f.credentials.Owner()},
		{"gateway+IAM", f.url, f.credentials.Issue(role, "f")},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				post(b, c.url, c.key, "GetItem", `{"TableName":"app-local-users","Key":{"user_id":{"S":"u1"}}}`)
			}
		})
	}
}

// BenchmarkStart is what a start on an empty folder costs: the engine, the
// indexes and the tables of a small application.
func BenchmarkStart(b *testing.B) {
	engine := enginePath(b)
	dir := b.TempDir()
	for i := 0; b.Loop(); i++ {
		s, err := dynamodb.Start(b.Context(), dynamodb.Options{Engine: engine, File: fmt.Sprintf("%s/%d.db", dir, i)})
		if err != nil {
			b.Fatal(err)
		}
		apply(b, s, stateTable(), eventsTable())
		if err := s.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWriteToRecord measures the time from before a write to the record in a
// waiting reader's hands.
func BenchmarkWriteToRecord(b *testing.B) {
	s := start(b, dynamodb.Options{})
	apply(b, s, usersTable())
	f := newFront(b, s, nil)
	key := f.credentials.Owner()
	type result struct {
		next string
		err  error
	}
	position := ""
	for i := 0; b.Loop(); i++ {
		got := make(chan result)
		go func() {
			_, next, err := s.ReadStream(b.Context(), "app-local-users", position, 100, 10*time.Second)
			got <- result{next, err}
		}()
		post(b, f.url, key, "PutItem", fmt.Sprintf(`{"TableName":"app-local-users","Item":{"user_id":{"S":"u%d"}}}`, i))
		r := <-got
		if r.err != nil || r.next == position {
			b.Fatalf("record %d: %v, position %q", i, r.err, r.next)
		}
		position = r.next
	}
}
