package docs

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

const modulePath = "github.com/tokenwright/tokenwright"

// published is the directory that publish has made.
var published string

// publish makes a module proxy (https://go.dev/ref/mod#goproxy-protocol) that has
// this module as it is here, as if it were published.
var publish = sync.OnceValues(func() (dir string, err error) {
	files, err := moduleFiles(harness.File())
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, file := range files {
		fmt.Fprintf(sum, "%s %x\n", file.name, sha256.Sum256(file.text))
	}
	version := "v0.0.0-20260101000000-" + hex.EncodeToString(sum.Sum(nil))[:12] // another content is another version
	var zipped bytes.Buffer
	w := zip.NewWriter(&zipped)
	var mod []byte
	for _, file := range files {
		if file.name == "go.mod" {
			mod = file.text
		}
		f, err := w.Create(modulePath + "@" + version + "/" + file.name)
		if err == nil {
			_, err = f.Write(file.text)
		}
		if err != nil {
			return "", err
		}
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "tokenwright-modules-"); err != nil {
		return "", err
	}
	published = dir
	info := []byte(`{"Version":"` + version + `","Time":"2026-01-01T00:00:00Z"}`)
	for name, text := range map[string][]byte{
		"@latest": info, "@v/list": nil, "@v/" + version + ".info": info, "@v/" + version + ".mod": mod, "@v/" + version + ".zip": zipped.Bytes(),
	} {
		path := filepath.Join(dir, modulePath, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return "", err
		}
	}
	return dir, nil
})

type moduleFile struct {
	name string
	text []byte
}

// moduleFiles are those of the module at root, in their order.
func moduleFiles(root string) ([]moduleFile, error) {
	var files []moduleFile
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, nested := os.Stat(filepath.Join(path, "go.mod"))
			if name != "." && (nested == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "bin" || d.Name() == "tokenwright-data") {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || strings.HasPrefix(name, ".") {
			return nil
		}
		text, err := os.ReadFile(path)
		files = append(files, moduleFile{filepath.ToSlash(name), text})
		return err
	})
	return files, err
}

// modules is the environment in which go get finds this module.
func modules(t *testing.T) []string {
	t.Helper()
	dir, err := publish()
	if err != nil {
		t.Fatal(err)
	}
	others, err := exec.Command("go", "env", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	return []string{"GOPROXY=file://" + dir + "," + strings.TrimSpace(string(others)), "GONOSUMDB=" + modulePath}
}
