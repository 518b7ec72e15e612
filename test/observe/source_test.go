package observe

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/test/harness"
)

// logged is what the source of the product logs, as far as it stands there as text.
type logged struct {
	messages map[string][]string // with the keys of their members
	facts    []string            // keys of attributes, which are of requests
	texts    map[string]bool     // every string literal
}

// readSource reads what the server and package verify are made of. Some of what
// only an outage makes cannot be caused in a moment, so no test may see it.
func readSource(t *testing.T) *logged {
	t.Helper()
	l := &logged{messages: map[string][]string{}, texts: map[string]bool{}}
	for _, dir := range []string{"cmd", "internal", "verify"} {
		err := filepath.WalkDir(harness.File(dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, l.visit)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func (l *logged) visit(n ast.Node) bool {
	if text, ok := literal(n); ok {
		l.texts[text] = true
	}
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return true
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return true
	}
	switch name := f.Sel.Name; {
	case isLogger(f.X) && slices.Contains([]string{"Debug", "Info", "Warn", "Error"}, name):
		l.message(call.Args)
	case isLogger(f.X) && name == "Log":
		l.message(call.Args[2:]) // behind context and level
	case isPackage(f.X, "slog") && slices.Contains([]string{"String", "Int", "Int64", "Bool", "Any", "Duration", "Time"}, name):
		if key, ok := literal(call.Args[0]); ok {
			l.facts = append(l.facts, key)
		}
	}
	return true
}

func (l *logged) message(args []ast.Expr) {
	text, ok := literal(args[0])
	if !ok {
		return // it is made of several
	}
	keys := l.messages[text]
	for i := 1; i < len(args); i += 2 {
		if key, ok := literal(args[i]); ok {
			keys = append(keys, key)
		}
	}
	l.messages[text] = keys
}

func literal(n ast.Node) (string, bool) {
	l, ok := n.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

// isLogger tells whether an expression ends in a name such as logger or Logger().
func isLogger(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name == "logger"
	case *ast.SelectorExpr:
		return strings.EqualFold(x.Sel.Name, "logger")
	case *ast.CallExpr:
		return isLogger(x.Fun)
	}
	return false
}

func isPackage(x ast.Expr, name string) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == name
}

func TestEveryMessageOfTheSourceIsInThePageOfLogsAndTheReverse(t *testing.T) { // C-355
	page, source := readLogPage(t), readSource(t)
	if len(source.messages) < 15 || len(source.facts) < 15 {
		t.Fatalf("%d messages and %d facts were found", len(source.messages), len(source.facts))
	}
	for message, keys := range source.messages {
		row, ok := page.messages[message]
		if !ok {
			t.Errorf("internal/docs/content/logs.md does not have the message %q", message)
		}
		slices.Sort(keys)
		members := slices.Sorted(slices.Values(row.members))
		if keys = slices.Compact(keys); ok && !slices.Equal(keys, members) {
			t.Errorf("%q has %v; internal/docs/content/logs.md says %v", message, keys, members)
		}
	}
	for _, key := range source.facts {
		if !slices.Contains(page.members, key) {
			t.Errorf("internal/docs/content/logs.md does not have the member %s of requests", key)
		}
	}
	for message := range page.messages {
		task := strings.TrimSuffix(strings.TrimSuffix(message, " failed"), " works again")
		if !source.texts[message] && !source.texts[task] {
			t.Errorf("internal/docs/content/logs.md has the message %q, which nothing logs", message)
		}
	}
}
