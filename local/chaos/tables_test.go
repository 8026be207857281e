package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/vinci-go/vinci/local/lambda"
)

func item(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}}
}

func put(id string) *dynamodb.PutItemInput {
	return &dynamodb.PutItemInput{TableName: aws.String("users"), Item: item(id)}
}

// However high the rate, the SDK's own retries get every call through, each with
// one effect.
func TestThrottleIsBearable(t *testing.T) {
	f := newFixture(t, only(t, "1", "throttle=0.9"))
	db := f.db()
	const calls = 30
	for i := range calls {
		if _, err := db.PutItem(t.Context(), put(fmt.Sprint(i))); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	told := f.told("throttle")
	if n := len(f.tables.all("PutItem")); n != calls || len(told) < calls || f.count() != calls+len(told) {
		t.Errorf("%d effects of %d calls in %d attempts, %d of them throttled", n, calls, f.count(), len(told))
	}
	if !strings.Contains(told[0], "owner DynamoDB_20120810.PutItem #2: ProvisionedThroughputExceededException") {
		t.Errorf("told %q", told[0])
	}
}

// At rate 1 nothing gets through, and every service says it in its own words.
func TestThrottleByService(t *testing.T) {
	f := newFixture(t, only(t, "1", "throttle=1"), "q")
	ctx := t.Context()
	_, err := f.db().PutItem(ctx, put("a"))
	if e := (*types.ProvisionedThroughputExceededException)(nil); !errors.As(err, &e) {
		t.Errorf("PutItem: %v", err)
	}
	_, err = f.db().Query(ctx, &dynamodb.QueryInput{TableName: aws.String("users")})
	if e := (*types.ProvisionedThroughputExceededException)(nil); !errors.As(err, &e) {
		t.Errorf("Query: %v", err)
	}
	_, err = f.db().DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String("users")})
	if e := smithy.APIError(nil); !errors.As(err, &e) || e.ErrorCode() != "ThrottlingException" {
		t.Errorf("DescribeTable: %v", err)
	}
	_, err = f.sqs().SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: f.queueURL("q"), MessageBody: aws.String("x")})
	if e := (*sqstypes.RequestThrottled)(nil); !errors.As(err, &e) {
		t.Errorf("SendMessage: %v", err)
	}
	_, err = f.events().ListEventBuses(ctx, &eventbridge.ListEventBusesInput{})
	if e := smithy.APIError(nil); !errors.As(err, &e) || e.ErrorCode() != "ThrottlingException" {
		t.Errorf("ListEventBuses: %v", err)
	}
	if f.count() != 5*3 {
		t.Errorf("%d attempts, want three for each call: the SDK knows all of these as worth another try", f.count())
	}
	if len(f.tables.done) != 0 {
		t.Errorf("effects: %v", f.tables.done)
	}
}

// A caller that marks no attempts is throttled twice in a row at most.
func TestThrottleWithoutAnSDK(t *testing.T) {
	f := newFixture(t, only(t, "5", "throttle=0.95"))
	row, rows := 0, 0
	for range 60 {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810.Scan")
		f.around(w, r)
		if w.Code == 200 {
			row = 0
			continue
		}
		if row++; row > 2 {
			t.Fatalf("throttled %d times in a row", row)
		}
		if row == 2 {
			rows++
		}
	}
	if rows < 10 {
		t.Errorf("throttled twice in a row %d times only", rows)
	}
}

func transaction(ids ...string) *dynamodb.TransactWriteItemsInput {
	in := &dynamodb.TransactWriteItemsInput{}
	for _, id := range ids {
		in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Delete: &types.Delete{TableName: aws.String("users"), Key: item(id)}})
	}
	return in
}

func TestConflict(t *testing.T) {
	f := newFixture(t, only(t, "1", "conflict=1"))
	ctx := t.Context()
	_, err := f.db().PutItem(ctx, put("a"))
	if e := (*types.TransactionConflictException)(nil); !errors.As(err, &e) || e.ErrorMessage() != "Transaction is ongoing for the item" {
		t.Errorf("PutItem: %v", err)
	}
	_, err = f.db().TransactWriteItems(ctx, transaction("a", "b", "c"))
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) != 3 {
		t.Fatalf("TransactWriteItems: %v", err)
	}
	codes := map[string]int{}
	for _, r := range cancelled.CancellationReasons {
		codes[*r.Code]++
	}
	if codes["TransactionConflict"] != 1 || codes["None"] != 2 || !strings.HasPrefix(cancelled.ErrorMessage(), "Transaction cancelled, please refer cancellation reasons for specific reasons [") {
		t.Errorf("reasons %v: %s", codes, cancelled.ErrorMessage())
	}
	// A read has no conflict, and a malformed transaction is the service's to refuse.
	if _, err := f.db().GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("users"), Key: item("a")}); err != nil {
		t.Errorf("GetItem: %v", err)
	}
	if _, err := f.db().TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{}}); err != nil {
		t.Errorf("a transaction without actions: %v", err)
	}
	if n := len(f.tables.all("PutItem")) + len(f.tables.all("TransactWriteItems")); n != 1 {
		t.Errorf("%d effects", n)
	}
}

// An item is in a conflict at most twice in a row, whoever writes it.
func TestConflictIsBearable(t *testing.T) {
	f := newFixture(t, only(t, "3", "conflict=0.6,throttle=0.9"))
	row, cancels := 0, map[string]int{}
	for range 60 {
		_, err := f.db().TransactWriteItems(t.Context(), transaction("a"))
		var cancelled *types.TransactionCanceledException
		switch {
		case err == nil:
			row = 0
		case errors.As(err, &cancelled):
			if row++; row > 2 {
				t.Fatalf("cancelled %d times in a row", row)
			}
			cancels[*cancelled.CancellationReasons[0].Code]++
		default:
			t.Fatal(err)
		}
	}
	if cancels["TransactionConflict"] == 0 || cancels["ThrottlingError"] == 0 {
		t.Errorf("cancelled %v", cancels)
	}
}

// Every write of a batch is done once or told to be unprocessed, never both, and
// asking again for what is left comes to an end.
func TestBatchWrite(t *testing.T) {
	f := newFixture(t, only(t, "2", "throttle=0.7"))
	var writes []types.WriteRequest
	for i := range 20 {
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: item(fmt.Sprint(i))}})
	}
	left := map[string][]types.WriteRequest{"users": writes[:12], "orders": writes[12:]}
	rounds := 0
	for len(left) > 0 {
		if rounds++; rounds > 10 {
			t.Fatalf("still unprocessed: %v", left)
		}
		out, err := f.db().BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: left})
		if err != nil {
			t.Fatal(err)
		}
		left = out.UnprocessedItems
	}
	var got []string
	for _, body := range f.tables.all("BatchWriteItem") {
		for table, writes := range body["RequestItems"].(map[string]any) {
			for _, w := range writes.([]any) {
				got = append(got, table+" "+w.(map[string]any)["PutRequest"].(map[string]any)["Item"].(map[string]any)["id"].(map[string]any)["S"].(string))
			}
		}
	}
	slices.Sort(got)
	if len(got) != 20 || len(slices.Compact(slices.Clone(got))) != 20 || rounds < 2 {
		t.Errorf("in %d rounds %d writes had their effect: %v", rounds, len(got), got)
	}
}

func TestBatchGet(t *testing.T) {
	f := newFixture(t, only(t, "2", "throttle=0.7"))
	var keys []map[string]types.AttributeValue
	for i := range 20 {
		keys = append(keys, item(fmt.Sprint(i)))
	}
	out, err := f.db().BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		"users": {Keys: keys, ConsistentRead: aws.Bool(true)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	asked := f.tables.all("BatchGetItem")[0]["RequestItems"].(map[string]any)["users"].(map[string]any)
	left := out.UnprocessedKeys["users"]
	if n := len(asked["Keys"].([]any)); n+len(left.Keys) != 20 || n == 0 || len(left.Keys) == 0 {
		t.Errorf("%d keys read, %d unprocessed, of 20", n, len(left.Keys))
	}
	if asked["ConsistentRead"] != true || !aws.ToBool(left.ConsistentRead) {
		t.Errorf("what the request says beside the keys is lost: %v, %v", asked, left)
	}
}

// A call whose answer is lost has had its effect, and the SDK tries again.
func TestLose(t *testing.T) {
	f := newFixture(t, only(t, "1", "lose=0.6"))
	const calls = 20
	for i := range calls {
		if _, err := f.db().PutItem(t.Context(), put(fmt.Sprint(i))); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	told := len(f.told("lose"))
	if n := len(f.tables.all("PutItem")); told < 5 || n != calls+told {
		t.Errorf("%d calls had %d effects, %d answers were lost", calls, n, told)
	}
}

// A transaction whose answer was lost comes again under its token, and may meet
// itself still under way.
func TestLoseTransaction(t *testing.T) {
	f := newFixture(t, only(t, "1", "lose=0.6,conflict=1e-9"))
	const calls = 20
	for i := range calls {
		if _, err := f.db().TransactWriteItems(t.Context(), transaction(fmt.Sprint(i))); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	tokens := map[string]bool{}
	for _, body := range f.tables.all("TransactWriteItems") {
		tokens[body["ClientRequestToken"].(string)] = true
	}
	if len(tokens) != calls {
		t.Errorf("%d calls came under %d tokens", calls, len(tokens))
	}
	if told := f.told("conflict"); len(told) == 0 || !strings.Contains(told[0], "TransactionInProgressException") {
		t.Errorf("told of conflicts: %v", told)
	}
}

// At a function's call its own process dies, before the effect or after it, and the
// connection with it.
func TestKill(t *testing.T) {
	f := newFixture(t, only(t, "1", "kill=1"))
	var mu sync.Mutex
	var killed []string
	f.plan.KillWith(func(name string, pick func(int) int) (string, bool) {
		if i := pick(3); i < 0 || i > 2 {
			t.Errorf("picks %d of 3", i)
		}
		mu.Lock()
		killed = append(killed, name)
		mu.Unlock()
		return name, true
	})
	db := f.function()
	before, after := 0, 0
	for i := range 20 {
		effects := len(f.tables.all("PutItem"))
		// The caller is dead, so there is no retry; here one marks where it would be.
		_, err := db.PutItem(t.Context(), put(fmt.Sprint(i)), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
		if err == nil {
			t.Fatal("the caller's process is dead, and gets an answer")
		}
		if len(f.tables.all("PutItem")) == effects {
			before++
		} else {
			after++
		}
	}
	mu.Lock()
	if before == 0 || after == 0 || len(killed) != 20 || slices.ContainsFunc(killed, func(s string) bool { return s != function }) {
		t.Errorf("%d deaths before the effect, %d after it: %v", before, after, killed)
	}
	mu.Unlock()
	// Somebody else's call kills any process and goes on.
	_, err := f.db().PutItem(t.Context(), put("x"))
	mu.Lock()
	defer mu.Unlock()
	if err != nil || killed[len(killed)-1] != "" {
		t.Errorf("%v, killed %q", err, killed[len(killed)-1])
	}
}

// Where no process is left the call is served as if nothing had been decided.
func TestKillNobody(t *testing.T) {
	f := newFixture(t, only(t, "1", "kill=1"))
	f.plan.KillWith(func(string, func(int) int) (string, bool) { return "", false })
	for i := range 5 {
		if _, err := f.function().PutItem(t.Context(), put(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(f.tables.all("PutItem")); n != 5 || len(f.told("kill")) != 0 {
		t.Errorf("%d effects, told %v", n, f.told("kill"))
	}
}

func TestDelay(t *testing.T) {
	c := only(t, "1", "delay=0.5")
	f := newFixture(t, c)
	for i := range 40 {
		if _, err := f.db().PutItem(t.Context(), put(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(f.slept); n < 8 || n > 32 {
		t.Errorf("%d of 40 calls were delayed", n)
	}
	for _, d := range f.slept {
		if d <= 0 || d > c.Pause {
			t.Errorf("a delay of %s, the longest is %s", d, c.Pause)
		}
	}
}

// The refusals of Lambda are read from headers and body, as its REST calls have it.
func TestThrottleREST(t *testing.T) {
	f := newFixture(t, only(t, "1", "throttle=1"))
	w := httptest.NewRecorder()
	f.around(w, httptest.NewRequest("POST", "/2015-03-31/functions/f/invocations", nil))
	if w.Code != 429 || w.Header().Get("X-Amzn-Errortype") != "TooManyRequestsException" || !strings.Contains(w.Body.String(), `"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"`) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

// A function that has a message for the third time lives until the message is
// deleted.
func TestKillSparesThirdReceive(t *testing.T) {
	f := newFixture(t, only(t, "1", "kill=0.99"))
	var deaths atomic.Int64
	f.plan.KillWith(func(string, func(int) int) (string, bool) { deaths.Add(1); return function, true })
	received := 3
	q := f.plan.Queues(oneMessage{&received})
	calls := func() (killed int64) {
		before := deaths.Load()
		for i := range 10 {
			_, _ = f.function().PutItem(t.Context(), put(fmt.Sprint(i)), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 }) // its caller may be dead
		}
		return deaths.Load() - before
	}
	if n := calls(); n == 0 {
		t.Error("nobody dies")
	}
	m, err := q.Receive(t.Context(), functionQueue, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := calls(); n != 0 {
		t.Errorf("%d deaths with a message that came for the third time", n)
	}
	if err := q.Delete(t.Context(), functionQueue, m[0].ReceiptHandle); err != nil {
		t.Fatal(err)
	}
	received = 2
	if _, err := q.Receive(t.Context(), functionQueue, 1, 0); err != nil {
		t.Fatal(err)
	}
	if n := calls(); n == 0 {
		t.Error("nobody dies any more")
	}
}

const functionQueue = "arn:aws:sqs:us-east-1:000000000000:count"

// oneMessage gives one message, as received so often.
type oneMessage struct{ times *int }

func (q oneMessage) Receive(context.Context, string, int, time.Duration) ([]lambda.Message, error) {
	return []lambda.Message{{ID: "m", ReceiptHandle: fmt.Sprint("r", *q.times), Attributes: map[string]string{"ApproximateReceiveCount": fmt.Sprint(*q.times)}}}, nil
}

func (q oneMessage) Delete(context.Context, string, ...string) error { return nil }

func (q oneMessage) Send(context.Context, string, string) error { return nil }
