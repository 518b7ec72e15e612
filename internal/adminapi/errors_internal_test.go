package adminapi

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/authority"
)

// sentinels is how each error of packages authority and account is answered: a status and a
// reason. 503 is for those that a request cannot be at fault for.
var sentinels = map[string]struct {
	err    error
	status int
	reason string
}{
	"ErrNotFound":         {authority.ErrNotFound, 404, "not_found"},
	"ErrExists":           {authority.ErrExists, 409, "exists"},
	"ErrConflict":         {authority.ErrConflict, 409, "conflict"},
	"ErrVersion":          {authority.ErrVersion, 412, "version"},
	"ErrActiveKeyLimit":   {authority.ErrActiveKeyLimit, 409, "active_key_limit"},
	"ErrKeyLimit":         {authority.ErrKeyLimit, 409, "key_limit"},
	"ErrSecretLimit":      {authority.ErrSecretLimit, 409, "secret_limit"},
	"ErrLastSecret":       {authority.ErrLastSecret, 409, "last_secret"},
	"ErrScopeInUse":       {authority.ErrScopeInUse, 409, "scope_in_use"},
	"ErrMerchantInUse":    {authority.ErrMerchantInUse, 409, "merchant_in_use"},
	"ErrReplyOther":       {authority.ErrReplyOther, 409, "idempotency_conflict"},
	"ErrCursor":           {authority.ErrCursor, 400, "cursor"},
	"ErrActiveSigningKey": {authority.ErrActiveSigningKey, 409, "active_signing_key"},

	"ErrEnded": {authority.ErrEnded, 401, ""},

	"ErrEmailTaken":   {account.ErrEmailTaken, 409, "exists"},
	"ErrLastOperator": {account.ErrLastOperator, 409, "last_operator"},

	"ErrReplied":        {authority.ErrReplied, 503, "unavailable"}, // the answer is gone again: send it once more
	"ErrNotInitialized": {authority.ErrNotInitialized, 503, "unavailable"},
	"ErrMasterKey":      {authority.ErrMasterKey, 503, "unavailable"},
	"ErrEnvironments":   {authority.ErrEnvironments, 503, "unavailable"},
	"ErrDiverged":       {authority.ErrDiverged, 503, "unavailable"},
	"ErrManyRevoked":    {authority.ErrManyRevoked, 503, "unavailable"}, // of no method that is called here
	"ErrCopied":         {authority.ErrCopied, 503, "unavailable"},
	"ErrMoved":          {authority.ErrMoved, 503, "unavailable"},
	"ErrArriving":       {authority.ErrArriving, 503, "unavailable"},
	"ErrStale":          {authority.ErrStale, 503, "unavailable"},

	// Of people who sign in, which nobody does here.
	"ErrSetUp":         {account.ErrSetUp, 503, "unavailable"},
	"ErrLink":          {account.ErrLink, 503, "unavailable"},
	"ErrSession":       {account.ErrSession, 503, "unavailable"},
	"ErrSignIn":        {account.ErrSignIn, 503, "unavailable"},
	"ErrDisabled":      {account.ErrDisabled, 503, "unavailable"},
	"ErrLocked":        {account.ErrLocked, 503, "unavailable"},
	"ErrConfirm":       {account.ErrConfirm, 503, "unavailable"},
	"ErrNoAccount":     {account.ErrNoAccount, 503, "unavailable"},
	"ErrIdentityTaken": {account.ErrIdentityTaken, 503, "unavailable"},
	"ErrThrottled":     {account.ErrThrottled, 503, "unavailable"},
	"ErrBusy":          {account.ErrBusy, 503, "unavailable"},
}

// C-397: no error of the domain is answered by accident.
func TestEveryErrorOfTheDomainHasItsAnswer(t *testing.T) {
	found := append(errorsOf(t, "../authority"), errorsOf(t, "../account")...)
	for _, name := range found {
		if _, ok := sentinels[name]; !ok {
			t.Errorf("%s has no row in sentinels: say how it is answered", name)
		}
	}
	if len(found) != len(sentinels) {
		t.Errorf("%d errors in the domain, %d in sentinels", len(found), len(sentinels))
	}
	for name, want := range sentinels {
		status, body := errorOf(fmt.Errorf("doing: %w", want.err))
		if status != want.status || body.Reason != want.reason || body.Code != fmt.Sprint(status) {
			t.Errorf("%s: got %d %+v, want %d %s", name, status, body, want.status, want.reason)
		}
		if !strings.HasSuffix(body.Message, ".") || strings.Contains(body.Message, "doing") {
			t.Errorf("%s: message %q", name, body.Message)
		}
	}
}

// C-493: the table of reasons has what is answered, and nothing else: each row is an
// error of the domain, or a constant that this package answers with.
func TestEveryReasonIsAnswered(t *testing.T) {
	values, used := map[string]string{}, map[string]bool{}
	for path, file := range parsed(t, ".") {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				if lit, ok := firstLiteral(n.Values); ok && strings.HasPrefix(n.Names[0].Name, "reason") {
					values[n.Names[0].Name] = lit
				}
			case *ast.Ident:
				used[n.Name] = used[n.Name] || path != "reason.go"
			}
			return true
		})
	}
	answered := map[string]bool{}
	for name, value := range values {
		answered[value] = used[name]
		if !slices.ContainsFunc(reasons, func(r Reason) bool { return r.Name == value }) {
			t.Errorf("%s is not in the table", name)
		}
	}
	seen := map[string]bool{}
	for _, r := range Reasons() {
		if !answered[r.Name] && len(r.is) == 0 {
			t.Errorf("nothing is answered with %s", r.Name)
		}
		if seen[r.Name] || !strings.HasSuffix(r.Meaning, ".") || !strings.HasSuffix(r.Fix, ".") || r.Status < 400 {
			t.Errorf("%s stands twice, or its row is not whole: %+v", r.Name, r)
		}
		seen[r.Name] = true
	}
	if len(values) < 10 {
		t.Errorf("found only the constants %v", values)
	}
}

func firstLiteral(values []ast.Expr) (string, bool) {
	if len(values) == 0 {
		return "", false
	}
	lit, ok := values[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// errorsOf are the names of the errors that a package declares.
func errorsOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	for _, file := range parsed(t, dir) {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				for _, id := range spec.Names {
					if strings.HasPrefix(id.Name, "Err") {
						names = append(names, id.Name)
					}
				}
			}
			return true
		})
	}
	return names
}

// parsed are the files of a package, without its tests, by name.
func parsed(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		if files[filepath.Base(path)], err = parser.ParseFile(token.NewFileSet(), path, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// C-397: what nobody expected is told without detail.
func TestUnknownErrorsAreToldWithoutDetail(t *testing.T) {
	status, body := errorOf(errors.New("pq: relation \"secrets\" does not exist at /var/lib"))
	if status != http.StatusServiceUnavailable || strings.Contains(body.Message, "secrets") || strings.Contains(body.Message, "/var") {
		t.Errorf("%d %+v", status, body)
	}
}
