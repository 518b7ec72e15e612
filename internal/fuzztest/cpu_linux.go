package fuzztest

import (
	"syscall"
	"time"
)

// threadCPU is the processor time of this thread (getrusage(2)).
func threadCPU() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
