package evidence

import (
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.MainWithoutRace(m)) }
