// Package libraries holds the benchmarks of what runs inside other people's
// programs, the verifier and the client SDK, beside the libraries that are in use
// for the same and beside what nobody can do without. The benchmark command
// builds and runs them; `go test -bench .` does as well.
package libraries

import (
	"flag"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

// turns is for the benchmark command: a machine is faster in one moment than in
// the next by more than what the contenders differ in.
var turns = flag.Int("turns", 1, "how often each contender is measured, all of them in turns")

// contender is one line of a comparison.
type contender struct {
	name string
	run  func(*testing.B)
}

// takeTurns measures all, each time beginning with another one.
func takeTurns(b *testing.B, all []contender) {
	for first := range *turns {
		for i := range all {
			c := all[(first+i)%len(all)]
			b.Run(c.name, c.run)
		}
	}
}

// serial calls do over and over, each time with the next number.
func serial(do func(i int) error) func(*testing.B) {
	return func(b *testing.B) {
		b.ReportAllocs()
		defer reportCPU(b, cpuTime())
		for i := 0; b.Loop(); i++ {
			if err := do(i); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// parallel is serial on as many goroutines as there are cores to use. Each begins
// with another number: what many ask for is not the same all the time.
func parallel(do func(i int) error) func(*testing.B) {
	return func(b *testing.B) {
		b.ReportAllocs()
		defer reportCPU(b, cpuTime())
		b.RunParallel(func(pb *testing.PB) {
			for i := rand.IntN(1 << 16); pb.Next(); i++ {
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
}

// reportCPU adds what the process has used since before, the collection of garbage
// included. Unlike ns/op it holds nothing of what others did on the core.
func reportCPU(b *testing.B, before time.Duration) {
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

// cpuTime is that of all threads, user and system.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // it has no reason to fail
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
