//go:build !linux

package store

import "syscall"

// setUserTimeout does nothing where the system has no such thing; keep-alive
// probes and the limits of transactions remain.
func setUserTimeout(_, _ string, _ syscall.RawConn) error { return nil }
