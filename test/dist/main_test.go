package dist

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// made is the release that all tests look at.
var made struct {
	root string // of the repository
	dir  string // what people download
	name string // of the archive, without its end
	tree string // the archive, unpacked
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	temp, err := os.MkdirTemp("", "tokenwright-dist-")
	if err != nil {
		return broken(err)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	if made.root, err = filepath.Abs("../.."); err != nil {
		return broken(err)
	}
	made.dir = filepath.Join(temp, "dist")
	if err := makeRelease(made.root, made.dir); err != nil {
		return broken(err)
	}
	archives, err := filepath.Glob(filepath.Join(made.dir, "*.tar.gz"))
	if err != nil || len(archives) != 1 {
		return broken(fmt.Errorf("archives: %v %w", archives, err))
	}
	made.name = strings.TrimSuffix(filepath.Base(archives[0]), ".tar.gz")
	made.tree = filepath.Join(temp, made.name)
	if out, err := exec.Command("tar", "-xzf", archives[0], "-C", temp).CombinedOutput(); err != nil {
		return broken(fmt.Errorf("unpacking: %w\n%s", err, out))
	}
	return m.Run()
}

func broken(err error) int {
	fmt.Fprintln(os.Stderr, "before the tests:", err)
	return 1
}

// makeRelease runs deploy/dist of a copy of the sources, for this platform.
func makeRelease(sources, to string, environ ...string) error {
	c := exec.Command(filepath.Join(sources, "deploy", "dist"), "linux/"+runtime.GOARCH)
	c.Env = append(append(os.Environ(), "DIST="+to), environ...)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("deploy/dist: %w\n%s", err, out)
	}
	return nil
}

// tool runs a program that must succeed, and returns what it prints.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	harness.Need(t, name)
	c := exec.Command(name, args...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out)
}

// build is what the binary says of itself.
func build(t *testing.T) (of struct{ Version, Revision string }) {
	t.Helper()
	if err := json.Unmarshal([]byte(tool(t, binary(), "version", "-o", "json")), &of); err != nil {
		t.Fatal(err)
	}
	return of
}

func binary() string { return filepath.Join(made.tree, "tokenwright") }

// headers are those of the members of an archive, by their name in it.
func headers(t *testing.T, archive io.Reader) map[string]*tar.Header {
	t.Helper()
	unzipped, err := gzip.NewReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]*tar.Header{}
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return members
		}
		if err != nil {
			t.Fatal(err)
		}
		members[strings.TrimPrefix(h.Name, made.name+"/")] = h
	}
}
