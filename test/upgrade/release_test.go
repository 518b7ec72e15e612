package upgrade

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// release is the kept one.
type release struct {
	source string // directory
	binary string
	newest int // migration that it knows
}

var kept struct {
	sync.Mutex
	release
}

// keptRelease unpacks and builds the kept release: once, beside the build cache of Go,
// in which its packages are then found again by the next run.
func keptRelease(t testing.TB) release {
	t.Helper()
	kept.Lock()
	defer kept.Unlock()
	if kept.binary == "" {
		kept.source = unpack(t, "testdata/source.tar.xz")
		kept.newest = newest(t, filepath.Join(kept.source, "internal/store/migrations"))
		kept.binary = harness.BuildIn(t, kept.source, "./cmd/tokenwright")
	}
	return kept.release
}

// unpack returns the directory with what is in an archive.
func unpack(t testing.TB, archive string) string {
	t.Helper()
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	dir := filepath.Join(strings.TrimSpace(string(cache)), "tokenwright-releases", hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "unpacking-")
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(archive)
	if err != nil {
		t.Fatal(err)
	}
	harness.Tool(t, "", "tar", "--extract", "--xz", "--file", path, "--directory", work)
	// Whoever unpacks it at the same time has done so just as well.
	if err := os.Rename(work, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	return dir
}

// newest is the number of the last migration in a directory.
func newest(t testing.TB, dir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no migrations in %s: %v", dir, err)
	}
	number, _, _ := strings.Cut(filepath.Base(files[len(files)-1]), "_")
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var next harness.Once

// nextRelease builds this state with the migrations of testdata/migrations behind its own.
func nextRelease(t testing.TB) string {
	t.Helper()
	return next.Binary(func() string {
		files, err := filepath.Glob("testdata/migrations/*.sql")
		if err != nil || len(files) == 0 {
			t.Fatalf("there are no migrations: %v", err)
		}
		replace := map[string]string{}
		for _, file := range files {
			path, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			replace[harness.File("internal", "store", "migrations", filepath.Base(file))] = path
		}
		return harness.Build(t, "-overlay", harness.Overlay(t, replace))
	})
}
