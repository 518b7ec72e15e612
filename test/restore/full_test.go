package restore

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// small is a file system that has room for so many bytes.
func small(t *testing.T, size int) string {
	t.Helper()
	harness.NeedRoot(t, "mount a file system")
	dir := t.TempDir()
	if out, err := exec.Command(harness.FindProgram(t, "mount"), "-t", "tmpfs", "-o", fmt.Sprintf("mode=700,size=%d", size), "tmpfs", dir).CombinedOutput(); err != nil {
		if strings.Contains(string(out), "permission denied") {
			t.Skipf("this machine lets not even root mount a file system: %s", out)
		}
		t.Fatalf("mounting: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command(harness.FindProgram(t, "umount"), dir).CombinedOutput(); err != nil {
			t.Errorf("unmounting: %v: %s", err, out)
		}
	})
	return dir
}

// C-552: where a disk is full, backup and restore say so, leave nothing behind, and
// what was there is as it was.
func TestAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	w := newScene(t)
	size := len(readFile(t, database(w.Installation)))
	dir := small(t, size/2)
	refuse(t, w.Installation, []string{"full", dir}, "backup", filepath.Join(dir, "backup"))
	if left := filesIn(t, dir); len(left) > 0 {
		t.Errorf("a backup has failed, and leaves %v", left)
	}

	// Room for one database, not for a second one.
	in := harness.New(t)
	in.Data = small(t, size*3/2)
	for _, name := range []string{"master.key", "tokenwright.db"} {
		writeFile(t, filepath.Join(in.Data, name), readFile(t, filepath.Join(w.Data, name)))
	}
	there := &scene{Installation: in, old: w.old}
	there.refuses(t, []string{"space"}, w.backup, "--replace", "--accept-lost-changes")
	if v := in.VerifyEvents(t); !v.OK {
		t.Errorf("the events of the database that was there: %+v", v)
	}
}
