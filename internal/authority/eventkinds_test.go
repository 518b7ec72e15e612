package authority_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
)

// C-360: whoever chooses events by kind can choose each that there is, so every
// constant of the package is in the list, once.
func TestEventKindsListsEveryConstant(t *testing.T) {
	list := authority.EventKinds()
	var declared []authority.EventKind
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".go") && !strings.HasSuffix(f.Name(), "_test.go") {
			declared = append(declared, declaredKinds(t, f.Name())...)
		}
	}
	if len(declared) < 20 {
		t.Fatalf("only %d kinds are found in the source", len(declared))
	}
	slices.Sort(list)
	slices.Sort(declared)
	if !slices.Equal(list, declared) {
		t.Errorf("EventKinds lists\n%q\nthe constants are\n%q", list, declared)
	}
}

// declaredKinds reads the constants of type EventKind of a file.
func declaredKinds(t *testing.T, file string) (kinds []authority.EventKind) {
	t.Helper()
	syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(syntax, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != "EventKind" {
			return true
		}
		for _, v := range spec.Values {
			text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, authority.EventKind(text))
		}
		return true
	})
	return kinds
}
