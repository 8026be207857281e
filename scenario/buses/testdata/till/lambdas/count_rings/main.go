// Command count_rings is a function of application till.
package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/scenario/buses/till"
)

func main() { bus.Start(till.CountRings, bus.OnTx(till.Rang, till.AddRing)) }
