package attacks

import (
	"flag"
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// The binary is without the race detector, which costs memory and time of its own.
func TestMain(m *testing.M) {
	if os.Getenv(asSlowClients) != "" {
		if err := slowClients(); err != nil {
			panic(err)
		}
		return
	}
	if err := flag.Set("test.parallel", "8"); err != nil { // the parallel ones wait most of the time, for slow clients
		panic(err)
	}
	os.Exit(harness.MainWithoutRace(m))
}
