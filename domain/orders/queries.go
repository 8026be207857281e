package orders

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/tables"
)

// Generations says in which generation a read model is read.
type Generations interface {
	Generation(ctx context.Context) (string, error)
}

// Queries answer from read models only. They are a moment behind the events. It is
// safe for concurrent use.
type Queries struct {
	store      orm.Reader
	summaries  Generations
	dashboards Generations
}

// NewQueries makes queries over a store; summaries and dashboards say which generation
// of each model is the current one.
func NewQueries(store orm.Reader, summaries, dashboards Generations) *Queries {
	return &Queries{store: store, summaries: summaries, dashboards: dashboards}
}

// Summary reads one order. Errors: Invalid, NotFound.
func (q *Queries) Summary(ctx context.Context, tenant, orderID string) (tables.OrderSummary, error) {
	if err := checkOrder(tenant, orderID); err != nil {
		return tables.OrderSummary{}, err
	}
	model, err := modelKey(ctx, q.summaries, tenant)
	if err != nil {
		return tables.OrderSummary{}, err
	}
	s, err := tables.OrderSummaries.Get(ctx, q.store, orm.Key(model, orderID))
	if errors.Is(err, orm.KindNotFound) {
		return tables.OrderSummary{}, Order{}.exists()
	}
	if err != nil {
		return tables.OrderSummary{}, fmt.Errorf("read the summary of order %s: %w", orderID, err)
	}
	return s, nil
}

// The limits of a page of orders.
const (
	DefaultPage = 50
	MaxPage     = 200
)

// Page is a part of a list of orders, with what to ask for to go on; an empty cursor
// is the end.
type Page struct {
	Orders []tables.OrderSummary
	Cursor string
}

// List reads a tenant's orders in one status, by id. Errors: Invalid with the field.
func (q *Queries) List(ctx context.Context, tenant string, status Status, limit int, cursor string) (Page, error) {
	if err := CheckTenant(tenant); err != nil {
		return Page{}, err
	}
	if !slices.Contains(Statuses(), status) {
		return Page{}, invalid("status", "must be one of %v", Statuses())
	}
	if limit == 0 {
		limit = DefaultPage
	}
	if limit < 1 || limit > MaxPage {
		return Page{}, invalid("limit", "must be 1 to %d", MaxPage)
	}
	model, err := modelKey(ctx, q.summaries, tenant)
	if err != nil {
		return Page{}, err
	}
	key, err := tables.SummaryModelStatus.Of(tables.OrderSummary{Model: model, Status: string(status)})
	if err != nil {
		return Page{}, fmt.Errorf("list orders: %w", err)
	}
	page, err := tables.OrderSummariesByStatus.Query(key).Limit(limit).StartAt(orm.Cursor(cursor)).Page(ctx, q.store)
	if errors.Is(err, orm.KindValidation) { // all else was checked above
		return Page{}, invalid("cursor", "is none that this list gave, or the list was made anew since: begin without one")
	}
	if err != nil {
		return Page{}, fmt.Errorf("list orders: %w", err)
	}
	return Page{Orders: page.Items, Cursor: string(page.Next)}, nil
}

// TopTitles is how many titles a dashboard shows.
const TopTitles = 5

// Title is a title with how often it was ordered.
type Title struct {
	Title  string
	Pieces int64
}

// Month is a tenant's month, as the dashboard shows it.
type Month struct {
	Month     string
	Orders    int64
	Revenue   []Money // by currency
	Pending   int64
	TopTitles []Title
}

// Dashboard reads a tenant's month ("2026-03") with one GetItem. A month without
// orders is all zero. Errors: Invalid with the field.
func (q *Queries) Dashboard(ctx context.Context, tenant, month string) (Month, error) {
	if err := CheckTenant(tenant); err != nil {
		return Month{}, err
	}
	if _, err := time.Parse("2006-01", month); err != nil {
		return Month{}, invalid("month", "must be a month like 2026-03")
	}
	model, err := modelKey(ctx, q.dashboards, tenant)
	if err != nil {
		return Month{}, err
	}
	d, err := tables.Dashboards.Get(ctx, q.store, orm.Key(model, month))
	if err != nil && !errors.Is(err, orm.KindNotFound) {
		return Month{}, fmt.Errorf("read the dashboard of %s: %w", month, err)
	}
	m := Month{Month: month, Orders: d.Orders, Pending: d.Pending}
	for code, amount := range d.Revenue {
		if amount != 0 {
			m.Revenue = append(m.Revenue, Money{amount, code})
		}
	}
	slices.SortFunc(m.Revenue, func(a, b Money) int { return strings.Compare(a.Currency, b.Currency) })
	for title, pieces := range d.Titles {
		m.TopTitles = append(m.TopTitles, Title{title, pieces})
	}
	slices.SortFunc(m.TopTitles, func(a, b Title) int {
		return cmp.Or(cmp.Compare(b.Pieces, a.Pieces), strings.Compare(a.Title, b.Title))
	})
	m.TopTitles = m.TopTitles[:min(len(m.TopTitles), TopTitles)]
	return m, nil
}

// Stock reads how many of a product a tenant can still sell; none of a product that
// nobody has entered.
func (q *Queries) Stock(ctx context.Context, tenant, productID string) (int, error) {
	if err := CheckTenant(tenant); err != nil {
		return 0, err
	}
	if err := checkText("product_id", productID, 64); err != nil {
		return 0, err
	}
	stock, err := tables.Inventory.Get(ctx, q.store, orm.Key(tenant, productID))
	if err != nil && !errors.Is(err, orm.KindNotFound) {
		return 0, fmt.Errorf("read the stock of %s: %w", productID, err)
	}
	return stock.Available, nil
}

func modelKey(ctx context.Context, g Generations, tenant string) (string, error) {
	generation, err := g.Generation(ctx)
	if err != nil {
		return "", fmt.Errorf("find the read model's generation: %w", err)
	}
	return tables.ModelKey(generation, tenant), nil
}
