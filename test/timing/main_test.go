package timing

import (
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// What is measured is the product as it is released.
func TestMain(m *testing.M) { os.Exit(harness.MainWithoutRace(m)) }
