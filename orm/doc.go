// Package orm defines DynamoDB tables in Go and reads and writes them with types.
//
//	type Note struct {
//		ID   string `dynamo:"id,hash"`
//		Text string `dynamo:"text"`
//	}
//
//	var Notes = orm.Define[Note, string]("notes")
//
//	store, err := orm.FromEnv(os.Getenv) // in a function of the deployment
//	store := ormtest.New()               // in a test: a DynamoDB in memory
//
//	err = orm.Exec(ctx, store, Notes.Insert(Note{ID: "n1", Text: "hello"}))
//	note, err := Notes.Get(ctx, store, "n1")
//
// app.AddTable(Notes) of package constructs makes the table. What follows is the
// rest in the order in which one meets it; each type's documentation has more.
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
//	var Users = orm.Define[User, string]("users", orm.Include("by_status", "visits"))
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
// Beside it, for the fields of the item's own struct:
//
//	index:"name,hash;other,range"   keys of global indexes
//	localIndex:"name,range"         sort key of a local index
//	default:"text"                  for a zero field on Insert and Put; a pointer tells zero from not given
//	enum:"pending,active"           the only values that are written: strings, whole numbers, text types
//	validate:"rules"                those of github.com/go-playground/validator/v10
//	unique:"exact"                  no two items have the same value; "normalized": nor one that reads the same
//	version:"true"                  counts the item's changes: an optimistic lock
//	stamp:"created"                 a time.Time, filled by the store's clock; "updated": with each write
//	template:"{tenant}#{order:06}"  a key that is composed of other attributes
//	output:"hidden"                 in no output, log or error
//	log:"masked"                    *** in logs and errors
//	description:"text"              for people who read the schema
//
// A mistyped key of these (uniqe) is a mistake of the definition, not silence;
// so is one inside a nested struct, where only dynamo and validate are read.
//
// What a tag cannot say is an [Option] of [Define]: [Stream], [TTL],
// [Description], [KeysOnly], [Include], [DefaultFunc] and [Deploy].
//
// A time.Time is stored as RFC 3339 with its zone's offset and nanoseconds; as
// such it has no order, so it can be no key and takes no <, <=, > and >=. Stamps
// are in UTC.
//
// The offset is kept, not the zone's name: +00:00 is UTC. With unixtime a time is
// kept to the second and read in UTC, and the zero time is left out.
//
// DynamoDB cannot tell some values apart that Go can. A nil list is read as an
// empty one, and so is a nil map inside a map; an empty set, and an empty string
// or empty bytes without allowempty, are left out and read as zero or nil; a
// float's minus zero is 0. A pointer tells nil from a zero value, but for types
// whose zero is stored by leaving it out: an empty text of a MarshalText and the
// zero time with unixtime are read as nil.
//
// An enum and rules that need no other field hold for Set as well; what was
// stored before is still read. A value that is left out, by `,omitempty` or as a
// nil pointer, is no value and passes an enum.
//
// # Composite keys
//
// A template tag makes a string key out of other attributes, which are stored as
// well:
//
//	type Order struct {
//		PK     string    `dynamo:"pk,hash" template:"TENANT#{tenant}"`
//		SK     string    `dynamo:"sk,range" template:"ORDER#{day}#{number:06}"`
//		Tenant string    `dynamo:"tenant"`
//		Day    time.Time `dynamo:"day"`
//		Number int       `dynamo:"number"`
//	}
//
// Insert and Put compose it, whatever the struct has there. Parts are named by
// attribute: strings, text types, whole numbers and times. A whole number with a
// width gets zeros in front and sorts; it must then be 0 or more and fit. A time
// is written in UTC with nine digits of a second and sorts. Between two parts
// stands a separator, a character that is no letter, digit or '%'.
//
// A part writes the separators and '%' as %XX, so different parts never make the
// same key, and no key begins with another tenant's. A key of the table needs
// all its parts; a key of an index is left out when one is empty, and the item
// is then not in the index.
//
// [Table.KeyOf] is the key of an item, [Composite] makes a key or the prefix of
// a query from parts, and takes one apart:
//
//	sk := orm.Composite(Orders, func(o *Order) *string { return &o.SK })
//	prefix, err := sk.Prefix(Order{Day: day}) // "ORDER#2026-01-02T00:00:00.000000000Z#"
//
// # Output
//
// [Table.JSON] writes an item for people and programs, [Table.LogValue] for a
// log record; the tags output and log say what is not shown. The schema itself
// ([Table.Schema]) is a plain value with a JSON form, and [DefineSchema] makes a
// definition of it again, for tools that do not have the Go type.
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
// Put, Update and Delete read the item first when they touch a unique attribute,
// and give its old value back in the same transaction. On a table with [TTL] each
// value expires with its item. An item from before its attribute was unique
// claims nothing until it is written with another value.
//
// Each value is one action of a transaction, and DynamoDB takes one an item: one
// transaction cannot move a value from an item to another.
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
// [Table.Insert] wants no item to be there, [Table.Put] replaces it,
// [Table.Update] changes some of it, [Table.Delete] removes it and [Table.Check]
// only asks; If adds conditions. [Table.Apply] is an update that returns the item.
// [List], [Set], [Map] and [Field] reach into attributes. [Table.PutBatch] and
// [Table.DeleteBatch] write many items without conditions, each for itself.
// [Sharded] counts what many write at once.
//
// # Reading
//
//	var byStatus = orm.IndexOf(Users,
//		func(u *User) *string { return &u.Status },
//		func(u *User) *time.Time { return &u.CreatedAt })
//
//	user, err := Users.Get(ctx, store, id) // strongly consistent
//	users, err := Users.GetBatch(ctx, store, ids) // in the order of ids, nil where there is none
//	err := orm.TransactGet(ctx, store, Users.Into(&user, id), Stats.Into(&stats, "global")) // of one moment
//
//	for event, err := range orm.QueryTable(Events, stream).From(first).All(ctx, store) { … }
//	page, err := byStatus.Query("active").Filter(visits.Gt(9)).Limit(10).StartAt(cursor).Page(ctx, store)
//	for user, err := range Users.Scan().Segments(8).All(ctx, store) { … }
//
// A [Query] and a [Scan] are values: each method returns a changed copy, and what
// is wrong comes out when they are read. They are read page by page, one page is
// held, and whoever stops early reads no further. Limit counts what is returned.
// A [Cursor] is text that survives a restart and fits no other query. [Export]
// and [Import] carry whole tables, as lines of JSON in Amazon's own format.
//
// What a request costs is told to whoever asks:
//
//	ctx, used := orm.WithCapacity(ctx)
//	… // any reads and writes
//	for _, c := range used.Tables() { log.Print(c.Table, c.Index, c.Read, c.Write) }
//
// # Errors
//
// Every error has a [Kind], to be tested with errors.Is: [KindNotFound],
// [KindAlreadyExists], [KindConditionFailed] (with the item as it was),
// [KindVersionConflict], [KindConflict], [KindThrottled], [KindTooLarge],
// [KindValidation] and more. A
// cancelled transaction is a [*TransactionError] with a reason for each action;
// [Errors] lists every [*Error] in an error, [Only] says whether trying again may
// help.
//
// What is repeated by itself is said with each call; a write that would count twice
// is never repeated blindly.
//
// # Stores
//
// A [Store] is made by [FromEnv] in a function, by [NewDynamoDB] for any client,
// and by orm/ormtest in memory. All of them are safe for concurrent use, and one
// conformance suite holds them to the same behaviour.
package orm
