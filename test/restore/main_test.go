package restore

import (
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// Commands are run, and killed, by the hundred.
func TestMain(m *testing.M) { os.Exit(harness.MainWithoutRace(m)) }
