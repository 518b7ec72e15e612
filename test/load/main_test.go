package load

import (
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// How much a server bears is a question to a binary without the race detector.
func TestMain(m *testing.M) { os.Exit(harness.MainWithoutRace(m)) }
