package faults

import (
	"flag"
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// rounds is how often everything is killed on the embedded database.
func rounds() int { return evidence.Choose(20, 200) }

// The binary is without the race detector: a command takes a quarter of the
// time (9 ms, not 37 ms), so that more of them are cut off. Package e2e runs
// the same commands with it.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "6"); err != nil { // the parallel ones wait most of the time, for a fault to pass
		panic(err)
	}
	os.Exit(harness.MainWithoutRace(m))
}
