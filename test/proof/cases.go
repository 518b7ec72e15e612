package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// repository is where the sources are.
type repository struct{ root string }

func (r repository) path(parts ...string) string {
	return filepath.Join(append([]string{r.root}, parts...)...)
}

// provable is a rule and the tests that name it.
type provable struct {
	rule  string
	says  string // the first sentence of it
	tests []test
}

// test is a test or a fuzz target.
type test struct {
	dir   string // of its package, below the root
	name  string
	takes bool // the flags of package evidence
}

func (t test) String() string { return t.dir + " " + t.name }

func (t test) fuzz() bool { return strings.HasPrefix(t.name, "Fuzz") }

// everything tells whether it stands for all tests of its package: what it looks at is what
// they have left behind.
func (t test) everything() bool { return t.name == "TestMain" }

var (
	aRule    = regexp.MustCompile(`(?m)^\| ((?:C-|R-|P)\d+) \| (.*?\.)(?: |$)`)
	ruleName = regexp.MustCompile(`\b(?:C-\d{3}|R-\d{2}|P\d)\b`)
)

// cases are all rules, in the order of their numbers.
func (r repository) cases() ([]provable, error) {
	text, err := os.ReadFile(r.path("docs", "rules.md"))
	if err != nil {
		return nil, err
	}
	tests, err := r.tests()
	if err != nil {
		return nil, err
	}
	var list []provable
	for _, found := range aRule.FindAllStringSubmatch(string(text), -1) {
		list = append(list, provable{found[1], found[2], tests[found[1]]})
	}
	slices.SortFunc(list, func(a, b provable) int { return cmp.Compare(order(a.rule), order(b.rule)) })
	return list, nil
}

// order puts rules of reliability before the others.
func order(rule string) string {
	kind := strings.TrimRight(rule, "0123456789")
	return strconv.Itoa(strings.Index("R- P C-", kind)) + rule
}

// tests are those that name each rule, by package.
func (r repository) tests() (map[string][]test, error) {
	byRule := map[string][]test{}
	err := filepath.WalkDir(r.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{"node_modules", "bin", "testdata", ".git"}, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(r.root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, declared := range file.Decls {
			f, ok := declared.(*ast.FuncDecl)
			if !ok || f.Doc == nil || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			named := ruleName.FindAllString(f.Doc.Text(), -1)
			slices.Sort(named)
			for _, rule := range slices.Compact(named) {
				byRule[rule] = append(byRule[rule], test{dir: dir, name: f.Name.Name})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for tests: %w", err)
	}
	withFlags := map[string]bool{}
	for _, list := range byRule {
		for i := range list {
			takes, known := withFlags[list[i].dir]
			if !known {
				if takes, err = r.imports(list[i].dir, "github.com/tokenwright/tokenwright/test/evidence"); err != nil {
					return nil, err
				}
				withFlags[list[i].dir] = takes
			}
			list[i].takes = takes
		}
	}
	return byRule, nil
}

// imports tells whether the tests of a package import another one.
func (r repository) imports(dir, other string) (bool, error) {
	files, err := filepath.Glob(r.path(dir, "*_test.go"))
	if err != nil {
		return false, err
	}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == strconv.Quote(other) }) {
			return true, nil
		}
	}
	return false, nil
}
