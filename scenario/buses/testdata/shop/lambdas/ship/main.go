// Command ship is a function of application shop.
package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/scenario/buses/shop"
)

func main() { bus.Start(shop.Ship, bus.OnTx(shop.Placed, shop.AddTo("ship"))) }
