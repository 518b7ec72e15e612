package docs

import (
	"os"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// Without the race detector: very many processes are started.
func TestMain(m *testing.M) {
	code := harness.MainWithoutRace(m)
	_ = os.RemoveAll(published) // "" where no page wanted a module
	os.Exit(code)
}
