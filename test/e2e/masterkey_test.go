package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMasterKeyRotatesBesideTheServer(t *testing.T) {
	t.Parallel()
	s, before := startWithKey(t, "demo")
	old := s.masterKey(t, "master.key")
	s.cli(t, "master-key", "rotate")
	if s.masterKey(t, "master.key") == old {
		t.Fatal("master.key is the one of before")
	}
	after := s.createKey(t, "demo")
	eventually(t, aSecond, "every API key works on the running server", func() bool { return s.works(t, before) && s.works(t, after) })
	s.stop(t)
	if s.masterKey(t, "master.key.previous") != old {
		t.Error("master.key.previous is not the key of before")
	}

	// The new one alone opens the database.
	if err := os.Remove(filepath.Join(s.data, "master.key.previous")); err != nil {
		t.Fatal(err)
	}
	again := s.start(t)
	if !again.works(t, before) || !again.works(t, after) {
		t.Error("after a restart with the new master key an API key does not work")
	}
	if v := s.verifyEvents(t); !v.OK {
		t.Errorf("the events after the rotation: %+v", v)
	}
	again.stop(t)

	// The old one alone opens nothing.
	if err := os.WriteFile(filepath.Join(s.data, "master.key"), []byte(old+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.refusesMasterKey(t)
}

// refusesMasterKey tries every kind of command with a master key that must not do.
func (in *installation) refusesMasterKey(t *testing.T) {
	t.Helper()
	for _, args := range [][]string{{"key", "list"}, {"event", "verify"}, {"merchant", "create", "--id", "77", "--name", "No"}} {
		if r := in.try(t, args...); r.code != 1 || !strings.Contains(r.stderr, "master key") {
			t.Errorf("%v with the wrong master key: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
		}
	}
	s := in.launch(t)
	if state := s.waitFor(t, 20*aSecond); state.ExitCode() != 1 || !strings.Contains(s.readLog(t), "master key") {
		t.Errorf("serve with the wrong master key: %s\n%s", state, s.lastLog(t))
	}
}

func TestMasterKeyOfTheEnvironmentRotates(t *testing.T) {
	t.Parallel()
	old, next := newMasterKey(t), newMasterKey(t)
	in := newInstallation(t)
	in.environ = []string{"TOKENWRIGHT_MASTER_KEY=" + old}
	s := in.start(t)
	s.seed(t)
	key := s.createKey(t, "demo")
	eventually(t, aSecond, "the new API key works", func() bool { return s.works(t, key) })
	if _, err := os.Stat(filepath.Join(in.data, "master.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a master key was given, and yet there is master.key: %v", err)
	}

	in.environ = []string{"TOKENWRIGHT_MASTER_KEY=" + next}
	if r := in.try(t, "master-key", "rotate"); r.code != 2 || !strings.Contains(r.stderr, "TOKENWRIGHT_MASTER_KEY_PREVIOUS") {
		t.Errorf("rotating without the old one: exit code %d\n%s", r.code, r.stderr)
	}
	in.environ = []string{"TOKENWRIGHT_MASTER_KEY=" + next, "TOKENWRIGHT_MASTER_KEY_PREVIOUS=" + old}
	in.cli(t, "master-key", "rotate")
	if !s.works(t, key) {
		t.Error("after the rotation the API key does not work on the running server")
	}
	s.stop(t)

	in.environ = []string{"TOKENWRIGHT_MASTER_KEY=" + next}
	again := in.start(t)
	if !again.works(t, key) {
		t.Error("after a restart with the new master key the API key does not work")
	}
	again.stop(t)
	in.environ = []string{"TOKENWRIGHT_MASTER_KEY=" + old}
	in.refusesMasterKey(t)
}

func newMasterKey(t *testing.T) string {
	t.Helper()
	var raw [32]byte
	if _, err := rand.Read(raw[:]); err != nil {
		t.Fatal(err)
	}
	text := base64.StdEncoding.EncodeToString(raw[:])
	noteMasterKey(text)
	return text
}
