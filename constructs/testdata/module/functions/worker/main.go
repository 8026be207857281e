// Command report is a function of the tests: small, so that it builds fast.
package main

import "os"

func main() { os.Stdout.WriteString("report\n") }
