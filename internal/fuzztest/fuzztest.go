// Package fuzztest holds each execution of a fuzz target to what reading a stranger's
// input may cost. For tests alone.
package fuzztest

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// What one input may take, with all that its target compares it with.
const (
	mostCPU    = 100 * time.Millisecond
	mostMemory = 16 << 20 // bytes, those freed meanwhile among them
)

// Bound is the first line of each target, as defer fuzztest.Bound(t)(): the test fails
// where it has taken more processor or memory by its end. The processor's time is that
// of its own goroutine, which a busy machine does not change; memory is that of the
// process, so that such a test has to be the only one.
func Bound(t testing.TB) (end func()) {
	runtime.LockOSThread()
	memory, cpu := allocated(), threadCPU()
	return func() {
		t.Helper()
		cpu, memory = threadCPU()-cpu, allocated()-memory
		runtime.UnlockOSThread()
		if cpu > mostCPU {
			t.Errorf("takes %v of a processor: more than %v", cpu, mostCPU)
		}
		if memory > mostMemory {
			t.Errorf("takes %d bytes of memory: more than %d", memory, mostMemory)
		}
	}
}

// allocated is what the process has ever allocated, to a few spans of small objects.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
