// Package leaktest looks for goroutines that outlive the tests of a public package:
// goleak, which the others use, would come to its users as another module. For tests
// alone.
package leaktest

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"testing"
	"time"
)

// Example stands for the *testing.T that examples do not have. What it is to do at its
// end is done behind all tests, by Main.
type Example struct{ testing.TB }

var atEnd []func()

func (Example) Helper()                        {}
func (Example) Cleanup(f func())               { atEnd = append(atEnd, f) }
func (Example) Context() context.Context       { return context.Background() }
func (Example) Fatal(args ...any)              { panic(fmt.Sprint(args...)) }
func (Example) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }
func (Example) Errorf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

// Main is what TestMain of a package is for: it runs the tests, and fails where a
// goroutine outlives them.
func Main(m *testing.M) {
	// Who hears of signals, as fuzzing does, leaves a goroutine of the runtime behind,
	// which has to be among those of before.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	signal.Stop(signals)
	before := runtime.NumGoroutine()
	code := m.Run()
	for _, f := range slices.Backward(atEnd) {
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
