package restore

import (
	"path/filepath"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// C-552: where a disk is full, backup and restore say so, leave nothing behind, and
// what was there is as it was.
func TestAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	w := newScene(t)
	size := len(readFile(t, database(w.Installation)))
	dir := t.TempDir()
	harness.MountSmall(t, dir, size/2)
	refuse(t, w.Installation, []string{"full", dir}, "backup", filepath.Join(dir, "backup"))
	if left := filesIn(t, dir); len(left) > 0 {
		t.Errorf("a backup has failed, and leaves %v", left)
	}

	// Room for one database, not for a second one.
	in := harness.New(t)
	in.OnSmallDisk(t, size*3/2)
	for _, name := range []string{"master.key", "tokenwright.db"} {
		writeFile(t, filepath.Join(in.Data, name), readFile(t, filepath.Join(w.Data, name)))
	}
	there := &scene{Installation: in, old: w.old}
	there.refuses(t, []string{"space"}, w.backup, "--replace", "--accept-lost-changes")
	if v := in.VerifyEvents(t); !v.OK {
		t.Errorf("the events of the database that was there: %+v", v)
	}
}
