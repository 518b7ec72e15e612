package harness

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// These files of a data directory hold a secret because that is what they are
// for: quickstart.json keeps the example's API key for its next start, and
// master.key is the key of the database beside it. Only their owner may read them.
var keepers = []string{"quickstart.json", "master.key", "master.key.previous"}

// searchEverything looks for every secret of the run in every file that the
// product wrote or may have caused: databases with their write-ahead logs,
// logs of servers, standard error of commands, metrics.
func searchEverything() error {
	s := newSearch()
	var problems []error
	files, inDatabases, inLogs := 0, map[string]bool{}, 0
	err := filepath.WalkDir(run.seen, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if slices.Contains(keepers, d.Name()) {
			problems = append(problems, checkPrivate(d))
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		told := false // one place of a file is enough to begin with
		for _, found := range s.in(content) {
			switch name := filepath.Base(path); {
			case found.what != aClientID && !told:
				told = true
				problems = append(problems, fmt.Errorf("%s holds a %s, at byte %d:\n\t%q", path, found.what, found.at, around(content, found.at)))
			case found.what != aClientID:
			case strings.HasPrefix(name, "tokenwright.db"):
				inDatabases[found.text] = true
			case strings.HasSuffix(name, ".log"):
				inLogs++
			}
		}
		problems = append(problems, checkHealthy(path, content))
		return nil
	})
	problems = append(problems, err, s.prove())
	// The same search finds what is no secret: so it reads the right files.
	for id := range noted.clientIDs {
		if !inDatabases[id] {
			problems = append(problems, fmt.Errorf("the search does not find the client ID %s in any database", id))
		}
	}
	if len(noted.clientIDs) > 0 && inLogs == 0 {
		problems = append(problems, errors.New("the search finds no client ID in any log"))
	}
	problems = append(problems, Record(map[string]any{"searched": map[string]int{"files": files, "secrets": len(noted.secrets), "forms": s.size}}))
	if testing.Verbose() {
		fmt.Printf("=== searched %d files for %d secrets and tokens in %d forms; client IDs found: %d of %d in databases, %d times in logs\n",
			files, len(noted.secrets), s.size, len(inDatabases), len(noted.clientIDs), inLogs)
	}
	return errors.Join(problems...)
}

func around(content []byte, at int) []byte { return content[max(0, at-100):min(len(content), at+100)] }

// checkPrivate checks the mode of a file that may hold a secret.
func checkPrivate(d fs.DirEntry) error {
	info, err := d.Info()
	if err == nil && info.Mode().Perm() != 0o600 {
		err = fmt.Errorf("%s has mode %s", d.Name(), info.Mode())
	}
	return err
}

// checkHealthy looks for what no process may ever say.
func checkHealthy(path string, content []byte) error {
	for _, bad := range []string{"WARNING: DATA RACE", "panic: ", "goroutine 1 ["} {
		if bytes.Contains(content, []byte(bad)) {
			return fmt.Errorf("%s holds %q:\n%s", path, bad, content)
		}
	}
	return nil
}

// search looks for many texts at once.
type search struct {
	size   int
	begin  map[uint64][]needle // by the first 8 bytes
	likely [1 << 16]bool       // by a hash of them: most places need no look into the map
}

type needle struct{ text, what string }

type hit struct {
	needle
	at int
}

const aClientID = "client ID"

func newSearch() *search {
	s := &search{begin: map[uint64][]needle{}}
	for text, what := range noted.secrets {
		s.add(text, what)
	}
	for id := range noted.clientIDs {
		s.addText(needle{id, aClientID})
	}
	return s
}

func (s *search) add(text, what string) {
	for _, piece := range pieces(text, what) {
		for _, form := range forms(piece) {
			s.addText(needle{form, what})
		}
	}
}

func (s *search) addText(n needle) {
	var begin uint64
	for i := range 8 {
		begin = begin<<8 | uint64(n.text[i])
	}
	s.begin[begin] = append(s.begin[begin], n)
	s.likely[hash(begin)] = true
	s.size++
}

func hash(v uint64) uint16 { return uint16(v * 0x9e3779b97f4a7c15 >> 48) }

// in returns where content has any of the texts.
func (s *search) in(content []byte) []hit {
	var hits []hit
	var window uint64
	for i, b := range content {
		window = window<<8 | uint64(b)
		if i < 7 || !s.likely[hash(window)] {
			continue
		}
		for _, n := range s.begin[window] {
			if bytes.HasPrefix(content[i-7:], []byte(n.text)) {
				hits = append(hits, hit{n, i - 7})
			}
		}
	}
	return hits
}

// prove plants secrets that were never used, each written in every way that
// the search claims to see through, and finds them.
func (s *search) prove() error {
	var problems []error
	for text, what := range map[string]string{
		"tws_demo_CanaryCanaryCanary0123456789abcdefghijklmnopqABCDEF":                       aSecret,
		"eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJjYW5hcnkifQ.Y2FuYXJ5-Y2FuYXJ5_canary-canary_canary": aToken,
		base64.StdEncoding.EncodeToString([]byte("canary canary canary canary 1234")):        aMasterKey,
	} {
		s.add(text, what)
		for name, planted := range planted(text, what) {
			path := filepath.Join(run.own, "canary")
			if err := os.WriteFile(path, []byte("\x00\xff{\"noise\":\""+planted+"\"}\n\x01"), 0o600); err != nil {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if len(s.in(content)) == 0 {
				problems = append(problems, fmt.Errorf("the search does not find a planted %s: %s", what, name))
			}
		}
	}
	return errors.Join(problems...)
}

func planted(text, what string) map[string]string {
	basic := func(user string) string { return base64.StdEncoding.EncodeToString([]byte(user + ":" + text)) }
	own := ownPart(text, what)
	return map[string]string{
		"plain":         text,
		"cut off":       text[:strings.Index(text, own)+13] + "…",
		"its end":       "…" + own[len(own)-13:],
		"in base64":     base64.StdEncoding.EncodeToString([]byte(text)),
		"in base64url":  base64.URLEncoding.EncodeToString([]byte(text)),
		"as Basic":      basic("twc_demo_1"),
		"as Basic, too": basic("twc_demo_12"),
		"as Basic, 3":   basic("twc_demo_123"),
		"as a form":     "secret=" + strings.ReplaceAll(text, "_", "%5F"),
		"as JSON":       strings.ReplaceAll(text, "_", `\u005f`),
	}
}
