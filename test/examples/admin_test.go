package examples

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// C-404: the examples of the admin API do what they say, with an API key that may
// do no more, and show no secret.
func TestProgramsThatManage(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Seed(t)
	operator := s.CreateOperatorKey(t, "merchants:write", "api-keys:write", "events:read")
	s.AwaitKeys(t, operator)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(operator.ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for merchant, p := range []program{
		1: {file: "admin", needs: needNothing},
		2: {file: "admin/curl.sh", command: []string{"bash"}, needs: func(t *testing.T) { harness.Need(t, "bash", "curl", "jq", "openssl") }},
	} {
		if p.file == "" {
			continue
		}
		t.Run(p.name(), func(t *testing.T) {
			t.Parallel()
			spy := spyOnCurl(t)
			run := func() (harness.Result, string) {
				c := (&clientWorld{program: p}).command(t, "TOKENWRIGHT_URL="+s.URL, "TOKENWRIGHT_CLIENT_ID="+operator.ClientID, "TOKENWRIGHT_CLIENT_SECRET_FILE="+secret)
				c.Env = append(c.Env, "PATH="+filepath.Dir(spy)+":"+os.Getenv("PATH"))
				c.Dir, c.Args = t.TempDir(), append(c.Args, fmt.Sprint(merchant))
				r := s.Finish(t, c)
				s.Keep(t, "stdout", []byte(r.Stdout))
				return r, c.Dir
			}
			r, dir := run()
			if r.Code != 0 || !regexp.MustCompile(fmt.Sprintf(`^\d+ merchant.created %d\n\d+ api_key.created twc_demo_\w+\n\d+ api_key.rotated twc_demo_\w+\n$`, merchant)).MatchString(r.Stdout) {
				t.Fatalf("exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
			}
			checkSecretFile(t, s, dir)
			if r, _ := run(); r.Code == 0 || !strings.Contains(r.Stdout+r.Stderr, "ID or name is taken") { // there is the merchant already
				t.Errorf("the second time: exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
			}
			if arguments, err := os.ReadFile(spy + ".log"); err == nil {
				s.Keep(t, "arguments", arguments)
			} else if p.command != nil {
				t.Error("curl was not run as the test wants it")
			}
		})
	}
}

// checkSecretFile holds that a directory has a secret that works, which nobody
// else reads, and nothing else.
func checkSecretFile(t *testing.T, s *harness.Server, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("it has written %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	key := harness.APIKey{ClientID: strings.TrimSuffix(filepath.Base(files[0]), ".secret"), ClientSecret: strings.TrimSpace(string(text))}
	harness.NoteKey(key.ClientID, key.ClientSecret)
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 || !s.Works(t, key) {
		t.Errorf("%s has mode %s, or no secret that works (%v)", files[0], info.Mode(), err)
	}
}

// spyOnCurl makes a program curl that writes down its arguments beside itself, and
// becomes the true one.
func spyOnCurl(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "curl")
	curl, err := exec.LookPath("curl")
	if err != nil {
		return path // who needs it says so
	}
	script := fmt.Sprintf("#!/bin/sh\nprintf '%%s\\n' \"$@\" >>%q\nexec %q \"$@\"\n", path+".log", curl)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
