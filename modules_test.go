package tokenwright_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever uses a library of this module gets no other module with it: nothing to
// download, nothing to audit. The module of such a user is made here, with
// nothing in its module cache and no proxy to fill it.
func TestUsersOfTheLibrariesGetNoOtherModule(t *testing.T) {
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, library := range []string{"github.com/tokenwright/tokenwright", "github.com/tokenwright/tokenwright/verify", "github.com/tokenwright/tokenwright/tokenwrighttest", "github.com/tokenwright/tokenwright/admin"} {
		t.Run(filepath.Base(library), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "go.mod"), "module example.com/user\n\ngo 1.26.0\n\n"+
				"require github.com/tokenwright/tokenwright v0.0.0\n\nreplace github.com/tokenwright/tokenwright => "+root+"\n")
			writeFile(t, filepath.Join(dir, "main.go"), "package main\n\nimport _ \""+library+"\"\n\nfunc main() {}\n")
			before := readFile(t, filepath.Join(dir, "go.mod"))

			goIn(t, dir, "mod", "tidy")
			if after := readFile(t, filepath.Join(dir, "go.mod")); after != before {
				t.Errorf("go mod tidy has changed go.mod into\n%s", after)
			}
			if sum := readFile(t, filepath.Join(dir, "go.sum")); sum != "" {
				t.Errorf("go.sum is\n%s", sum)
			}
			modules := goIn(t, dir, "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ".")
			for module := range strings.FieldsSeq(modules) {
				if module != "example.com/user" && module != "github.com/tokenwright/tokenwright" {
					t.Errorf("a package of %s comes with it", module)
				}
			}
			if !strings.Contains(modules, "github.com/tokenwright/tokenwright") {
				t.Errorf("the library is not among what is listed:\n%s", modules)
			}
		})
	}
}

// goIn runs the go command where there is no network and no module.
func goIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	c := exec.Command("go", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local", "GOMODCACHE="+t.TempDir())
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// readFile returns "" for a file that is not there.
func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(content)
}
