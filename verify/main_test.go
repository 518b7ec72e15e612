package verify_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"
)

// afterExamples is what tests would do at their ends.
var afterExamples []func()

// no goroutine outlives the tests. Whoever uses this package gets no other module
// with it, not even one that looks for goroutines.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	for _, f := range slices.Backward(afterExamples) {
		f()
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			fmt.Fprintf(os.Stderr, "--- FAIL: goroutines outlive the tests\n%s\n", stacks[:runtime.Stack(stacks, true)])
			os.Exit(1)
		}
	}
	os.Exit(code)
}
