package orders

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
	"github.com/vinci-go/vinci/tables"
)

// The headers of what we send to a tenant's endpoint. The signature is the
// hexadecimal HMAC-SHA256, under the endpoint's secret, of timestamp, a dot and the
// body; the timestamp (Unix seconds) lets a receiver refuse what is old.
const (
	HeaderSignature   = "Vinci-Signature"
	HeaderTimestamp   = "Vinci-Timestamp"
	HeaderIdempotency = "Idempotency-Key"
)

// Sign is the signature of a body at a time.
func Sign(secret string, at int64, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(strconv.AppendInt(nil, at, 10))
	m.Write([]byte{'.'})
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

// Verify reports whether a request's signature is right and not older than an age:
// for receivers.
func Verify(secret string, h http.Header, body []byte, now time.Time, age time.Duration) bool {
	at, err := strconv.ParseInt(h.Get(HeaderTimestamp), 10, 64)
	if err != nil || now.Sub(time.Unix(at, 0)).Abs() > age {
		return false
	}
	return hmac.Equal([]byte(Sign(secret, at, body)), []byte(h.Get(HeaderSignature)))
}

// Caller calls the endpoints of tenants. It is safe for concurrent use.
type Caller struct {
	Store  orm.Reader
	Client *http.Client // as [NewClient] makes one
	Now    func() time.Time
	// Settings say [TellDistributors]; nil means its default.
	Settings *settings.Reader
}

// callTimeout bounds one call, whatever the function's own time-out: a service that
// hangs is tried again and not waited for.
const callTimeout = 5 * time.Second

// NewClient makes a client for [Caller]. It follows no redirects: what is signed for
// a tenant goes where the tenant said and nowhere else.
func NewClient() *http.Client {
	return &http.Client{
		Timeout:       callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// errNoEndpoint: the tenant has none of that kind.
var errNoEndpoint = errors.New("the tenant has no such endpoint")

// call posts v to a tenant's endpoint. An answer that another attempt cannot mend
// (3xx, and 4xx but for 408, 425 and 429) is a permanent error.
func (c *Caller) call(ctx context.Context, tenant, kind string, v any, key string) (err error) {
	endpoint, err := tables.Endpoints.Get(ctx, c.Store, orm.Key(tenant, kind))
	if errors.Is(err, orm.KindNotFound) {
		return errNoEndpoint
	}
	if err != nil {
		return fmt.Errorf("read the %s endpoint: %w", kind, err)
	}
	body, err := json.Marshal(v)
	if err != nil {
		return bus.Permanent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint.URL, bytes.NewReader(body))
	if err != nil {
		return bus.Permanent(err)
	}
	at := c.Now().Unix()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(HeaderIdempotency, key)
	req.Header.Set(HeaderTimestamp, strconv.FormatInt(at, 10))
	req.Header.Set(HeaderSignature, Sign(endpoint.Secret, at, body))
	resp, err := c.Client.Do(req)
	if err != nil {
		return err // it names method and URL
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1024)) // what goes into the error
	if err != nil {
		return fmt.Errorf("read the answer of the %s endpoint: %w", kind, err)
	}
	if resp.StatusCode < 300 {
		return nil
	}
	err = fmt.Errorf("the %s endpoint answers %s: %s", kind, resp.Status, text)
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return err
	}
	if resp.StatusCode < 500 {
		return bus.Permanent(err)
	}
	return err
}

// SendConfirmation implements [Mailer]: by the tenant's own provider, or as a log
// line for one that has none.
func (c *Caller) SendConfirmation(ctx context.Context, tenant string, m Confirmation, key string) error {
	err := c.call(ctx, tenant, tables.EndpointMail, m, key)
	if errors.Is(err, errNoEndpoint) {
		bus.Logger(ctx).InfoContext(ctx, MsgConfirmationSent, "to", m.To, "order_id", m.OrderID, "idempotency_key", key)
		return nil
	}
	return err
}

var _ Mailer = (*Caller)(nil)

// OrderNotice is what a distributor is told of an order: its own shape, so that what
// we keep inside can change.
type OrderNotice struct {
	OrderID  string `json:"order_id"`
	Items    []Line `json:"items"`
	Total    Money  `json:"total"`
	PlacedAt string `json:"placed_at"` // RFC 3339, UTC
}

// errNotTold: the switch is off. Trying again before somebody turns it on is in vain.
var errNotTold = errors.New("distributors are not told while the setting tell_distributors is false: redrive this when it is true again")

// Notify tells the tenant's distributor of an order. A tenant without one has nobody
// to tell. While [TellDistributors] is off it gives up at once.
func (c *Caller) Notify(ctx context.Context, e event.Event[OrderPlaced]) error {
	tell, err := TellDistributors.Get(ctx, c.Settings)
	if err != nil {
		return err
	}
	if !tell {
		return bus.Permanent(errNotTold)
	}
	notice := OrderNotice{OrderID: e.Data.OrderID, Total: e.Data.Total, PlacedAt: e.Time.UTC().Format(time.RFC3339Nano)}
	for _, item := range e.Data.Items {
		notice.Items = append(notice.Items, Line{item.ProductID, item.Quantity})
	}
	err = c.call(ctx, e.TenantID, tables.EndpointDistributor, notice, bus.IdempotencyKey(ctx))
	if errors.Is(err, errNoEndpoint) {
		return nil
	}
	return err
}
