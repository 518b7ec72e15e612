// Package browser holds pages to what people get of them: a real Chromium loads
// them, types into them, and looks at them, in both themes, on a wide and on a
// narrow screen, with script and without, by keyboard, and with axe-core's rules
// of accessibility.
//
// A test here starts what its pages need, and hands a script of this directory
// to Run; lib.mjs is what all scripts share. Screenshots are left in out, for
// people to look at.
package browser

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// Run runs a script of this directory with Node's test runner; each test of it
// that fails fails t. values become its environment; lib.mjs reads BASE_URL, the
// origin of the pages. ONLY=… in
// the environment of go test picks its tests by name.
func Run(t testing.TB, script string, values map[string]string) {
	t.Helper()
	harness.Need(t, "node", "chromium-headless-shell")
	dir := harness.File("test", "browser")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "playwright-core")); err != nil {
		harness.Missing(t, "the npm packages of test/browser are not installed")
	}
	environ := []string{"LOOK=" + os.Getenv("LOOK"), "CHROMIUM=" + harness.FindProgram(t, "chromium-headless-shell"), "SCREENSHOTS=" + filepath.Join(dir, "out")}
	for name, value := range values {
		environ = append(environ, name+"="+value)
	}
	args := []string{"--test-reporter=spec", "--test-name-pattern=" + cmp.Or(os.Getenv("ONLY"), "."), filepath.Join(dir, script)}
	harness.Script(t, environ, "node", args...)
}
