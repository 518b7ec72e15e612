package docs

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// readable tells whether a block is of its language at all.
func (b *block) readable(t *testing.T) error {
	t.Helper()
	switch b.language {
	case "json":
		if !json.Valid([]byte(b.text)) {
			return errors.New("is no JSON")
		}
	case "yaml":
		var any any
		return yaml.Unmarshal([]byte(b.text), &any)
	case "sh":
		return compiles(b.text, "bash", "-n")
	case "python":
		return compiles(b.text, "/usr/bin/python3", "-c", "import ast, sys; ast.parse(sys.stdin.read())")
	case "js":
		return compilesJS(t, b.text)
	case "go":
		return compilesGo(b.text)
	}
	return nil
}

// compiles has a program read the text from its standard input.
func compiles(text, program string, args ...string) error {
	c := exec.Command(program, args...)
	c.Stdin = strings.NewReader(text)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}

func compilesJS(t *testing.T, text string) error {
	path := filepath.Join(t.TempDir(), "sample.mjs")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	return compiles("", "node", "--check", path)
}

// compilesGo takes a whole file, declarations, or what can stand in a function.
func compilesGo(text string) error {
	var first error
	for _, around := range [][2]string{{"", ""}, {"package p\n", ""}, {"package p\nfunc _() {\n", "\n}\n"}} {
		_, err := parser.ParseFile(token.NewFileSet(), "sample.go", around[0]+text+around[1], parser.SkipObjectResolution)
		if err == nil {
			return nil
		}
		first = err
	}
	return first
}
