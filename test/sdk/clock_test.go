package sdk

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// C-257: a wall clock that is set an hour forward or back, while the SDK is in
// use, neither prolongs tokens nor causes exchanges. The clock of this machine is
// not ours to set: a program is built with a package time whose wall clock is.
func TestSettingTheWallClockChangesNothing(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(harness.BuildIn(t, ".", "./testdata/clock", "-overlay", overlay(t))).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	t.Logf("%s", out)
}

// overlay writes what go build -overlay reads: package time with SetWallClock.
func overlay(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	source, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	const now = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	changed := strings.Replace(string(source), now, now+"\tsec += wallClock\n", 1)
	if changed == string(source) {
		t.Fatal("time.Now of this version of Go is written in another way: change it here too")
	}
	changed += "\nvar wallClock int64\n\n// SetWallClock puts the wall clock so many seconds off.\nfunc SetWallClock(seconds int64) { wallClock = seconds }\n"
	replacement := filepath.Join(t.TempDir(), "time.go")
	if err := os.WriteFile(replacement, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return harness.Overlay(t, map[string]string{original: replacement})
}
