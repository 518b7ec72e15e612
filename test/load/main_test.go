package load

import (
	"flag"
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// How much a server bears is a question to a binary without the race detector.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "4"); err != nil { // what is asked of servers, two processors bear
		panic(err)
	}
	os.Exit(harness.MainWithoutRace(m))
}
