// Command keep_rings is a function of application books.
package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/scenario/buses/books"
)

func main() { bus.Start(books.KeepRings, bus.OnTx(books.Rang, books.KeepRing)) }
