package listeners

import (
	"net"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Logf("%s: %v", address, err) // a machine without IPv6
			continue
		}
		port := l.Addr().(*net.TCPAddr).Port
		p, ok := Of(port)
		if !ok || p.PID != os.Getpid() || !strings.Contains(p.String(), p.Name) {
			t.Errorf("port %d of this process: %v, %v", port, p, ok)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if p, ok := Of(port); ok {
			t.Errorf("port %d is closed, and %v has it", port, p)
		}
	}
}

// A table has sockets of every state, and ports that end alike.
func TestSockets(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:11D6 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1001 1 0000000000000000 100 0 0 10 0
   1: 0100007F:11D6 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 1002 1 0000000000000000 20 4 30 10 -1
   2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1003 1 0000000000000000 100 0 0 10 0
   3: short
`
	if got := slices.Collect(sockets(table, 0x11d6)); !slices.Equal(got, []string{"1001"}) {
		t.Errorf("inodes of port 4566: %v, want 1001", got)
	}
	if got := slices.Collect(sockets(table, 0x1d6)); len(got) != 0 {
		t.Errorf("inodes of port 470: %v, want none", got)
	}
}
