package harness

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// wallClock is package wallclock of a build whose wall clock is not that of the
// machine: the file that TEST_WALL_CLOCK names says how many seconds it is off. As
// where a clock is set, the monotonic reading stays.
const wallClock = `package wallclock

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

var off = follow(os.Getenv("TEST_WALL_CLOCK"))

func follow(path string) *atomic.Int64 {
	off := new(atomic.Int64)
	read := func() {
		text, _ := os.ReadFile(path)
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
			off.Store(n)
		}
	}
	if path != "" {
		read()
		go func() {
			for range time.Tick(20 * time.Millisecond) {
				read()
			}
		}()
	}
	return off
}

// Now is time.Now with seconds added to the wall clock alone: in a time with a
// monotonic reading they stand above 30 bits of nanoseconds.
func Now() time.Time {
	now := time.Now()
	*(*uint64)(unsafe.Pointer(&now)) += uint64(off.Load()) << 30
	return now
}
`

var withWallClock Once

// BuildWithWallClock makes, once for all tests, a binary of the product whose wall
// clocks are set by a WallClock: whatever asks time.Now asks another package.
func BuildWithWallClock(t testing.TB) string {
	t.Helper()
	return withWallClock.Binary(func() string { return buildWithWallClock(t) })
}

func buildWithWallClock(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	put := func(path, text string) {
		file := filepath.Join(dir, strconv.Itoa(len(replace))+".go")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[path] = file
	}
	put(File("internal", "wallclock", "wallclock.go"), wallClock)
	for _, tree := range []string{"internal", "cmd", "verify"} {
		err := filepath.WalkDir(File(tree), func(path string, _ os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			if text := string(source); err == nil && strings.Contains(text, "time.Now") {
				text = strings.ReplaceAll(text, "time.Now", "wallclock.Now")
				text = strings.Replace(text, "import (\n", "import (\n\t\"github.com/tokenwright/tokenwright/internal/wallclock\"\n", 1)
				put(path, text+"\nvar _ = time.Second // for a file that asked for no more\n")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return Build(t, "-overlay", Overlay(t, replace))
}

// WallClock is that of the processes of an installation, which are of a build that
// has one.
type WallClock struct{ file string }

// SetWallClock has processes to come go by a clock that is as much off.
func (in *Installation) SetWallClock(t testing.TB, off time.Duration) *WallClock {
	t.Helper()
	c := &WallClock{filepath.Join(t.TempDir(), "clock")}
	in.Environ = append(in.Environ, "TEST_WALL_CLOCK="+c.file)
	c.Jump(t, off)
	return c
}

// Jump sets the clock, of processes at work as well; they notice within 20 ms, by
// and large.
func (c *WallClock) Jump(t testing.TB, off time.Duration) {
	t.Helper()
	text := strconv.FormatInt(int64(off/time.Second), 10)
	if err := os.WriteFile(c.file+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(c.file+".new", c.file); err != nil {
		t.Fatal(err)
	}
}
