package faults

import (
	"flag"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// rounds is few where the tests run after every change; make faults runs more.
var rounds = flag.Int("rounds", 20, "how often everything is killed")

// The binary is without the race detector: a command takes a quarter of the
// time (9 ms, not 37 ms), so that more of them are cut off. Package e2e runs
// the same commands with it.
func TestMain(m *testing.M) { harness.MainWithoutRace(m) }
