// Package orm defines DynamoDB tables in Go and reads and writes them with types.
//
// # Definition
//
// A table is a struct and one line. The definition is a plain value: it holds no
// client, so infrastructure, functions, tests and tools share it.
//
//	type User struct {
//		UserID    string    `dynamo:"user_id,hash"`
//		Email     string    `dynamo:"email" unique:"normalized" validate:"required,email"`
//		Status    string    `dynamo:"status" default:"pending" index:"by_status,hash"`
//		Visits    int       `dynamo:"visits"`
//		CreatedAt time.Time `dynamo:"created_at,unixtime" index:"by_status,range"`
//	}
//
//	var Users = orm.Define[User, string]("users", orm.KeysOnly("by_status"))
//
// The second type parameter is the key's type: the partition key's, or
// [Pair] of both for a table with a sort key. [Define] never panics: whatever is
// wrong is in [Table.Err], all of it, and stops the synth or the first use.
//
// # Struct tags
//
// dynamo is the tag of github.com/guregu/dynamo, whose codec is used: the
// attribute's name (by default the field's), then options.
//
//	hash, range      partition key, sort key: strings, numbers or bytes
//	omitempty        leave the attribute out when the field is zero
//	allowempty       store an empty string or bytes, which are left out otherwise
//	allowemptyelem   the same for the entries of a map; omitemptyelem drops them
//	null             store NULL where the attribute would be left out
//	set              store []E, map[E]bool or map[E]struct{} as a set
//	unixtime         store a time.Time as epoch seconds, which sort and expire
//	-                no attribute
//
// Beside it:
//
//	index:"name,hash" index:"name,range"   keys of a global index; may stand more than once
//	localIndex:"name,range"                sort key of a local index
//	default:"text"     for a zero field on Insert and Put; a pointer tells zero from not given
//	validate:"rules"   those of github.com/go-playground/validator/v10, on Insert and Put
//	unique:"exact" or unique:"normalized"  no two items have the same value
//
// A time.Time is stored as RFC 3339 with its zone's offset and nanoseconds; as
// such it has no order, so it can be no key and takes no <, <=, > and >=.
//
// # Unique values
//
// A unique value is an item of its own in the same table, with the partition key
// unique#<attribute>#<value> and the owner's key in unique_owner. It is written
// in the same transaction as the item, so parallel writers cannot both win;
// the loser gets [KindAlreadyExists] with the attribute's name. Partition keys
// that begin with unique# are therefore the table's own. [NormalizeUnique] says
// what unique:"normalized" takes for equal.
//
// For now unique values are claimed by Insert only: Put, Delete, and Update of a
// unique attribute, are refused on such a table, because they would have to know
// the value that was there before.
//
// # Writing
//
// Writes are values too. [Exec] executes them, several as one transaction;
// eventlog.Commit and transactional handlers take the same values.
//
//	var (
//		status = orm.Attr(Users, func(u *User) *string { return &u.Status })
//		visits = orm.Number(Users, func(u *User) *int { return &u.Visits })
//	)
//
//	err := orm.Exec(ctx, store, Users.Update(id, status.Set("active"), visits.Add(1)).If(status.Eq("pending")))
//
// Every name is aliased, so reserved words (status, name, …) just work.
//
// # Reading
//
//	user, err := Users.Get(ctx, store, id) // strongly consistent
//	for event, err := range orm.Query(ctx, store, Events, stream, orm.Range[int64]{From: &first}) { … }
//	for user, err := range orm.QueryIndex(ctx, store, byStatus, "active", orm.Range[time.Time]{Limit: 10}) { … }
//
// # Errors
//
// Every error has a [Kind], to be tested with errors.Is: [KindNotFound],
// [KindAlreadyExists], [KindConditionFailed] (with the item as it was),
// [KindConflict], [KindThrottled], [KindTooLarge], [KindValidation] and more. A
// cancelled transaction is a [*TransactionError] with a reason for each action;
// [Errors] lists every [*Error] in an error, [Only] says whether trying again may
// help.
//
// # Stores
//
// A [Store] is made by [FromEnv] in a function, by [NewDynamoDB] for any client,
// and by orm/ormtest in memory. All of them are safe for concurrent use, and one
// conformance suite holds them to the same behaviour.
package orm
