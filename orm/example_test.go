package orm_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type Account struct {
	AccountID string    `dynamo:"account_id,hash"`
	Email     string    `dynamo:"email" unique:"normalized" validate:"required,email"`
	Status    string    `dynamo:"status" default:"pending"`
	Logins    int       `dynamo:"logins"`
	CreatedAt time.Time `dynamo:"created_at"`
}

var (
	Accounts      = orm.Define[Account, string]("accounts")
	AccountStatus = orm.Attr(Accounts, func(a *Account) *string { return &a.Status })
	AccountLogins = orm.Number(Accounts, func(a *Account) *int { return &a.Logins })
)

func Example() {
	ctx := context.Background()
	store := ormtest.New() // in a function: orm.FromEnv(os.Getenv)

	err := orm.Exec(ctx, store, Accounts.Insert(Account{AccountID: "a1", Email: "alice@example.com"}))
	fmt.Println("first insert:", err)

	err = orm.Exec(ctx, store, Accounts.Insert(Account{AccountID: "a2", Email: "Alice@Example.com"}))
	fmt.Println("same address taken:", errors.Is(err, orm.KindAlreadyExists), orm.Errors(err)[0].Attribute)

	activate := Accounts.Update("a1", AccountStatus.Set("active"), AccountLogins.Add(1)).If(AccountStatus.Eq("pending"))
	a, err := Accounts.Apply(ctx, store, activate)
	fmt.Println(a.Status, a.Logins, err)

	_, err = Accounts.Apply(ctx, store, activate)
	fmt.Println("again:", errors.Is(err, orm.KindConditionFailed))

	_, err = Accounts.Get(ctx, store, "nobody")
	fmt.Println(err)
	// Output:
	// first insert: <nil>
	// same address taken: true email
	// active 1 <nil>
	// again: true
	// get accounts "nobody": not found
}
