// Command ring is a function of application till.
package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/scenario/buses/till"
)

func main() { bus.Start(till.Ring, bus.OnTx(till.Placed, till.RingFor)) }
