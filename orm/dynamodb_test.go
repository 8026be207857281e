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
			return Exec(ctx, s, orders.Update(key, orderLabels.Remove(), orderStatus.Remove()))
		},
		"update_conditions": func(s Store) error {
			return Exec(ctx, s, orders.Update(key, orderCount.Set(0)).If(orderCount.Between(1, 2), orderStatus.Ne("x"), BeginsWith(orderStatus, "p"),
				Contains(orderStatus, "ai"), orderNumber.Ge(1), orderTotal.Gt(0), orderNumber.Le(9), orderStatus.Eq(""), orderStatus.Ne(""), orderStatus.In("", "x"), orderWait.Exists()))
		},
		"check": func(s Store) error { return Exec(ctx, s, orders.Check(key, orderStatus.Exists())) },
		"transact": func(s Store) error {
			actions, err := Actions(t.Context(), nil, full, orders.Check(Key("acme", int64(8)), orderStatus.Eq("open")))
			if err != nil {
				return err
			}
			plain := Define[plainItem, string]("plain")
			more, err := Actions(t.Context(), nil, plain.Put(plainItem{ID: "p"}), plain.Delete("q").If(Attr(plain, func(p *plainItem) *string { return &p.Name }).Eq("n")))
			if err != nil {
				return err
			}
			return s.Transact(ctx, "token", append(actions, more...))
		},
		"delete": func(s Store) error { return Exec(ctx, s, Define[plainItem, string]("plain").Delete("q")) },
		"query": func(s Store) error {
			for _, err := range QueryTable(orders, "acme").From(1).To(9).Descending().Limit(5).All(ctx, s) {
				return err
			}
			return nil
		},
		"query_index": func(s Store) error {
			ix := IndexOf(orders, func(o *order) *string { return &o.Status }, func(o *order) *time.Time { return &o.UpdatedAt })
			for _, err := range ix.Query("open").From(at).All(ctx, s) {
				return err
			}
			return nil
		},
		"query_local_index": func(s Store) error {
			ix := IndexOf(orders, func(o *order) *string { return &o.Tenant }, func(o *order) **int { return &o.Priority })
			three := aws.Int(3)
			for _, err := range ix.Query("acme").To(three).All(ctx, s) {
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
			w.hideTokens()
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
		"Throttling":                               {400, "slow down", KindThrottled},
		"RequestLimitExceeded":                     {400, "slow down", KindThrottled},
		"LimitExceededException":                   {400, "too many at once", KindThrottled},
		"ThrottledException":                       {400, "slow down", KindThrottled},
		"TooManyRequestsException":                 {429, "slow down", KindThrottled},
		"SlowDown":                                 {503, "slow down", KindThrottled},
		"NobodyDocumentedThat":                     {429, "slow down", KindThrottled},
		"TransactionConflictException":             {400, "conflict", KindConflict},
		"ReplicatedWriteConflictException":         {400, "conflict", KindConflict},
		"TransactionInProgressException":           {400, "wait", KindUnavailable},
		"RequestAbortedException":                  {400, "gone", KindUnavailable},
		"ResourceInUseException":                   {400, "being changed", KindUnavailable},
		"RequestTimeoutException":                  {408, "late", KindUnavailable},
		"ItemCollectionSizeLimitExceededException": {400, "10 GB", KindTooLarge},
		"RequestEntityTooLargeException":           {413, "too large", KindTooLarge},
		"SomethingWithoutACode":                    {413, "Request Entity Too Large", KindTooLarge},
		"ValidationException":                      {400, "bad expression", KindValidation},
		"ValidationError":                          {400, "bad request", KindValidation},
		"IdempotentParameterMismatchException":     {400, "other parameters", KindValidation},
		"MalformedHttpRequestException":            {400, "unexpected", KindValidation},
		"UnknownOperationException":                {400, "what?", KindValidation},
		"SerializationException":                   {400, "unexpected", KindValidation},
		"NobodyDocumentedThisException":            {400, "no", KindValidation},
		"ResourceNotFoundException":                {400, "Requested resource not found", KindNoTable},
		"TableNotFoundException":                   {400, "Requested resource not found", KindNoTable},
		"AccessDeniedException":                    {400, "not authorized to perform", KindDenied},
		"NotAuthorized":                            {401, "not authorized to perform", KindDenied},
		"OptInRequired":                            {403, "subscribe", KindDenied},
		"UnrecognizedClientException":              {400, "bad token", KindDenied},
		"InvalidClientTokenId":                     {403, "bad token", KindDenied},
		"ExpiredTokenException":                    {400, "old token", KindDenied},
		"RequestExpired":                           {400, "old request", KindDenied},
		"InvalidSignatureException":                {400, "bad signature", KindDenied},
		"SignatureDoesNotMatch":                    {403, "bad signature", KindDenied},
		"IncompleteSignatureException":             {400, "half a signature", KindDenied},
		"IncompleteSignature":                      {400, "half a signature", KindDenied},
		"MissingAuthenticationTokenException":      {400, "no signature", KindDenied},
		"MissingAuthenticationToken":               {403, "no signature", KindDenied},
		"InternalServerError":                      {500, "sorry", KindUnavailable},
		"InternalFailure":                          {500, "sorry", KindUnavailable},
		"ServiceUnavailable":                       {503, "sorry", KindUnavailable},
	} {
		t.Run(code, func(t *testing.T) {
			w := wire{status: c.status, answer: answer(code, c.message)}
			s, _ := w.store()
			for what, err := range map[string]error{
				"get":          second(plainTable.Get(ctx, s, "a")),
				"put":          Exec(ctx, s, plainTable.Put(plainItem{ID: "a"})),
				"update":       Exec(ctx, s, plainTable.Update("a", name.Set("x"))),
				"delete":       Exec(ctx, s, plainTable.Delete("a")),
				"check":        Exec(ctx, s, plainTable.Check("a", name.Exists())),
				"transact":     Exec(ctx, s, plainTable.Put(plainItem{ID: "a"}), plainTable.Delete("b")),
				"query":        second(s.Query(ctx, &QueryRequest{Table: plainTable.Schema(), Hash: str("a")})),
				"scan":         second(s.Scan(ctx, &ScanRequest{Table: plainTable.Schema()})),
				"batch get":    second(s.BatchGet(ctx, &BatchGetRequest{Table: plainTable.Schema(), Keys: []Item{{"id": str("a")}}})),
				"batch write":  second(s.BatchWrite(ctx, &BatchWriteRequest{Table: plainTable.Schema(), Deletes: []Item{{"id": str("a")}}})),
				"transact get": second(s.TransactGet(ctx, []GetRequest{{Table: plainTable.Schema(), Key: Item{"id": str("a")}}})),
			} {
				if !errors.Is(err, c.want) {
					t.Errorf("%s: error is %v, want kind %q", what, err, c.want)
				}
				if !strings.Contains(err.Error(), "plain") || !strings.Contains(err.Error(), c.message) {
					t.Errorf("%s: error %q does not say which table and why", what, err)
				}
			}
			if c.want == KindNoTable {
				if err := Exec(ctx, s, plainTable.Put(plainItem{ID: "a"})); !strings.Contains(err.Error(), "no table app-dev-plain:") {
					t.Errorf("error %q does not name the physical table", err)
				}
				if err := s.Transact(ctx, "", []Action{{Op: OpDelete, Table: plainTable.Schema(), Key: Item{"id": str("a")}}, {Op: OpDelete, Table: awkward, Key: awkwardKey("1")}}); !strings.Contains(err.Error(), "no table app-dev-plain or app-dev-status:") {
					t.Errorf("error %q does not name the physical tables", err)
				}
			}
		})
	}
	t.Run("size", func(t *testing.T) {
		for _, message := range []string{
			"Item size has exceeded the maximum allowed size",
			"Item size to update has exceeded the maximum allowed size",
			"Invalid UpdateExpression: Expression size has exceeded the maximum allowed size; expression size: 5167",
			"Transaction request size exceeds 4 MB",
			"One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
		} {
			w := wire{status: 400, answer: answer("ValidationException", message)}
			s, _ := w.store()
			for what, err := range map[string]error{
				"put":          Exec(ctx, s, plainTable.Put(plainItem{ID: "a"})),
				"batch write":  second(s.BatchWrite(ctx, &BatchWriteRequest{Table: plainTable.Schema(), Puts: []Item{{"id": str("a")}}})),
				"transact get": second(s.TransactGet(ctx, []GetRequest{{Table: plainTable.Schema(), Key: Item{"id": str("a")}}})),
			} {
				if !errors.Is(err, KindTooLarge) {
					t.Errorf("%s: error is %v, want kind %q", what, err, KindTooLarge)
				}
			}
		}
	})
	// What DynamoDB refuses without saying how to mend it.
	t.Run("mend", func(t *testing.T) {
		const message = "The document path provided in the update expression is invalid for update"
		for _, w := range []wire{
			{status: 400, answer: answer("ValidationException", message)},
			{status: 400, answer: fmt.Sprintf(`{"__type":"TransactionCanceledException","message":"cancelled","CancellationReasons":[{"Code":"None"},{"Code":"ValidationError","Message":%q}]}`, message)},
		} {
			s, _ := w.store()
			err := Exec(ctx, s, plainTable.Put(plainItem{ID: "a"}), plainTable.Delete("b"))
			if !errors.Is(err, KindValidation) || !strings.Contains(err.Error(), "set it as a whole first") {
				t.Errorf("error is %v, want what to do", err)
			}
		}
	})
	t.Run("never sent", func(t *testing.T) {
		var w wire
		s, _ := w.store()
		if err := second(s.Get(ctx, &GetRequest{Table: plainTable.Schema()})); !errors.Is(err, KindValidation) || len(w.requests) > 0 {
			t.Errorf("error is %v after %d requests, want kind %q and none", err, len(w.requests), KindValidation)
		}
	})
	t.Run("ended context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		w := wire{err: context.Canceled}
		s, _ := w.store()
		if err := second(s.Scan(ctx, &ScanRequest{Table: awkward})); !errors.Is(err, KindUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v, want kind %q and the context's error", err, KindUnavailable)
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

	raw := func(changes ...Change) Write {
		return rawWrite{Action{Op: OpUpdate, Table: &Schema{Name: "raw", Hash: "id", Version: "v"}, Key: Item{"id": str("a")}, Changes: changes}}
	}
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
		"append, lost":                   {raw(Change{Op: ChangeAppend, Path: "l", Value: listOf(num("1"))}), []answer{lost, done}, KindUnavailable, 1},
		"prepend, lost":                  {raw(Change{Op: ChangePrepend, Path: "l", Value: listOf(num("1"))}), []answer{lost, done}, KindUnavailable, 1},
		"increment, lost":                {raw(Change{Op: ChangeIncrement, Path: "n", Into: []Step{{Index: 1}}, Value: num("1")}), []answer{lost, done}, KindUnavailable, 1},
		"append, throttled":              {raw(Change{Op: ChangeAppend, Path: "l", Value: listOf(num("1"))}), []answer{slow, done}, "", 2},
		"version, lost":                  {raw(Change{Op: ChangeSet, Path: "x", Value: num("1")}, Change{Op: ChangeAdd, Path: "v", Value: num("1")}), []answer{lost, done}, "", 2},
		"version and count, lost":        {raw(Change{Op: ChangeAdd, Path: "x", Value: num("1")}, Change{Op: ChangeAdd, Path: "v", Value: num("1")}), []answer{lost, done}, KindUnavailable, 1},
		"set elements, lost":             {raw(Change{Op: ChangeAdd, Path: "s", Value: strs("a")}, Change{Op: ChangeDelete, Path: "d", Value: strs("a")}), []answer{lost, done}, "", 2},
		"remove, lost":                   {raw(Change{Op: ChangeRemove, Path: "x"}), []answer{lost, done}, "", 2},
		"remove of an element, lost":     {raw(Change{Op: ChangeRemove, Path: "l", Into: []Step{{Index: 0}}}), []answer{lost, done}, KindUnavailable, 1},
		"remove in an element, lost":     {raw(Change{Op: ChangeRemove, Path: "l", Into: []Step{{Index: 0}, {Name: "x"}}}), []answer{lost, done}, "", 2},
		"set of an element, lost":        {raw(Change{Op: ChangeSet, Path: "l", Into: []Step{{Index: 0}}, Value: num("1")}), []answer{lost, done}, KindUnavailable, 1},
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

// rawWrite is an action as it is.
type rawWrite struct{ a Action }

func (w rawWrite) Table() *Schema { return w.a.Table }

func (w rawWrite) Actions(context.Context, Reader) ([]Action, error) { return []Action{w.a}, nil }

// transaction is several writes as one, which Exec makes a transaction of.
type transaction []Write

func (t transaction) Table() *Schema { return t[0].Table() }

func (t transaction) Actions(ctx context.Context, r Reader) ([]Action, error) {
	return Actions(ctx, r, t...)
}

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
