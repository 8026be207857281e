package orm

import (
	"context"
	"time"

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

	// Unique names the attribute that this action keeps unique: it claims a value
	// (OpPut), so that its failed condition is reported as a taken one, or gives one
	// back (OpDelete). Empty for other actions.
	Unique string

	// Read holds attributes of the item as they were when the action was made
	// from them, nil for one that was absent; If asks for them. When the condition
	// fails and the item has others by now, the error is KindChanged: whoever made
	// the action makes it anew. nil: the action was made without reading.
	Read map[string]types.AttributeValue

	// Version is the version that If expects of an item whose table has a version
	// attribute, N 0 for no item or one without it. When the condition fails and the item has
	// another, the error is KindVersionConflict. nil: none is expected.
	Version types.AttributeValue
}

// ChangeOp says what a [Change] does to its attribute.
type ChangeOp uint8

// DynamoDB's update clauses.
const (
	ChangeSet            ChangeOp = iota + 1 // SET path = value
	ChangeSetIfNotExists                     // SET path = if_not_exists(path, value)
	ChangeAdd                                // ADD path value: number, or elements of a set
	ChangeRemove                             // REMOVE path
	ChangeDelete                             // DELETE path value: elements of a set
	ChangeAppend                             // SET path = list_append(if_not_exists(path, []), value)
	ChangePrepend                            // SET path = list_append(value, if_not_exists(path, []))
	ChangeIncrement                          // SET path = if_not_exists(path, 0) + value: a number inside another attribute, where ADD may not be used
)

// Step is one step of a document path into a map or a list.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.Attributes.html
type Step struct {
	Name  string // of a map's entry; empty: Index counts
	Index int    // of a list's element, from 0
}

// Change is one clause of an update expression.
type Change struct {
	Op    ChangeOp
	Path  string               // the attribute
	Into  []Step               // from the attribute to what is changed; nil: the attribute itself
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
	Path   string                 // the attribute, for comparisons and functions
	Into   []Step                 // from the attribute to what is compared; nil: the attribute itself
	Size   bool                   // comparisons: of the size instead, which is a number
	Values []types.AttributeValue // right-hand sides
	Of     []*Cond                // for CondAnd, CondOr, CondNot
}

// GetRequest reads one item by its whole primary key.
type GetRequest struct {
	Table    *Schema
	Key      Item
	Select   []string // attributes to read; nil: all
	Eventual bool     // false: strongly consistent
}

// QueryRequest reads the items of one partition, in the order of the sort key.
type QueryRequest struct {
	Table    *Schema
	Index    string               // empty: the table itself
	Hash     types.AttributeValue // the partition key's value
	From, To types.AttributeValue // bounds of the sort key; nil: open
	// The bound itself is left out. DynamoDB takes such a bound alone only, not
	// together with the other one.
	FromExcluded, ToExcluded bool
	Prefix                   types.AttributeValue // what the sort key begins with: S or B, without other bounds
	Filter                   *Cond                // on other attributes than the keys of what is read; nil: none
	Select                   []string             // attributes to read; nil: all that the index has
	Count                    bool                 // return only how many there are
	Descending               bool
	Limit                    int32 // items a page looks at, before Filter; 0: DynamoDB's own page of 1 MB
	Start                    Item  // Page.Next of the page before, or the keys of any item; nil: the beginning
	Eventual                 bool  // false: strongly consistent, except on a global index, which cannot be
}

// ScanRequest reads the items of a table, or of an index, in no order that means
// anything.
type ScanRequest struct {
	Table             *Schema
	Index             string   // empty: the table itself
	Filter            *Cond    // nil: none
	Select            []string // attributes to read; nil: all that the index has
	Count             bool     // return only how many there are
	Segment, Segments int32    // one part of Segments equal parts, from 0; Segments 0: everything
	Limit             int32    // items a page looks at, before Filter; 0: DynamoDB's own page of 1 MB
	Start             Item     // Page.Next of the page before, of the same segment
	Eventual          bool     // false: strongly consistent, except on a global index, which cannot be
}

// Page is one page of the answer to a query or scan.
type Page struct {
	Items   []Item // nil when Count was asked for
	Next    Item   // nil: this was the last page
	Count   int    // items that passed the filter
	Scanned int    // items that were looked at
}

// What one batch request may hold.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
const (
	MaxBatchGet     = 100 // keys
	MaxBatchWrite   = 25  // puts and deletes
	MaxTransactGets = 100 // items
)

// BatchGetRequest reads up to [MaxBatchGet] items of one table; no key twice.
type BatchGetRequest struct {
	Table    *Schema
	Keys     []Item
	Select   []string // attributes to read, the keys among them; nil: all
	Eventual bool     // false: strongly consistent
}

// BatchGetResult is the answer to a [BatchGetRequest]: what was found, in any
// order, and the keys that the service did not get to, to be asked for again.
type BatchGetResult struct {
	Items       []Item
	Unprocessed []Item
}

// BatchWriteRequest puts and deletes up to [MaxBatchWrite] items of one table,
// without conditions and each for itself; no key twice.
type BatchWriteRequest struct {
	Table   *Schema
	Puts    []Item // whole items
	Deletes []Item // keys
}

// BatchWriteResult is what the service did not get to, to be asked for again.
type BatchWriteResult struct {
	Puts    []Item
	Deletes []Item
}

// Reader reads items. *bus.Tx is one too, so that a transactional handler reads
// with the same calls as everybody else.
type Reader interface {
	// Get returns a nil Item, and no error, when there is none.
	Get(ctx context.Context, r *GetRequest) (Item, error)
	// Query reads one page of a partition, of the table or of an index.
	Query(ctx context.Context, r *QueryRequest) (*Page, error)
	// Scan reads one page of all items, or of one segment of them.
	Scan(ctx context.Context, r *ScanRequest) (*Page, error)
	// BatchGet makes one request. [Table.GetBatch] is what repeats and splits.
	BatchGet(ctx context.Context, r *BatchGetRequest) (*BatchGetResult, error)
	// TransactGet reads up to [MaxTransactGets] items, of several tables, as they
	// were at one moment: one Item a request, nil where there is none. Eventual
	// must be false. A cancelled one is a *TransactionError with one reason a
	// request.
	TransactGet(ctx context.Context, gets []GetRequest) ([]Item, error)
	// Now is the clock by which writes are stamped.
	Now() time.Time
	// Backoff waits before a request is made again that was throttled or outrun:
	// longer with each try, which counts from 1, and at random, so that parallel
	// callers do not meet again. It returns early with the context's error.
	Backoff(ctx context.Context, try int) error
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
	// BatchWrite makes one request. [Table.PutBatch] and [Table.DeleteBatch] are
	// what repeats and splits.
	BatchWrite(ctx context.Context, r *BatchWriteRequest) (*BatchWriteResult, error)
}

// Store is a DynamoDB, real or in memory (orm/ormtest). It is safe for
// concurrent use.
type Store interface {
	Reader
	Writer
}
