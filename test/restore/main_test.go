package restore

import (
	"flag"
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

var full = flag.Bool("full", false, "kill and back up as often as the rules say")

// Commands are run, and killed, by the hundred.
func TestMain(m *testing.M) { os.Exit(harness.MainWithoutRace(m)) }

// choose is what the short run does, or the full one.
func choose[T any](inShort, inFull T) T {
	if *full {
		return inFull
	}
	return inShort
}
