package orm

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/internal/awsenv"
)

// wire plays DynamoDB: it notes requests and gives the answer that is set.
type wire struct {
	requests []sent
	status   int
	answer   string
	err      error
}

type sent struct {
	Operation string
	Body      any
}

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s := sent{Operation: strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")}
	if err := json.Unmarshal(body, &s.Body); err != nil {
		return nil, err
	}
	w.requests = append(w.requests, s)
	if w.err != nil {
		return nil, w.err
	}
	return &http.Response{
		StatusCode: cmp.Or(w.status, 200), Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(bytes.NewBufferString(cmp.Or(w.answer, "{}"))),
	}, nil
}

func (w *wire) store() (Store, *dynamodb.Client) {
	cfg := awsenv.Config(func(name string) string { return map[string]string{awsenv.Region: "us-east-1"}[name] })
	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		o.HTTPClient = w
		o.Retryer = aws.NopRetryer{}
		o.Credentials = aws.AnonymousCredentials{}
		o.DisableValidateResponseChecksum = true
	})
	return NewDynamoDB(client, func(d string) string { return "app-dev-" + d }), client
}

// TestRequests holds what is sent to DynamoDB against golden files.
func TestRequests(t *testing.T) {
	ctx := context.Background()
	key := Key("acme", int64(7))
	at := time.Date(2026, 11, 20, 10, 30, 0, 123456789, time.FixedZone("", 2*3600))
	whole := order{Tenant: "acme", Number: 7, Code: "Æ-1", Labels: []string{"x", "y"}, Total: 1.5,
		Lines: []address{{Street: "s", Codes: map[string]string{"a": ""}}}, stamps: stamps{CreatedAt: at, UpdatedAt: at}}
	full := orders.Update(key,
		orderStatus.Set("paid"), orderCount.Add(2), orderLabels.Remove(), orderMade.SetIfNotExists(at), orderMoved.Set(at), orderTotal.Set(2)).
		If(And(orderStatus.Eq("open"), Or(orderCount.Lt(10), orderCount.NotExists())), Not(orderStatus.In("a", "b")))
	for name, call := range map[string]func(Store) error{
		"get": func(s Store) error {
			return second(s.Get(ctx, &GetRequest{Table: orders.Schema(), Key: Item{"tenant": &types.AttributeValueMemberS{Value: "acme"}}}))
		},
		"get_eventual": func(s Store) error {
			return second(s.Get(ctx, &GetRequest{Table: orders.Schema(), Key: Item{"tenant": &types.AttributeValueMemberS{Value: "acme"}}, Eventual: true}))
		},
		"insert": func(s Store) error { return Exec(ctx, s, orders.Insert(whole)) },
		"update": func(s Store) error { return Exec(ctx, s, full) },
		"update_remove": func(s Store) error {
			return Exec(ctx, s, orders.Update(key, orderLabels.Remove(), orderStatus.Set("")))
		},
		"update_conditions": func(s Store) error {
			return Exec(ctx, s, orders.Update(key, orderCount.Set(0)).If(orderCount.Between(1, 2), orderStatus.Ne("x"), BeginsWith(orderStatus, "p"),
				Contains(orderStatus, "ai"), orderNumber.Ge(1), orderTotal.Gt(0), orderNumber.Le(9), orderStatus.Eq(""), orderStatus.Ne(""), orderStatus.In("", "x"), orderWait.Exists()))
		},
		"check": func(s Store) error { return Exec(ctx, s, orders.Check(key, orderStatus.Exists())) },
		"transact": func(s Store) error {
			actions, err := Actions(full, orders.Check(Key("acme", int64(8)), orderStatus.Eq("open")))
			if err != nil {
				return err
			}
			plain := Define[plainItem, string]("plain")
			more, err := Actions(plain.Put(plainItem{ID: "p"}), plain.Delete("q").If(Attr(plain, func(p *plainItem) *string { return &p.Name }).Eq("n")))
			if err != nil {
				return err
			}
			return s.Transact(ctx, "token", append(actions, more...))
		},
		"delete": func(s Store) error { return Exec(ctx, s, Define[plainItem, string]("plain").Delete("q")) },
		"query": func(s Store) error {
			for _, err := range Query(ctx, s, orders, "acme", Range[int64]{From: aws.Int64(1), To: aws.Int64(9), Descending: true, Limit: 5}) {
				return err
			}
			return nil
		},
		"query_index": func(s Store) error {
			ix := IndexOf(orders, func(o *order) *string { return &o.Status }, func(o *order) *time.Time { return &o.UpdatedAt })
			for _, err := range QueryIndex(ctx, s, ix, "open", Range[time.Time]{From: &at}) {
				return err
			}
			return nil
		},
		"query_local_index": func(s Store) error {
			ix := IndexOf(orders, func(o *order) *string { return &o.Tenant }, func(o *order) **int { return &o.Priority })
			three := aws.Int(3)
			for _, err := range QueryIndex(ctx, s, ix, "acme", Range[*int]{To: &three}) {
				return err
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			var w wire
			s, _ := w.store()
			if err := call(s); err != nil {
				t.Fatal(err)
			}
			for i := range w.requests { // the SDK's own random token
				if m := w.requests[i].Body.(map[string]any); m["ClientRequestToken"] != nil && m["ClientRequestToken"] != "token" {
					m["ClientRequestToken"] = "(random)"
				}
			}
			golden(t, "request_"+name+".json", w.requests)
		})
	}
	t.Run("create_table", func(t *testing.T) {
		var w wire
		_, client := w.store()
		if _, err := client.CreateTable(ctx, CreateTableInput(orders.Schema(), "app-dev-orders")); err != nil {
			t.Fatal(err)
		}
		golden(t, "request_create_table.json", w.requests)
	})
}

type plainItem struct {
	ID   string `dynamo:"id,hash"`
	Name string `dynamo:"name"`
}

var plainTable = Define[plainItem, string]("plain")

func TestFailures(t *testing.T) {
	ctx := context.Background()
	name := Attr(plainTable, func(p *plainItem) *string { return &p.Name })
	answer := func(code, message string) string {
		return fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":%q}`, code, message)
	}
	for code, c := range map[string]struct {
		status  int
		message string
		want    Kind
	}{
		"ProvisionedThroughputExceededException":   {400, "slow down", KindThrottled},
		"ThrottlingException":                      {400, "slow down", KindThrottled},
		"RequestLimitExceeded":                     {400, "slow down", KindThrottled},
		"TransactionConflictException":             {400, "conflict", KindConflict},
		"TransactionInProgressException":           {400, "wait", KindUnavailable},
		"ItemCollectionSizeLimitExceededException": {400, "10 GB", KindTooLarge},
		"ValidationException":                      {400, "bad expression", KindValidation},
		"IdempotentParameterMismatchException":     {400, "other parameters", KindValidation},
		"ResourceNotFoundException":                {400, "Requested resource not found", KindNoTable},
		"AccessDeniedException":                    {400, "not authorized to perform", KindDenied},
		"UnrecognizedClientException":              {400, "bad token", KindDenied},
		"InternalServerError":                      {500, "sorry", KindUnavailable},
		"ServiceUnavailable":                       {503, "sorry", KindUnavailable},
		"SerializationException":                   {400, "unexpected", KindValidation},
	} {
		t.Run(code, func(t *testing.T) {
			w := wire{status: c.status, answer: answer(code, c.message)}
			s, _ := w.store()
			for what, err := range map[string]error{
				"get":      second(plainTable.Get(ctx, s, "a")),
				"put":      Exec(ctx, s, plainTable.Put(plainItem{ID: "a"})),
				"update":   Exec(ctx, s, plainTable.Update("a", name.Set("x"))),
				"delete":   Exec(ctx, s, plainTable.Delete("a")),
				"check":    Exec(ctx, s, plainTable.Check("a", name.Exists())),
				"transact": Exec(ctx, s, plainTable.Put(plainItem{ID: "a"}), plainTable.Delete("b")),
			} {
				if !errors.Is(err, c.want) {
					t.Errorf("%s: error is %v, want kind %q", what, err, c.want)
				}
				if !strings.Contains(err.Error(), "plain") || !strings.Contains(err.Error(), c.message) {
					t.Errorf("%s: error %q does not say which table and why", what, err)
				}
			}
			if c.want == KindNoTable {
				if err := Exec(ctx, s, plainTable.Put(plainItem{ID: "a"})); !strings.Contains(err.Error(), "no table app-dev-plain") {
					t.Errorf("error %q does not name the physical table", err)
				}
			}
		})
	}
	t.Run("item size", func(t *testing.T) {
		w := wire{status: 400, answer: answer("ValidationException", "Item size has exceeded the maximum allowed size")}
		s, _ := w.store()
		if err := Exec(ctx, s, plainTable.Put(plainItem{ID: "a"})); !errors.Is(err, KindTooLarge) {
			t.Errorf("error is %v, want kind %q", err, KindTooLarge)
		}
	})
	t.Run("network", func(t *testing.T) {
		w := wire{err: io.ErrUnexpectedEOF}
		s, _ := w.store()
		if err := Exec(ctx, s, plainTable.Put(plainItem{ID: "a"})); !errors.Is(err, KindUnavailable) || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("error is %v, want kind %q and its cause", err, KindUnavailable)
		}
	})
}

// answers plays DynamoDB with one answer a request, the last one for ever.
type answers struct {
	all   []answer
	asked int
}

type answer struct {
	status int
	body   string
	err    error
}

func (a *answers) Do(r *http.Request) (*http.Response, error) {
	now := a.all[min(a.asked, len(a.all)-1)]
	a.asked++
	if now.err != nil {
		return nil, now.err
	}
	return &http.Response{StatusCode: now.status, Request: r, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(now.body))}, nil
}

// TestRepeatedWrites: the client repeats what got no answer, and DynamoDB does
// not know a single write again. Nothing may be counted twice by that, and no
// failed condition reported that the write itself made fail.
func TestRepeatedWrites(t *testing.T) {
	ctx := context.Background()
	name := Attr(plainTable, func(p *plainItem) *string { return &p.Name })
	type counted struct {
		ID string `dynamo:"id,hash"`
		N  int    `dynamo:"n"`
	}
	counters := Define[counted, string]("counters")
	n := Number(counters, func(c *counted) *int { return &c.N })

	lost := answer{err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}}
	sorry := answer{status: 500, body: `{"__type":"InternalServerError","message":"sorry"}`}
	slow := answer{status: 400, body: `{"__type":"ThrottlingException","message":"slow down"}`}
	unsent := answer{err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	failed := answer{status: 400, body: `{"__type":"ConditionalCheckFailedException","message":"failed","Item":{"id":{"S":"a"}}}`}
	done := answer{status: 200, body: "{}"}

	insert, update := plainTable.Insert(plainItem{ID: "a"}), plainTable.Update("a", name.Set("x"))
	count := counters.Update("a", n.Add(1))
	for what, c := range map[string]struct {
		write   Write
		answers []answer
		want    Kind // empty: success
		asked   int
	}{
		"insert, lost, there":            {insert, []answer{lost, failed}, KindUnavailable, 2},
		"insert, 500, there":             {insert, []answer{sorry, failed}, KindUnavailable, 2},
		"insert, throttled, there":       {insert, []answer{slow, failed}, KindAlreadyExists, 2},
		"insert, not sent, there":        {insert, []answer{unsent, failed}, KindAlreadyExists, 2},
		"insert, lost, done":             {insert, []answer{lost, done}, "", 2},
		"update, lost, condition":        {update.If(name.Eq("y")), []answer{lost, failed}, KindUnavailable, 2},
		"update, condition":              {update.If(name.Eq("y")), []answer{failed}, KindConditionFailed, 1},
		"update, lost, done":             {update, []answer{lost, done}, "", 2},
		"delete, lost, condition":        {plainTable.Delete("a").If(name.Eq("y")), []answer{lost, failed}, KindUnavailable, 2},
		"count, lost":                    {count, []answer{lost, done}, KindUnavailable, 1},
		"count, 500":                     {count, []answer{sorry, done}, KindUnavailable, 1},
		"count, throttled, done":         {count, []answer{slow, done}, "", 2},
		"count, not sent, done":          {count, []answer{unsent, done}, "", 2},
		"count in a transaction, lost":   {transaction{count, update}, []answer{lost, done}, "", 2},
		"count under a condition, lost":  {count.If(n.Lt(5)), []answer{lost, failed}, KindUnavailable, 1},
		"count, throttled, then no more": {count, []answer{slow, slow, slow}, KindThrottled, 3},
	} {
		t.Run(what, func(t *testing.T) {
			wire := &answers{all: c.answers}
			client := dynamodb.NewFromConfig(awsenv.Config(func(string) string { return "us-east-1" }), func(o *dynamodb.Options) {
				o.HTTPClient = wire
				o.BaseEndpoint = nil
				o.Credentials = aws.AnonymousCredentials{}
				o.DisableValidateResponseChecksum = true
				o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Microsecond })
			})
			err := Exec(ctx, NewDynamoDB(client, func(d string) string { return d }), c.write)
			if c.want == "" && err != nil || c.want != "" && !errors.Is(err, c.want) {
				t.Errorf("error is %v, want kind %q", err, c.want)
			}
			if c.want == KindUnavailable && (errors.Is(err, KindAlreadyExists) || errors.Is(err, KindConditionFailed)) {
				t.Errorf("error %v says more than is known", err)
			}
			if wire.asked != c.asked {
				t.Errorf("sent %d times, want %d", wire.asked, c.asked)
			}
		})
	}
}

// transaction is several writes as one, which Exec makes a transaction of.
type transaction []Write

func (t transaction) Actions() ([]Action, error) { return Actions(t...) }

func TestCancelledReasons(t *testing.T) {
	ctx := context.Background()
	writes := make([]Write, 8)
	for i := range writes {
		writes[i] = plainTable.Insert(plainItem{ID: fmt.Sprint(i)})
	}
	w := wire{status: 400, answer: `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"Transaction cancelled","CancellationReasons":[
		{"Code":"None"},
		{"Code":"ConditionalCheckFailed","Message":"failed","Item":{"id":{"S":"1"},"name":{"S":"there"}}},
		{"Code":"TransactionConflict","Message":"conflict"},
		{"Code":"ThrottlingError","Message":"slow"},
		{"Code":"ProvisionedThroughputExceeded","Message":"slow"},
		{"Code":"ItemCollectionSizeLimitExceeded","Message":"10 GB"},
		{"Code":"ValidationError","Message":"bad"},
		{"Code":"ValidationError","Message":"Item size to update has exceeded the maximum allowed size"}]}`}
	s, _ := w.store()
	err := Exec(ctx, s, writes...)
	var te *TransactionError
	if !errors.As(err, &te) || len(te.Reasons) != len(writes) {
		t.Fatalf("error is %v, want a TransactionError of %d reasons", err, len(writes))
	}
	for i, want := range []Kind{"", KindAlreadyExists, KindConflict, KindThrottled, KindThrottled, KindTooLarge, KindValidation, KindTooLarge} {
		r := te.Reasons[i]
		if (r == nil) != (want == "") || r != nil && (r.Kind != want || r.Key != fmt.Sprintf("%q", fmt.Sprint(i))) {
			t.Errorf("reason %d is %v, want kind %q and key %d", i, r, want, i)
		}
	}
	if te.Reasons[1].Item["name"] == nil {
		t.Error("the reason does not hold the item that was there")
	}
	if Only(err, KindAlreadyExists, KindConflict) || !Only(err, KindAlreadyExists, KindConflict, KindThrottled, KindTooLarge, KindValidation) {
		t.Error("Only does not look at every reason")
	}

	// Without reasons it is not known what happened.
	w.answer = `{"__type":"TransactionCanceledException","message":"Transaction cancelled"}`
	if err := Exec(ctx, s, writes...); !errors.Is(err, KindUnavailable) {
		t.Errorf("error is %v, want kind %q", err, KindUnavailable)
	}
}

func TestFromEnv(t *testing.T) {
	env := map[string]string{"VINCI_APP": "shop", "VINCI_DEPLOYMENT": "dev", "AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
	get := func(name string) string { return env[name] }
	s, err := FromEnv(get)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.(*store).table("users"); got != "shop-dev-users" {
		t.Errorf("physical table is %q, want shop-dev-users", got)
	}
	if _, err := plainTable.Get(t.Context(), s, "a"); err == nil || !strings.Contains(err.Error(), awsenv.AccessKeyID) {
		t.Errorf("error is %v, want one that names %s", err, awsenv.AccessKeyID)
	}
	env["VINCI_APP"] = ""
	if _, err := FromEnv(get); err == nil || !strings.Contains(err.Error(), "VINCI_APP") {
		t.Errorf("error is %v, want one that names VINCI_APP", err)
	}
}
