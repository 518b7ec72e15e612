package docs

import (
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// C-519: the README is the first page that anybody follows.
func TestEverySampleOfTheReadmeRuns(t *testing.T) {
	t.Parallel()
	harness.Need(t, "bash", "jq")
	blocks := blocksOf(t, "README", harness.ReadFile(t, "README.md"))
	for _, b := range blocks {
		b.check(t, "README")
	}
	if !t.Failed() {
		newReader(t, "README").follow(t, blocks)
	}
}
