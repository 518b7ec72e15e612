package upgrade

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

var (
	keep  = flag.Bool("keep", false, "make schema and databases of the kept release anew")
	full  = flag.Bool("full", false, "kill migrations at every moment, not at some")
	mixed = flag.Duration("mixed", 3*time.Second, "how long releases work beside each other")
)

// The binaries are those that people run: what is looked for are differences between
// two of them, not races in one.
func TestMain(m *testing.M) { os.Exit(harness.MainWithoutRace(m)) }
