// Command upper_names writes every user's name in capital letters.
package main

import (
	"context"
	"strings"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/migrate"
	"github.com/vinci-go/vinci/tables"
)

var name = orm.Attr(tables.Users, func(u *tables.User) *string { return &u.Name })

func main() {
	migrate.Main("upper_names", tables.Users, func(_ context.Context, u tables.User) ([]orm.Write, error) {
		upper := strings.ToUpper(u.Name)
		if upper == u.Name {
			return nil, nil
		}
		return []orm.Write{tables.Users.Update(u.UserID, name.Set(upper)).If(name.Eq(u.Name))}, nil
	})
}
