// Command keep_orders is a function of application books.
package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/scenario/buses/books"
)

func main() { bus.Start(books.KeepOrders, bus.OnTx(books.Placed, books.KeepOrder)) }
