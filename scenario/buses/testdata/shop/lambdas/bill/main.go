// Command bill is a function of application shop.
package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/scenario/buses/shop"
)

func main() { bus.Start(shop.Bill, bus.OnTx(shop.Placed, shop.AddTo("bill"))) }
