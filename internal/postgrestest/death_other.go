//go:build !linux

package postgrestest

import "syscall"

// dieWithParent is of no effect where the system has no such thing.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
