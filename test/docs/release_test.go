package docs

import (
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// giveRelease is what somebody has downloaded, as far as the page has it read: the
// binary of this test under the names of a release. test/dist looks at a real one.
func giveRelease(t *testing.T, r *reader) {
	t.Helper()
	harness.Need(t, "man")
	harness.Script(t, []string{"BINARY=" + r.Binary, "TO=" + r.dir}, "bash", "-euc", `
		cd "$TO"
		release=tokenwright_1.0.0_linux_amd64
		mkdir -p $release/man $release/completions
		cp "$BINARY" $release/tokenwright
		"$BINARY" completion bash >$release/completions/tokenwright.bash
		echo '.TH TOKENWRIGHT-SERVE 1' >$release/man/tokenwright-serve.1
		tar -c $release | gzip -1 >$release.tar.gz
		rm -r $release
		sha256sum $release.tar.gz >SHA256SUMS
		echo "$(printf '%064d' 0)  tokenwright_1.0.0_darwin_arm64.tar.gz" >>SHA256SUMS`)
}
