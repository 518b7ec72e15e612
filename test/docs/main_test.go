package docs

import (
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// Without the race detector: very many processes are started.
func TestMain(m *testing.M) { os.Exit(harness.MainWithoutRace(m)) }
