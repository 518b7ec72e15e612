package faults

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// A few rounds where the tests run after every change; make faults runs more.
var (
	rounds      = flag.Int("rounds", 20, "how often everything is killed")
	full        = flag.Bool("full", false, "faults of several nodes as often and as long as their rules say, and their times judged")
	resultsFile = flag.String("results", "", "`file` for the table of all faults")
)

// The binary is without the race detector: a command takes a quarter of the
// time (9 ms, not 37 ms), so that more of them are cut off. Package e2e runs
// the same commands with it.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "4"); err != nil { // the parallel ones wait most of the time, for a fault to pass
		panic(err)
	}
	code := harness.MainWithoutRace(m)
	if err := results.show(*resultsFile); err != nil {
		fmt.Fprintln(os.Stderr, "writing the results:", err)
		code = 1
	}
	os.Exit(code)
}
