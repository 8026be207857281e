package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// machine prints what the figures were measured on.
func machine(w io.Writer) error {
	cpu, err := field("/proc/cpuinfo", "model name")
	if err != nil {
		return err
	}
	memory, err := field("/proc/meminfo", "MemTotal")
	if err != nil {
		return err
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return fmt.Errorf("read the kernel's version: %w", err)
	}
	_, err = fmt.Fprintf(w, "Machine: %s, %d processors, %s memory, Linux %s, %s %s/%s.\n\n",
		cpu, runtime.NumCPU(), memory, strings.TrimSpace(string(kernel)), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// field returns the value of the first "name: value" line of a file.
func field(file, name string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		key, value, ok := strings.Cut(s.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value), nil
		}
	}
	return "", fmt.Errorf("%s has no %q", file, name)
}
