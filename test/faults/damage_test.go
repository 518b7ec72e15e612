package faults

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
	"github.com/tokenwright/tokenwright/verify"
)

var damageSeed = flag.Uint64("damage", 0, "do the damage of this `seed` alone")

// damage is a flipped bit, or the end of a file that is gone.
type damage struct {
	seed  uint64
	file  string
	image string // that it is done to: "stopped" or "killed"
	what  string
}

// do damages one of the files of a directory.
func (d *damage) do(t *testing.T, dir string) {
	t.Helper()
	random := rand.New(rand.NewPCG(d.seed, 16))
	path := filepath.Join(dir, d.file)
	content := []byte(read(t, path))
	switch random.IntN(5) {
	case 0:
		content = content[:1+random.IntN(len(content)-1)]
		d.what = fmt.Sprintf("%s is cut off behind byte %d", d.file, len(content))
	case 1:
		at := random.IntN(len(content))
		content[at] ^= 1 << random.IntN(8)
		d.what = fmt.Sprintf("%s has a flipped bit at byte %d", d.file, at)
	case 2: // where an API key is, in its row, an index or its events
		at := random.IntN(len(content))
		if next := bytes.Index(content[at:], []byte("twc_demo_")); next >= 0 {
			at += next
		}
		at = min(at+random.IntN(150), len(content)-1)
		content[at] ^= 1 << random.IntN(8)
		d.what = fmt.Sprintf("%s has a flipped bit at byte %d, near an API key", d.file, at)
	default: // where something is: most of a database is empty
		at := random.IntN(len(content))
		for content[at] == 0 {
			at = random.IntN(len(content))
		}
		content[at] ^= 1 << random.IntN(8)
		d.what = fmt.Sprintf("%s has a flipped bit in what byte %d holds", d.file, at)
	}
	d.what = fmt.Sprintf("seed %d, %s: %s", d.seed, d.image, d.what)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func damages() (list []damage) {
	seeds := []uint64{*damageSeed}
	if *damageSeed == 0 {
		seeds = nil
		for n := range evidence.Choose(8, 100) {
			seeds = append(seeds, evidence.Choose(uint64(n+1), rand.Uint64())) // make test does the same each time
		}
	}
	for _, seed := range seeds {
		d := damage{seed: seed, image: []string{"stopped", "killed"}[seed/8%2], file: "tokenwright.db"}
		switch seed % 8 {
		case 0:
			d.file = "master.key"
		case 1, 2, 3:
			d.file, d.image = "tokenwright.db-wal", "killed"
		}
		list = append(list, d)
	}
	return list
}

// damaged is an installation of which there are two images, one left by a server that
// was stopped and one by a server that was killed, with changes in its write-ahead log.
type damaged struct {
	in       *harness.Installation
	images   map[string]string // directories
	dumps    map[string]string // what they hold
	live     []harness.APIKey
	dead     []harness.APIKey // deleted or disabled
	deadLate []harness.APIKey // by a change that is in the write-ahead log of the second image
	head     string           // of the events
	keys     verify.KeySet    // that may sign
}

func newDamaged(t *testing.T) *damaged {
	t.Helper()
	d := &damaged{in: harness.New(t), images: map[string]string{"stopped": filepath.Join(t.TempDir(), "stopped"), "killed": filepath.Join(t.TempDir(), "killed")}, dumps: map[string]string{}}
	in := d.in
	in.Start(t).Stop(t)
	in.Seed(t)
	in.CLI(t, "merchant", "create", "--id", "77", "--name", "Other")
	d.live = []harness.APIKey{in.CreateKey(t, "demo"), in.CreateKeyOf(t, "77", "demo"), in.CreateKeyOf(t, "77", "demo")}
	disabled, deleted := in.CreateKeyOf(t, "4259", "demo"), in.CreateKey(t, "demo")
	in.CLI(t, "key", "disable", disabled.ClientID)
	in.CLI(t, "key", "delete", deleted.ClientID, "--yes")
	d.dead = []harness.APIKey{disabled, deleted}
	harness.CopyDirectory(t, in.Data, d.images["stopped"])
	s := in.Start(t)
	late := in.CreateKey(t, "demo")
	in.AwaitKeys(t, late)
	in.CLI(t, "key", "delete", late.ClientID, "--yes")
	harness.Eventually(t, harness.Soon, "the API key is refused", func() bool { return in.Refuses(t, late) })
	d.deadLate = []harness.APIKey{late}
	d.head = in.VerifyEvents(t).Head
	var err error
	if d.keys, err = verify.ParseKeys(in.Get(t, in.URL+"/demo/oauth/jwks").Body); err != nil {
		t.Fatal(err)
	}
	s.Kill(t)
	harness.CopyDirectory(t, in.Data, d.images["killed"])
	if info, err := os.Stat(filepath.Join(d.images["killed"], "tokenwright.db-wal")); err != nil || info.Size() < 10_000 {
		t.Fatalf("there are no changes in the write-ahead log: %v, %v", info, err)
	}
	in.Keep(t, "tokenwright.db-wal", []byte(read(t, filepath.Join(d.images["killed"], "tokenwright.db-wal")))) // for the search: damage may hide it
	for name, dir := range d.images {
		text, ok := dump(t, dir)
		if !ok {
			t.Fatal("an image cannot be read")
		}
		d.dumps[name] = text
	}
	return d
}

// dump is all that a database holds, as SQLite reads it; false where it does not.
func dump(t *testing.T, dir string) (string, bool) {
	t.Helper()
	aside := filepath.Join(t.TempDir(), "aside") // whoever reads a database may mend it
	harness.CopyDirectory(t, dir, aside)
	out, err := exec.Command(harness.FindProgram(t, "sqlite3"), "-batch", filepath.Join(aside, "tokenwright.db"), ".dump").CombinedOutput()
	return string(out), err == nil && !strings.Contains(string(out), "ROLLBACK; -- due to errors")
}

// a bit of the database, its write-ahead log or the master key has flipped, or
// their end is gone. A start ends and says why, or what is served is right: no token by a
// damaged key, and no panic; and none for what was never given, where event verify does
// not name that.
func TestADamagedInstallationServesNothingWrong(t *testing.T) {
	evidence.Short(t)
	harness.Need(t, "sqlite3")
	d := newDamaged(t)
	d.findsWhatIsPlanted(t)
	o := evidence.Row{Rule: "R-16", What: "a file of a stopped or killed installation is damaged"}
	became, until := map[string]int{}, 0
	for _, one := range damages() {
		harness.CopyDirectory(t, d.images[one.image], d.in.Data)
		one.do(t, d.in.Data)
		text, readable := dump(t, d.in.Data)
		same := readable && text == d.dumps[one.image] && one.file != "master.key"
		result, wrong := d.startOn(t, &o, &one, same)
		if result == harmless {
			t.Logf("%s: nobody notices what it has changed: %s", one.what, difference(d.dumps[one.image], text))
		}
		became[result]++
		if wrong {
			until++
		}
		o.Times++
	}
	o.Note = fmt.Sprintf("%v; wrong until verified: %d", became, until)
	o.Report(t)
}

// findsWhatIsPlanted holds that the look at what is served can fail: what no damage may
// do without being named is planted, found, and named by event verify.
func (d *damaged) findsWhatIsPlanted(t *testing.T) {
	t.Helper()
	for _, c := range []struct{ sql, of, found, named string }{
		{"merchant_id = '77'", d.live[0].ClientID, "merchant 77", ": merchant 77, its events say 4259"},
		{"scopes = 'customers:reae'", d.live[1].ClientID, "has never been given", ": scopes customers:reae, its events say customers:read"},
		{"status = 'active'", d.dead[0].ClientID, d.dead[0].ClientID + " " + lives, ": status active, its events say disabled"},
	} {
		harness.CopyDirectory(t, d.images["stopped"], d.in.Data)
		d.in.SQLite(t, "UPDATE api_keys SET "+c.sql+" WHERE id = '"+c.of+"';")
		s := d.in.Start(t)
		problems := d.tokens(t, s, &damage{image: "stopped"})
		if len(problems) != 1 || !strings.Contains(problems[0].what, c.found) || !problems[0].named {
			t.Errorf("after %s found: %+v", c.sql, problems)
		}
		if v := d.in.VerifyEvents(t); v.OK || v.Broken != 0 || len(v.Differences) != 1 || !strings.HasPrefix(v.Differences[0], "API key "+c.of+c.named) {
			t.Errorf("after %s event verify finds %+v", c.sql, v)
		}
		s.Stop(t)
	}
}

const (
	lives    = "lives again"
	harmless = "unnoticed but harmless"
)

// startOn starts a server on what is damaged, and tells what becomes of it, and whether
// it serves something wrong, which event verify names.
func (d *damaged) startOn(t *testing.T, o *evidence.Row, one *damage, same bool) (result string, wrong bool) {
	t.Helper()
	s := d.in.Launch(t)
	began := time.Now()
	for s.Running() && !s.Ready() && time.Since(began) < harness.Soon {
		time.Sleep(5 * time.Millisecond)
	}
	evidence.Within(t, one.what+": a start, or its end", time.Since(began), 5*time.Second)
	if !s.Running() {
		said := s.ReadLog(t)
		if code := s.Process.ProcessState.ExitCode(); code != 1 || !strings.Contains(said, "tokenwright: ") || strings.Contains(said, "panic") {
			o.Wrong++
			t.Errorf("%s: the start ends with exit code %d and says %q", one.what, code, said)
		}
		return "refused at the start", false
	}
	if !s.Ready() {
		o.Wrong++
		t.Errorf("%s: the server neither ends nor serves", one.what)
		s.Kill(t)
		return "nothing", false
	}
	problems := d.tokens(t, s, one)
	verified := d.in.Try(t, "event", "verify", "--head", d.head)
	if one.image == "stopped" {
		verified = d.in.Try(t, "event", "verify")
	}
	kept := d.in.Try(t, "backup", filepath.Join(t.TempDir(), "backup"))
	s.Signal(t, syscall.SIGTERM)
	s.WaitFor(t, harness.Soon)
	for _, p := range problems {
		if p.named && verified.Code != 0 {
			t.Logf("%s: %s, and event verify says:\n%s%s", one.what, p.what, verified.Stdout, verified.Stderr)
			wrong = true
			continue
		}
		o.Wrong++
		t.Errorf("%s: %s", one.what, p.what)
	}
	switch {
	case verified.Code != 0:
		return "named by event verify", wrong
	case kept.Code != 0:
		return "named by backup", wrong
	case same:
		return "as before", wrong
	}
	return harmless, wrong
}

// nothing is revoked of what was just issued.
type nothing struct{}

func (nothing) Revoked(time.Time, string, *verify.Claims) error { return nil }

// problem is what is wrong with a token.
type problem struct {
	what  string
	named bool // event verify must name it; else it must not be
}

// tokens asks for a token of every API key, and returns what is wrong with those that
// are issued. That none is issued is not wrong.
func (d *damaged) tokens(t *testing.T, s *harness.Server, one *damage) (problems []problem) {
	t.Helper()
	verifier, err := verify.New(t.Context(), verify.Config{Issuer: s.URL + "/demo", Audience: s.URL + "/demo/api", Keys: d.keys, Revocations: nothing{}})
	if err != nil {
		t.Fatal(err)
	}
	defer verifier.Close()
	for _, key := range d.live {
		token := s.Ask(t, s.URL+"/oauth/token", key.ClientID, key.ClientSecret).AccessToken
		if token == "" {
			continue
		}
		claims, err := verifier.Verify(t.Context(), token)
		if err != nil {
			problems = append(problems, problem{what: fmt.Sprintf("a token of %s is not good: %v", key.ClientID, err)})
			continue
		}
		if claims.ClientID != key.ClientID || claims.MerchantID.Text != fmt.Sprint(key.MerchantID) || claims.Env != key.Env {
			problems = append(problems, problem{fmt.Sprintf("a token of %s says that it is of %s, merchant %s, %s", key.ClientID, claims.ClientID, claims.MerchantID.Text, claims.Env), true})
		}
		for _, scope := range strings.Fields(claims.Scope) {
			if !slices.Contains(key.Scopes, scope) {
				problems = append(problems, problem{fmt.Sprintf("%s has never been given %q", key.ClientID, scope), true})
			}
		}
	}
	dead := slices.Clone(d.dead)
	if one.image == "killed" {
		dead = append(dead, d.deadLate...)
	}
	for _, key := range dead {
		if s.Ask(t, s.URL+"/oauth/token", key.ClientID, key.ClientSecret).AccessToken != "" {
			problems = append(problems, problem{key.ClientID + " " + lives, true})
		}
	}
	return problems
}

// difference is the first line of two texts that is not the same.
func difference(before, after string) string {
	old := strings.Split(before, "\n")
	for i, line := range strings.Split(after, "\n") {
		if i >= len(old) || old[i] != line {
			return fmt.Sprintf("%.300q for %.300q", line, strings.Join(old[min(i, len(old)):min(i+1, len(old))], ""))
		}
	}
	return "its end"
}
