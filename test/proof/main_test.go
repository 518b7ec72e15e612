package proof

import (
	"flag"
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// selected is what make proof gives: C-037, C-038, C-211 or all. Without it every case
// runs with a few requests, of which nothing is judged but the answers.
var selected = flag.String("case", "", "rule to prove: C-037, C-038, C-211, or all")

// What is measured is the product as it is released.
func TestMain(m *testing.M) { os.Exit(harness.MainWithoutRace(m)) }
