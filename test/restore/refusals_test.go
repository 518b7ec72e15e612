package restore

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// scene is an installation that was changed after its backup, and has no server.
type scene struct {
	*harness.Installation
	backup, events string // paths
	head           string // the last event
	key            harness.APIKey
	old            string // all that the database holds
}

func newScene(t *testing.T) *scene {
	t.Helper()
	harness.Need(t, "sqlite3")
	s, key := harness.StartWithKey(t, "demo")
	w := &scene{Installation: s.Installation, backup: beside(s.Installation, "backup"), key: key}
	last := succeed[taken](t, w.Installation, "backup", w.backup).Events
	gone := s.CreateKey(t, "demo")
	s.CLI(t, "key", "delete", gone.ClientID, "--yes")
	w.events = export(t, w.Installation, fmt.Sprint(last))
	w.head = w.VerifyEvents(t).Head
	s.Stop(t)
	w.old = dump(t, w.Installation)
	return w
}

// refuses holds that a restore fails, says why, and leaves everything as it was.
func (w *scene) refuses(t *testing.T, why []string, args ...string) {
	t.Helper()
	before := filesIn(t, w.Data)
	refuse(t, w.Installation, why, append([]string{"restore"}, args...)...)
	if after := filesIn(t, w.Data); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("restore %v has failed, and leaves %v, not %v", args, after, before)
	}
	if dump(t, w.Installation) != w.old {
		t.Errorf("restore %v has failed, and the database is another one", args)
	}
}

// edited is a copy of a file with another content.
func edited(t *testing.T, path string, edit func(string) string) string {
	t.Helper()
	text := readFile(t, path)
	to := path + "-edited"
	if changed := edit(text); changed == text {
		t.Fatalf("%s has nothing to edit", path)
	} else {
		writeFile(t, to, changed)
	}
	return to
}

// C-543, C-553: what is no backup, or not the events that followed, is refused, and
// the database that was there is as it was.
func TestWhatCannotBeRestoredIsRefused(t *testing.T) {
	t.Parallel()
	w := newScene(t)
	other := newScene(t)
	for _, c := range []struct {
		name string
		why  []string
		args []string
	}{
		{"no such file", []string{"no such file", w.backup + "x"}, []string{w.backup + "x", "--replace", "--accept-lost-changes"}},
		{"a directory", []string{"director"}, []string{w.Data, "--replace", "--accept-lost-changes"}},
		{"no database", []string{"damaged or no database"}, []string{w.events, "--replace", "--accept-lost-changes"}},
		{"half of it", []string{"damaged"}, []string{edited(t, w.backup, func(s string) string { return s[:len(s)/2] }), "--replace", "--accept-lost-changes"}},
		{"the database that is there", []string{"--replace"}, []string{w.backup, "--accept-lost-changes"}},
		{"events with another fact", []string{"event"}, []string{w.backup, "--replace", "--replay", edited(t, w.events, func(s string) string {
			return strings.Replace(s, `"Orders sync"`, `"Orders"`, 1)
		})}},
		{"events of another installation", []string{"event"}, []string{w.backup, "--replace", "--replay", other.events}},
		{"the backup of another installation", []string{"master key"}, []string{other.backup, "--replace", "--accept-lost-changes"}},
		{"events that end too soon", []string{"event"}, []string{w.backup, "--replace", "--head", "99" + strings.TrimLeft(w.head, "0123456789"), "--replay", w.events}},
		{"another head", []string{"event"}, []string{w.backup, "--replace", "--head", strings.Replace(w.head, w.head[len(w.head)-8:], "00000000", 1), "--replay", w.events}},
		{"no events at all", []string{"event"}, []string{w.backup, "--replace", "--replay", edited(t, w.Data+"/master.key", func(string) string { return "" })}},
	} {
		if c.name == "no events at all" {
			if err := os.Rename(c.args[len(c.args)-1], beside(w.Installation, "none")); err != nil {
				t.Fatal(err)
			}
			c.args[len(c.args)-1] = beside(w.Installation, "none")
		}
		t.Run(c.name, func(t *testing.T) { w.refuses(t, c.why, c.args...) })
	}
	if r := run(t, w.Installation, "restore", w.backup, "--replace"); r.Code != 2 || !strings.Contains(r.Stderr, "--accept-lost-changes") {
		t.Errorf("restore that does not say what became of the changes: exit code %d\n%s", r.Code, r.Stderr)
	}
	s := w.Launch(t, "--database", "sqlite:"+w.backup)
	if state := s.WaitFor(t, patience); state.ExitCode() != 1 || !strings.Contains(s.ReadLog(t), "restore") {
		t.Errorf("serve on a backup: %s\n%s", state, s.LastLog(t))
	}
	// With the head that a server has logged, and all of the events, it works.
	succeed[restored](t, w.Installation, "restore", w.backup, "--replace", "--head", w.head, "--replay", w.events)
	holds(t, w.Installation, w.key)
}

// C-553: a page of a backup that was damaged is noticed, whichever it is.
func TestADamagedBackupIsRefused(t *testing.T) {
	t.Parallel()
	w := newScene(t)
	pages := len(readFile(t, w.backup)) / 4096
	refused := 0
	for _, page := range []int{0, 1, pages / 3, pages / 2, pages - 1} {
		path := edited(t, w.backup, func(s string) string {
			damaged := []byte(s)
			for at := page * 4096; at < (page+1)*4096; at++ {
				damaged[at] ^= 0x5a
			}
			return string(damaged)
		})
		to := elsewhere(t, w.Installation)
		r := run(t, to, "restore", path, "--accept-lost-changes")
		if r.Code == 0 { // no page that anything stands in
			holds(t, to, w.key)
			continue
		}
		refused++
		if r.Code != 1 || exists(t, database(to)) || !strings.Contains(r.Stderr, "damaged") {
			t.Errorf("page %d of %d is damaged: exit code %d, and there is a database: %t\n%s", page, pages, r.Code, exists(t, database(to)), r.Stderr)
		}
	}
	if refused < 3 {
		t.Errorf("only %d damaged backups were refused", refused)
	}
}

// C-554: a backup from before a rotation of the master key wants the key from then,
// and is under the present one afterwards.
func TestABackupFromBeforeARotationOfTheMasterKeyIsRestored(t *testing.T) {
	t.Parallel()
	w := newScene(t)
	before := w.MasterKey(t, "master.key")
	w.CLI(t, "master-key", "rotate")
	after := w.MasterKey(t, "master.key")
	w.old = dump(t, w.Installation)
	previous := filepath.Join(w.Data, "master.key.previous")
	away := beside(w.Installation, "master.key.previous")
	if err := os.Rename(previous, away); err != nil {
		t.Fatal(err)
	}
	w.refuses(t, []string{"master key"}, w.backup, "--replace", "--accept-lost-changes")
	if err := os.Rename(away, previous); err != nil {
		t.Fatal(err)
	}
	succeed[restored](t, w.Installation, "restore", w.backup, "--replace", "--accept-lost-changes")
	if err := os.Remove(previous); err != nil { // it is needed once
		t.Fatal(err)
	}
	if key := w.MasterKey(t, "master.key"); key != after {
		t.Error("the restore has changed the master key")
	}
	s := w.Start(t)
	if !s.Works(t, w.key) {
		t.Error("an API key of the backup does not work under the new master key")
	}
	s.Stop(t)
	// The key that was rotated away opens nothing that is in use.
	writeFile(t, filepath.Join(w.Data, "master.key"), before+"\n")
	refuse(t, w.Installation, []string{"master key"}, "key", "list")
}

// C-554: the master key is none of a backup: without it, or with another one,
// nothing is restored, and the message says what is wanted.
func TestARestoreWantsTheMasterKey(t *testing.T) {
	t.Parallel()
	w := newScene(t)
	to := elsewhere(t, w.Installation)
	key := filepath.Join(to.Data, "master.key")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	refuse(t, to, []string{"master key", key}, "restore", w.backup, "--accept-lost-changes")
	if left := filesIn(t, to.Data); len(left) > 0 {
		t.Errorf("what is left is %v", left)
	}
	another := harness.Start(t)
	another.Stop(t)
	writeFile(t, key, readFile(t, filepath.Join(another.Data, "master.key")))
	refuse(t, to, []string{"master key"}, "restore", w.backup, "--accept-lost-changes")
	if left := filesIn(t, to.Data); strings.Join(left, " ") != "master.key" {
		t.Errorf("what is left is %v", left)
	}
	writeFile(t, key, readFile(t, filepath.Join(w.Data, "master.key")))
	succeed[restored](t, to, "restore", w.backup, "--accept-lost-changes")
	holds(t, to, w.key)
}

// C-553: whoever does not own the database restores nothing: files of another user
// would keep the server out.
func TestARestoreIsTheOwnersMatter(t *testing.T) {
	t.Parallel()
	harness.NeedRoot(t, "give files away")
	w := newScene(t)
	const nobody = 65534
	for _, path := range []string{database(w.Installation), w.Data} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		w.refuses(t, []string{"belongs to the user", "sudo -u"}, w.backup, "--replace", "--accept-lost-changes")
		if err := os.Chown(path, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
}
