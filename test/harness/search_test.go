package harness

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// R-66, C-225: a secret that a run has left behind anywhere fails that run, and so does
// a search that cannot find what it should.
func TestASecretThatIsLeftBehindFailsTheRun(t *testing.T) {
	const id, secret = "twc_demo_0123456789012345678901", "tws_demo_LeftBehindLeftBehind0123456789abcdefghijklmnopqABC"
	run.own, run.seen = t.TempDir(), t.TempDir()
	NoteKey(id, secret)
	leave := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(run.seen, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := searchEverything(); err == nil || !strings.Contains(err.Error(), "does not find the client ID") {
		t.Errorf("nothing is there to be searched: %v", err)
	}
	leave("tokenwright.db", "\x00\x01"+id+"\x02")
	leave("server.log", fmt.Sprintf(`{"client_id":%q}`, id))
	if err := searchEverything(); err != nil {
		t.Errorf("nothing is left behind: %v", err)
	}
	for name, content := range map[string]string{
		"server.log":         "client_secret=" + secret,
		"stderr":             secret[:30],
		"tokenwright.db-wal": "\x00" + secret + "\x00",
		"metrics":            base64.StdEncoding.EncodeToString([]byte(id + ":" + secret)),
		"panic":              "panic: at last",
	} {
		kept, _ := os.ReadFile(filepath.Join(run.seen, name)) // there may be none
		leave(name, string(kept)+content)
		if err := searchEverything(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s holds %s: %v", name, content, err)
		}
		leave(name, string(kept))
	}
}
