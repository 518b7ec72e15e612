package upgrade

import (
	"flag"
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

var keep = flag.Bool("keep", false, "make schema and databases of the kept release anew")

// The binaries are those that people run: what is looked for are differences between
// two of them, not races in one.
func TestMain(m *testing.M) { os.Exit(harness.MainWithoutRace(m)) }
