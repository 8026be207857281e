// Command count_active counts activations.
package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/users"
)

func main() { bus.Start(users.CountActive, bus.OnTx(users.Activated, users.AddToActive)) }
