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

	"github.com/tokenwright/tokenwright/test/harness"
)

func TestMasterKeyRotatesBesideTheServer(t *testing.T) {
	t.Parallel()
	s, before := harness.StartWithKey(t, "demo")
	old := s.MasterKey(t, "master.key")
	s.CLI(t, "master-key", "rotate")
	if s.MasterKey(t, "master.key") == old {
		t.Fatal("master.key is the one of before")
	}
	after := s.CreateKey(t, "demo")
	harness.Eventually(t, harness.Soon, "every API key works on the running server", func() bool { return s.Works(t, before) && s.Works(t, after) })
	s.Stop(t)
	if s.MasterKey(t, "master.key.previous") != old {
		t.Error("master.key.previous is not the key of before")
	}

	// The new one alone opens the database.
	if err := os.Remove(filepath.Join(s.Data, "master.key.previous")); err != nil {
		t.Fatal(err)
	}
	again := s.Start(t)
	if !again.Works(t, before) || !again.Works(t, after) {
		t.Error("after a restart with the new master key an API key does not work")
	}
	if v := s.VerifyEvents(t); !v.OK {
		t.Errorf("the events after the rotation: %+v", v)
	}
	again.Stop(t)

	// The old one alone opens nothing.
	if err := os.WriteFile(filepath.Join(s.Data, "master.key"), []byte(old+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refusesMasterKey(t, s.Installation)
}

// refusesMasterKey tries every kind of command with a master key that must not do.
func refusesMasterKey(t *testing.T, in *harness.Installation) {
	t.Helper()
	for _, args := range [][]string{{"key", "list"}, {"event", "verify"}, {"merchant", "create", "--id", "77", "--name", "No"}} {
		if r := in.Try(t, args...); r.Code != 1 || !strings.Contains(r.Stderr, "master key") {
			t.Errorf("%v with the wrong master key: exit code %d\n%s%s", args, r.Code, r.Stdout, r.Stderr)
		}
	}
	s := in.Launch(t)
	if state := s.WaitFor(t, harness.Soon); state.ExitCode() != 1 || !strings.Contains(s.ReadLog(t), "master key") {
		t.Errorf("serve with the wrong master key: %s\n%s", state, s.LastLog(t))
	}
}

func TestMasterKeyOfTheEnvironmentRotates(t *testing.T) {
	t.Parallel()
	old, next := newMasterKey(t), newMasterKey(t)
	in := harness.New(t)
	in.Environ = []string{"TOKENWRIGHT_MASTER_KEY=" + old}
	s := in.Start(t)
	s.Seed(t)
	key := s.CreateKey(t, "demo")
	s.AwaitKeys(t, key)
	if _, err := os.Stat(filepath.Join(in.Data, "master.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a master key was given, and yet there is master.key: %v", err)
	}

	in.Environ = []string{"TOKENWRIGHT_MASTER_KEY=" + next}
	if r := in.Try(t, "master-key", "rotate"); r.Code != 2 || !strings.Contains(r.Stderr, "TOKENWRIGHT_MASTER_KEY_PREVIOUS") {
		t.Errorf("rotating without the old one: exit code %d\n%s", r.Code, r.Stderr)
	}
	in.Environ = []string{"TOKENWRIGHT_MASTER_KEY=" + next, "TOKENWRIGHT_MASTER_KEY_PREVIOUS=" + old}
	in.CLI(t, "master-key", "rotate")
	if !s.Works(t, key) {
		t.Error("after the rotation the API key does not work on the running server")
	}
	s.Stop(t)

	in.Environ = []string{"TOKENWRIGHT_MASTER_KEY=" + next}
	again := in.Start(t)
	if !again.Works(t, key) {
		t.Error("after a restart with the new master key the API key does not work")
	}
	again.Stop(t)
	in.Environ = []string{"TOKENWRIGHT_MASTER_KEY=" + old}
	refusesMasterKey(t, in)
}

func newMasterKey(t *testing.T) string {
	t.Helper()
	var raw [32]byte
	if _, err := rand.Read(raw[:]); err != nil {
		t.Fatal(err)
	}
	text := base64.StdEncoding.EncodeToString(raw[:])
	harness.NoteMasterKey(text)
	return text
}
