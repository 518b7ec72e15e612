package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// target is a package that decides something.
type target struct {
	dir   string
	files []string // nil: all
}

// targets are the packages whose rules are held to R-54. Of authority these are the
// files by which a token request, a key or a revocation is judged; what it
// counts, reports, exports and restores is held by other tests.
var targets = []target{
	{dir: "internal/accesstoken"},
	{dir: "internal/credential"},
	{dir: "internal/forwardauth"},
	{dir: "internal/jose"},
	{dir: "internal/oauthapi"},
	{dir: "internal/ratelimit"},
	{dir: "internal/strictjson"},
	{dir: "verify"},
	{dir: "internal/authority", files: []string{
		"address.go", "apikey.go", "directory.go", "feed.go", "keylist.go", "permission.go", "revocation.go", "revoked.go",
		"rotation.go", "scope.go", "secret.go", "signingkey.go", "signingkeyrevocation.go", "token.go",
	}},
}

// released is the environment of whatever is compiled as a release is, as by the harness.
func released() []string { return append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath") }

// subject is a package whose mutants are compiled.
type subject struct {
	target
	root     string // of the module
	scratch  string
	binary   string
	mutants  []mutant
	unviable int // mutants that do not compile
}

// build makes the test binary of a package with all its mutants.
func build(ctx context.Context, root, scratch string, t target) (*subject, error) {
	s := &subject{target: t, root: root, scratch: filepath.Join(scratch, strings.ReplaceAll(t.dir, "/", "-"))}
	if err := os.MkdirAll(s.scratch, 0o700); err != nil {
		return nil, err
	}
	loaded, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	dropped := map[string]bool{}
	for {
		overlay, err := s.write(loaded, dropped)
		if err != nil {
			return nil, err
		}
		before := len(dropped)
		err = s.compile(ctx, overlay, dropped)
		if err == nil {
			s.unviable = len(dropped)
			return s, nil
		}
		if len(dropped) == before {
			return nil, err
		}
	}
}

// load reads the package with its types.
func (s *subject) load(ctx context.Context) (*packages.Package, error) {
	const mode = packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedSyntax |
		packages.NeedExportFile | packages.NeedCompiledGoFiles
	loaded, err := packages.Load(&packages.Config{Context: ctx, Mode: mode, Dir: s.root, Env: released()}, "./"+s.dir)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", s.dir, err)
	}
	if len(loaded) != 1 || len(loaded[0].Errors) > 0 {
		return nil, fmt.Errorf("loading %s: %v", s.dir, loaded[0].Errors)
	}
	return loaded[0], nil
}

// write lays the files with mutants beside those of the package, for the compiler's flag -overlay.
func (s *subject) write(p *packages.Package, dropped map[string]bool) (overlay string, err error) {
	m := &mutator{fset: p.Fset, info: p.TypesInfo, pkg: p.Types, dir: s.dir, dropped: dropped, names: map[string]int{}}
	replace, found := map[string]string{}, 0
	lay := func(name string, text []byte) error {
		path := filepath.Join(s.scratch, filepath.Base(name))
		replace[name] = path
		return os.WriteFile(path, text, 0o600)
	}
	for i, f := range p.Syntax {
		path := p.CompiledGoFiles[i]
		if s.files != nil && !slices.Contains(s.files, filepath.Base(path)) {
			continue
		}
		found++
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		if err := lay(path, m.mutate(f, text)); err != nil {
			return "", err
		}
	}
	if s.files != nil && found != len(s.files) {
		return "", fmt.Errorf("%s has %d of the files %s", s.dir, found, strings.Join(s.files, ", "))
	}
	if err := lay(filepath.Join(s.root, s.dir, "mutant_switch.go"), []byte(switchFile(p.Name))); err != nil {
		return "", err
	}
	s.mutants = m.mutants
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(s.scratch, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// fault is where the compiler stopped at a mutant.
var fault = regexp.MustCompile(`(?m)^(\S+\.go):(\d+):\d+: `)

// compile drops the mutants of a line that does not compile.
func (s *subject) compile(ctx context.Context, overlay string, dropped map[string]bool) error {
	s.binary = filepath.Join(s.scratch, "mutants.test")
	c := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-gcflags=-e", "-o", s.binary, "-overlay", overlay, "./"+s.dir)
	c.Dir, c.Env = s.root, released()
	said, err := c.CombinedOutput()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, found := range fault.FindAllStringSubmatch(string(said), -1) {
		line, _ := strconv.Atoi(found[2]) // digits
		for _, m := range s.mutants {
			if filepath.Base(m.file) == filepath.Base(found[1]) && m.line == line {
				dropped[m.name] = true
			}
		}
	}
	return errors.New("compiling the mutants of " + s.dir + ": " + string(said))
}
