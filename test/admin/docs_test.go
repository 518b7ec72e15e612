package admin

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/test/harness"
)

// page is a page of docs.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(harness.Example("..", "internal", "docs", "content", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks are those of a language in a page.
func blocks(page, language string) []string {
	var list []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(page, -1) {
		list = append(list, m[1])
	}
	return list
}

// C-404: what the page has readers type does what the page says.
func TestThePageOfTheAdminAPIRunsAsItStands(t *testing.T) {
	t.Parallel()
	harness.Need(t, "bash", "curl", "jq", "openssl")
	s, _, c := start(t)
	shell, program := blocks(page(t, "admin.md"), "bash"), filepath.Join(t.TempDir(), "program.go")
	if len(shell) != 10 {
		t.Fatalf("the page has %d blocks for a shell", len(shell))
	}
	if err := os.WriteFile(program, []byte(goProgram(blocks(page(t, "admin.md"), "go"))), 0o600); err != nil {
		t.Fatal(err)
	}
	r, work := typed(t, s, shell[0]+untilKnown+strings.Join(shell[1:], "")+"cd "+harness.Example("..")+"\ngo run "+program+"\n")
	noteFiles(t, work, 3)
	s.Keep(t, "stdout", []byte(r.Stdout))
	kinds := map[string]int{}
	for e, err := range c.Events(context.Background(), admin.EventFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		kinds[e.Kind+" "+e.MerchantID.String()]++
	}
	for kind, want := range map[string]int{
		"merchant.created 4260": 1, "api_key.created 4260": 1, "api_key.updated 4260": 1, "api_key.rotated 4260": 1, "api_key.deleted 4260": 1, "merchant.deleted 4260": 1,
		"merchant.created 4261": 1, "api_key.created 4261": 1, "api_key.updated 4261": 1, "api_key.deleted 4261": 1, "merchant.deleted 4261": 1,
		"merchant.created 4262": 1, "api_key.created 4262": 1,
	} {
		if kinds[kind] != want {
			t.Errorf("%d events %s, not %d: %v", kinds[kind], kind, want, kinds)
		}
	}
	if csv, err := os.ReadFile(filepath.Join(work, "keys.csv")); err != nil || !strings.HasPrefix(string(csv), "client_id,") {
		t.Errorf("the report is %q, %v", csv, err)
	}
}

// untilKnown waits for the server to hear of an API key, which takes a second at
// most.
const untilKnown = "until tokenwright token get --resource \"$TOKENWRIGHT_URL/admin\" >/dev/null 2>&1; do sleep 0.05; done\n"

// typed has a shell run what a reader types beside a server, in a directory of its
// own, which it returns. It must end well.
func typed(t *testing.T, s *harness.Server, script string) (r harness.Result, work string) {
	t.Helper()
	dir, work := t.TempDir(), t.TempDir()
	if err := os.Symlink(s.Binary, filepath.Join(dir, "tokenwright")); err != nil {
		t.Fatal(err)
	}
	bash := exec.CommandContext(t.Context(), "bash")
	bash.Stdin, bash.Dir = strings.NewReader("set -euo pipefail\n"+script), work
	bash.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "NO_PROXY=*", "TOKENWRIGHT_URL=" + s.URL, "TOKENWRIGHT_DATA=" + s.Data}
	r = s.Finish(t, bash)
	if r.Code != 0 {
		t.Fatalf("exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	return r, work
}

// goProgram puts the blocks into one program.
func goProgram(blocks []string) string {
	return `package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/admin"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
` + strings.Join(blocks, "") + "return nil\n}\n"
}

// noteFiles notes the secrets and tokens, so many, that a script has written.
func noteFiles(t *testing.T, dir string, want int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range clientSecret.FindAllString(string(text), -1) {
			harness.NoteSecret(secret)
			found++
		}
		if _, token, is := strings.Cut(string(text), "Bearer "); is {
			harness.NoteToken(strings.TrimSuffix(strings.TrimSpace(token), `"`))
			found++
		}
	}
	if found != want {
		t.Errorf("found %d secrets and tokens in %v", found, files)
	}
}

// The table of errors has each reason that the server gives, with its status, and
// no other.
func TestThePageNamesEveryReason(t *testing.T) {
	t.Parallel()
	statuses := map[string]string{
		"BadRequest": "400", "Forbidden": "403", "NotFound": "404", "MethodNotAllowed": "405", "Conflict": "409", "PreconditionFailed": "412",
		"RequestEntityTooLarge": "413", "UnsupportedMediaType": "415", "TooManyRequests": "429", "InternalServerError": "500", "ServiceUnavailable": "503",
	}
	var given, told []string
	files, err := filepath.Glob(harness.Example("..", "internal", "adminapi", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`http\.Status([A-Za-z]+), "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1) {
			given = append(given, cmp.Or(statuses[m[1]], m[1])+" "+m[2])
		}
	}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|(.*?)\|`).FindAllStringSubmatch(page(t, "admin.md"), -1) {
		for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[2], -1) {
			told = append(told, fmt.Sprint(row[1], " ", m[1]))
		}
	}
	slices.Sort(given)
	slices.Sort(told)
	if given = slices.Compact(given); !slices.Equal(given, told) || len(told) < 20 {
		t.Errorf("the server gives\n%v\nthe page has\n%v", given, told)
	}
}
