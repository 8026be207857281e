// Command count_total counts registrations.
package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/users"
)

func main() { bus.Start(users.CountTotal, bus.OnTx(users.Created, users.AddToTotal)) }
