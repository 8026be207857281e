package listeners

import "fmt"

// Process is one that listens.
type Process struct {
	PID  int
	Name string // of its program, at most 15 bytes; "" when it is not known
}

func (p Process) String() string {
	if p.Name == "" {
		return fmt.Sprintf("process %d", p.PID)
	}
	return fmt.Sprintf("process %d (%s)", p.PID, p.Name)
}
