//go:build !linux

package dynamodb

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"syscall"
)

// Elsewhere than on Linux there is no engine, and nothing to tie a child to its
// owner with: another endpoint serves there.

func childAttributes() *syscall.SysProcAttr { return nil }

func lockFile(string) (*os.File, error) {
	return nil, fmt.Errorf("%w: it runs on Linux x64, and this is %s: name another DynamoDB endpoint", ErrNoEngine, runtime.GOOS)
}

func endStale(context.Context, string) ([]int, error) { return nil, nil }

// skipFlushes is for systems that have seccomp.
func skipFlushes() error { return nil }
