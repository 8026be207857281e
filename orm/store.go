package orm

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Item is a DynamoDB item as it is stored: attribute names to typed values.
type Item = map[string]types.AttributeValue

// Op says what an [Action] does to its item.
type Op uint8

// The four actions a DynamoDB transaction can hold.
const (
	OpPut    Op = iota + 1 // write the whole item
	OpUpdate               // change some attributes; creates the item when it is absent
	OpDelete               // remove the item
	OpCheck                // only check the condition
)

// Action is one write to one item: what a [Store] executes. Users make actions
// through the methods of [Table], which are typed.
type Action struct {
	Op      Op
	Table   *Schema
	Key     Item     // OpUpdate, OpDelete, OpCheck: the whole primary key
	Item    Item     // OpPut: the whole item
	Changes []Change // OpUpdate
	If      *Cond    // nil: no condition

	// Unique names the attribute that this action keeps unique, so that its
	// failed condition is reported as a taken value. Empty for other actions.
	Unique string
}

// ChangeOp says what a [Change] does to its attribute.
type ChangeOp uint8

// DynamoDB's update clauses.
const (
	ChangeSet            ChangeOp = iota + 1 // SET path = value
	ChangeSetIfNotExists                     // SET path = if_not_exists(path, value)
	ChangeAdd                                // ADD path value: number, or elements of a set
	ChangeRemove                             // REMOVE path
)

// Change is one clause of an update expression.
type Change struct {
	Op    ChangeOp
	Path  string
	Value types.AttributeValue // nil for ChangeRemove
}

// CondOp is an operator of a condition.
type CondOp uint8

// The operators of DynamoDB's condition expressions that a [Cond] may hold.
const (
	CondEq CondOp = iota + 1
	CondNe
	CondLt
	CondLe
	CondGt
	CondGe
	CondBetween
	CondIn
	CondExists
	CondNotExists
	CondBeginsWith
	CondContains
	CondAnd
	CondOr
	CondNot
)

// Cond is a condition as a tree, so that each store can compile or evaluate it.
type Cond struct {
	Op     CondOp
	Path   string                 // for comparisons and functions
	Values []types.AttributeValue // right-hand sides
	Of     []*Cond                // for CondAnd, CondOr, CondNot
}

// GetRequest reads one item by its whole primary key.
type GetRequest struct {
	Table    *Schema
	Key      Item
	Eventual bool // false: strongly consistent
}

// QueryRequest reads the items of one partition, in the order of the sort key.
type QueryRequest struct {
	Table      *Schema
	Index      string               // empty: the table itself
	Hash       types.AttributeValue // the partition key's value
	From, To   types.AttributeValue // bounds of the sort key, both inclusive; nil: open
	Descending bool
	Limit      int32 // items a page; 0: DynamoDB's own page of 1 MB
	Start      Item  // Page.Next of the page before; nil: the beginning
	Eventual   bool  // false: strongly consistent, except on a global index, which cannot be
}

// Page is one page of a query's answer.
type Page struct {
	Items []Item
	Next  Item // nil: this was the last page
}

// Reader reads items. *bus.Tx is one too, so that a transactional handler reads
// with the same calls as everybody else.
type Reader interface {
	// Get returns a nil Item, and no error, when there is none.
	Get(ctx context.Context, r *GetRequest) (Item, error)
	Query(ctx context.Context, r *QueryRequest) (*Page, error)
}

// Writer executes actions.
type Writer interface {
	// Do executes one action by itself and returns the item as it is afterwards
	// for OpUpdate, nil for the others. A failed condition is an *Error of kind
	// KindConditionFailed that holds the item as it was.
	Do(ctx context.Context, a Action) (Item, error)
	// Transact executes all actions or none. token, at most 36 characters, makes
	// a repeated call within ten minutes harmless; empty: the store makes one.
	// A cancelled transaction is a *TransactionError with one reason an action.
	Transact(ctx context.Context, token string, actions []Action) error
}

// Store is a DynamoDB, real or in memory (orm/ormtest). It is safe for
// concurrent use.
type Store interface {
	Reader
	Writer
}
