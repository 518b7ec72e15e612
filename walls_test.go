// Package tokenwright_test holds the walls of the house: which package may
// import which. A new package or a new arrow is a decision: it changes this
// file, and ARCHITECTURE.md with it.
package tokenwright_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tokenwright/tokenwright/"

// walls says what each package may import of ours, and which other modules.
// The standard library is open to all.
var walls = map[string]struct{ ours, others []string }{
	".":               {ours: []string{"internal/line", "internal/strictjson"}},
	"oauth2source":    {others: []string{"github.com/tokenwright/tokenwright", "golang.org/x/oauth2"}},
	"verify":          {ours: []string{"internal/accesstoken", "internal/jose", "internal/line", "internal/ratelimit", "internal/strictjson"}},
	"tokenwrighttest": {ours: []string{"internal/accesstoken", "internal/credential", "internal/jose", "internal/strictjson"}},
	"admin":           {ours: []string{"internal/line"}},

	"internal/strictjson":  {},
	"internal/jose":        {ours: []string{"internal/strictjson"}},
	"internal/accesstoken": {ours: []string{"internal/strictjson"}},
	"internal/credential":  {},
	"internal/line":        {},
	"internal/plain":       {},
	"internal/ratelimit":   {},
	"internal/authority":   {ours: []string{"internal/accesstoken", "internal/credential", "internal/jose", "internal/strictjson"}},
	"internal/account": {ours: []string{"internal/authority", "internal/credential"},
		others: []string{"golang.org/x/crypto", "golang.org/x/text"}},
	"internal/store": {
		ours:   []string{"internal/account", "internal/authority", "internal/webhook"},
		others: []string{"modernc.org/sqlite", "github.com/jackc/pgx/v5", "github.com/pressly/goose/v3"},
	},
	"internal/storetest":    {ours: []string{"internal/store"}},            // for tests alone
	"internal/postgrestest": {others: []string{"github.com/jackc/pgx/v5"}}, // for tests alone
	"internal/oauthapi": {
		ours:   []string{"internal/accesstoken", "internal/authority", "internal/jose", "internal/ratelimit", "internal/strictjson", "verify"},
		others: []string{"github.com/prometheus/client_golang"},
	},
	"internal/adminapi":    {ours: []string{"admin", "internal/account", "internal/authority", "internal/ratelimit", "internal/strictjson", "internal/webhook", "verify"}},
	"internal/webhook":     {ours: []string{"internal/authority"}, others: []string{"github.com/prometheus/client_golang"}},
	"internal/console":     {ours: []string{"internal/account", "internal/authority", "internal/plain", "internal/ratelimit", "internal/sso", "internal/web"}, others: []string{"github.com/prometheus/client_golang", "rsc.io/qr"}},
	"internal/mail":        {others: []string{"github.com/prometheus/client_golang"}},
	"internal/notice":      {ours: []string{"internal/account", "internal/authority", "internal/mail", "internal/webhook"}, others: []string{"github.com/prometheus/client_golang"}},
	"internal/docs":        {ours: []string{"examples", "internal/web"}, others: []string{"github.com/yuin/goldmark", "go.yaml.in/yaml/v3"}},
	"internal/forwardauth": {ours: []string{"verify"}, others: []string{"github.com/prometheus/client_golang"}},
	"internal/leaks":       {ours: []string{"internal/authority", "internal/ratelimit", "internal/strictjson", "verify"}},
	"internal/sso":         {ours: []string{"internal/account", "internal/authority"}, others: []string{"github.com/coreos/go-oidc/v3", "golang.org/x/oauth2"}},
	"internal/ssotest":     {ours: []string{"internal/jose"}}, // for tests alone
	"internal/leaktest":    {},                                // for tests alone
	"internal/fuzztest":    {},                                // for tests alone
	"internal/linetest":    {},                                // for tests alone
	"internal/web":         {},
	"internal/server":      {others: []string{"github.com/prometheus/client_golang"}},
	"examples/merchantapi": {ours: []string{"verify"}, others: []string{"modernc.org/sqlite"}},

	"examples":                        {},
	"examples/admin":                  {ours: []string{"admin"}, others: []string{"github.com/tokenwright/tokenwright"}},
	"examples/portal-link":            {ours: []string{"admin"}, others: []string{"github.com/tokenwright/tokenwright"}},
	"examples/clients/go-tokenwright": {others: []string{"github.com/tokenwright/tokenwright"}},
	"examples/clients/go-x-oauth2":    {others: []string{"golang.org/x/oauth2"}},

	"cmd/tokenwright": {
		ours: []string{"admin", "internal/accesstoken", "internal/account", "internal/adminapi", "internal/authority", "internal/console", "internal/credential",
			"internal/docs", "internal/forwardauth", "internal/jose", "internal/leaks", "internal/mail", "internal/notice", "internal/oauthapi", "internal/plain",
			"internal/server", "internal/sso", "internal/store", "internal/strictjson", "internal/webhook", "verify"},
		others: []string{"github.com/coreos/go-systemd/v22", "github.com/prometheus/client_golang", "github.com/spf13/cobra", "github.com/spf13/pflag",
			"github.com/tokenwright/tokenwright", "go.yaml.in/yaml/v3", "golang.org/x/crypto/x509roots/fallback", "golang.org/x/text/width"},
	},
}

// longFiles may have more than 500 lines, each for its reason.
var longFiles = map[string]string{}

// file is one Go file of the module, tests excepted.
type file struct {
	path, dir string
	syntax    *ast.File
	lines     int
}

func goFiles(t *testing.T) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			nested := path != "." && fileExists(filepath.Join(path, "go.mod")) // a module of its own
			if nested || d.Name() == "node_modules" || d.Name() == "testdata" || len(d.Name()) > 1 && d.Name()[0] == '.' {
				return filepath.SkipDir
			}
			return nil
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), path, source, parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, file{path, filepath.ToSlash(filepath.Dir(path)), syntax, strings.Count(string(source), "\n")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestPackagesImportOnlyWhatTheWallsAllow(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range goFiles(t) {
		seen[f.dir] = true
		wall, ok := walls[f.dir]
		if !ok {
			t.Errorf("%s: the package is not in walls", f.path)
			continue
		}
		for _, spec := range f.syntax.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !allowed(path, wall.ours, wall.others) {
				t.Errorf("%s: must not import %s", f.path, path)
			}
		}
	}
	for dir := range walls {
		if !seen[dir] {
			t.Errorf("walls names %s, which has no code", dir)
		}
	}
}

func allowed(path string, ours, others []string) bool {
	if own, ok := strings.CutPrefix(path, module); ok {
		return slices.Contains(ours, own)
	}
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
		return true // standard library
	}
	return slices.ContainsFunc(others, func(m string) bool { return path == m || strings.HasPrefix(path, m+"/") })
}

// The test of the test: a wall that stops nothing would not be noticed.
func TestWallsStopWhatIsNotAllowed(t *testing.T) {
	for path, want := range map[string]bool{
		"net/http": true, module + "internal/jose": true, "modernc.org/sqlite": true, "modernc.org/sqlite/lib": true,
		module + "internal/store": false, module + "internal/jose/x": false, "modernc.org/sqlite2": false, "github.com/x/y": false,
	} {
		if got := allowed(path, []string{"internal/jose"}, []string{"modernc.org/sqlite"}); got != want {
			t.Errorf("allowed(%s) = %v", path, got)
		}
	}
}

func TestEveryPackageSaysWhatItOwns(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range goFiles(t) {
		if f.syntax.Doc.Text() != "" {
			documented[f.dir] = true
		}
	}
	for dir := range walls {
		if !documented[dir] {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

// public are the packages that others import.
var public = []string{".", "oauth2source", "verify", "tokenwrighttest", "admin"}

func TestPublicPackagesAreDocumentedWithExamples(t *testing.T) {
	for _, dir := range public {
		var sources, tests []*ast.File
		set := token.NewFileSet()
		paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(path, "_test.go") {
				tests = append(tests, f)
			} else {
				sources = append(sources, f)
			}
		}
		if len(doc.Examples(tests...)) == 0 {
			t.Errorf("%s has no example", dir)
		}
		pkg, err := doc.NewFromFiles(set, sources, module+dir)
		if err != nil {
			t.Fatal(err)
		}
		commented := func(name, comment string) {
			if strings.TrimSpace(comment) == "" {
				t.Errorf("%s: %s has no comment", dir, name)
			}
		}
		functions := pkg.Funcs
		for _, typ := range pkg.Types {
			commented(typ.Name, typ.Doc)
			functions = slices.Concat(functions, typ.Funcs, typ.Methods)
		}
		for _, f := range functions {
			commented(f.Name, f.Doc)
		}
	}
}

func TestNoInitFunctionsAndNoLongFiles(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: has a func init", f.path)
			}
		}
		if f.lines > 500 && longFiles[f.path] == "" {
			t.Errorf("%s: has %d lines and no reason in longFiles", f.path, f.lines)
		}
	}
}
