//go:build !linux

package fuzztest

import "time"

// threadCPU is 0: only Linux tells the processor time of a thread to Go's own library.
func threadCPU() time.Duration { return 0 }
