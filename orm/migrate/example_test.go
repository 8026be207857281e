package migrate_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/migrate"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type person struct {
	ID    string `dynamo:"id,hash"`
	Email string `dynamo:"email"`
}

var (
	people = orm.Define[person, string]("people")
	email  = orm.Attr(people, func(p *person) *string { return &p.Email })
)

// lower is a migration: called again with what it has written, it changes nothing.
func lower(_ context.Context, p person) ([]orm.Write, error) {
	if p.Email == strings.ToLower(p.Email) {
		return nil, nil
	}
	return []orm.Write{people.Update(p.ID, email.Set(strings.ToLower(p.Email))).If(email.Eq(p.Email))}, nil
}

// A program below migrations/ calls migrate.Main, which `vinci migrate` runs; a test
// runs the same function over a store in memory. What is done is not done again.
func ExampleRun() {
	ctx, store := context.Background(), ormtest.New()
	for _, p := range []person{{"1", "Ann@Example.com"}, {"2", "bob@example.com"}} {
		if err := orm.Exec(ctx, store, people.Put(p)); err != nil {
			fmt.Println(err)
			return
		}
	}
	dir, err := os.MkdirTemp("", "migrate-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for range 2 {
		s, err := migrate.Run(ctx, "lower_email", people, lower, migrate.Options{Store: store, Deployment: "dev", Checkpoint: filepath.Join(dir, "lower_email.json")})
		fmt.Printf("%d looked at, %d changed, done before: %t, %v\n", s.Looked, s.Changed, s.Before, err)
	}
	p, err := people.Get(ctx, store, "1")
	fmt.Println(p.Email, err)
	// Output:
	// 2 looked at, 1 changed, done before: false, <nil>
	// 2 looked at, 1 changed, done before: true, <nil>
	// ann@example.com <nil>
}
