package fuzztest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// told keeps what a test says of itself.
type told struct {
	testing.TB
	errors []string
}

func (t *told) Helper() {}
func (t *told) Errorf(format string, args ...any) {
	t.errors = append(t.errors, fmt.Sprintf(format, args...))
}

// an input that takes too much of a processor or of memory fails its target,
// also where no piece of it is large; what waits does not.
func TestWhatTakesTooMuchFails(t *testing.T) {
	var kept []byte
	for name, test := range map[string]struct {
		take func()
		want string
	}{
		"nothing":         {func() {}, ""},
		"waits":           {func() { time.Sleep(2 * mostCPU) }, ""},
		"half the memory": {func() { kept = make([]byte, mostMemory/2) }, ""},
		"memory":          {func() { kept = make([]byte, mostMemory+1) }, "bytes of memory"},
		"memory, in pieces": {func() {
			for range mostMemory/512 + mostMemory/1024 {
				kept = make([]byte, 512)
			}
		}, "bytes of memory"},
		"a processor": {func() {
			for began := threadCPU(); threadCPU() < began+mostCPU+mostCPU/10; {
			}
		}, "of a processor"},
	} {
		if test.want == "of a processor" && runtime.GOOS != "linux" {
			continue // only Linux tells the processor time of a thread
		}
		to := &told{TB: t}
		end := Bound(to)
		test.take()
		end()
		if got := strings.Join(to.errors, "; "); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, not %q", name, got, test.want)
		}
	}
	runtime.KeepAlive(kept)
}

func BenchmarkBound(b *testing.B) {
	for b.Loop() {
		Bound(b)()
	}
}
