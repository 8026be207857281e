package listeners

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// listening is the state of such a socket in /proc/net/tcp.
// https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html
const listening = "0A"

// Of finds the process that listens on a port, on any of this machine's addresses;
// false when none does, or none that this user may look into.
func Of(port int) (Process, bool) {
	inodes := map[string]bool{}
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		table, err := os.ReadFile(file)
		if err != nil {
			continue // a machine without this protocol
		}
		for inode := range sockets(string(table), port) {
			inodes["socket:["+inode+"]"] = true
		}
	}
	if len(inodes) == 0 {
		return Process{}, false
	}
	// Others' processes cannot be looked into: Glob leaves their files out.
	files, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return Process{}, false
	}
	for _, file := range files {
		target, err := os.Readlink(file)
		if err != nil || !inodes[target] {
			continue // closed in the meantime, or something else
		}
		dir := filepath.Dir(filepath.Dir(file))
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(dir, "comm")) // for people; it may have ended
		return Process{PID: pid, Name: strings.TrimSpace(string(name))}, true
	}
	return Process{}, false
}

// sockets yields the inodes of the sockets of a table that listen on the port.
func sockets(table string, port int) func(yield func(string) bool) {
	suffix := fmt.Sprintf(":%04X", port)
	return func(yield func(string) bool) {
		for line := range strings.Lines(table) {
			// sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != listening || !strings.HasSuffix(f[1], suffix) {
				continue
			}
			if !yield(f[9]) {
				return
			}
		}
	}
}
