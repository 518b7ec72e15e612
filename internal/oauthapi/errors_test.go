package oauthapi

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// wantCount compares one counter or gauge.
func (in *installation) wantCount(name string, labels map[string]string, want float64) {
	in.Helper()
	families, err := in.registry.Gather()
	in.must(err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			matching := 0
			for _, l := range m.GetLabel() {
				if labels[l.GetName()] == l.GetValue() {
					matching++
				}
			}
			if family.GetName() == name && matching == len(labels) {
				if got := m.GetCounter().GetValue() + m.GetGauge().GetValue(); got != want {
					in.Errorf("%s %v: got %v, want %v", name, labels, got, want)
				}
				return
			}
		}
	}
	in.Errorf("there is no counter %s %v", name, labels)
}

// constants reads the values of the string constants of a package that begin
// with prefix, or are of the type of that name.
func constants(t *testing.T, dir, prefix string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			kind, _ := spec.Type.(*ast.Ident)
			for i, name := range spec.Names {
				if strings.HasPrefix(name.Name, prefix) || kind != nil && kind.Name == prefix {
					if literal, ok := valueOf(spec, i); ok {
						values = append(values, literal)
					}
				}
			}
			return true
		})
	}
	if len(values) < 5 {
		t.Fatalf("found only %v in %s", values, dir)
	}
	return values
}

func valueOf(spec *ast.ValueSpec, i int) (string, bool) {
	if i >= len(spec.Values) {
		return "", false
	}
	literal, ok := spec.Values[i].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(literal.Value)
	return value, err == nil
}

func TestEveryReasonStandsInTheTableOnce(t *testing.T) {
	count := map[string]int{}
	for _, kind := range Errors("tw") {
		for _, cause := range kind.Causes {
			for _, reason := range cause.Reasons {
				count[reason]++
			}
		}
	}
	all := slices.Concat(constants(t, ".", "reason"), constants(t, "../authority", "Reason"))
	for _, reason := range all {
		if count[reason] != 1 {
			t.Errorf("reason %s has %d answers, want 1", reason, count[reason])
		}
	}
	if len(count) != len(all) {
		t.Errorf("the table has %d reasons, the source %d", len(count), len(all))
	}
}

// RFC 6749 5.2: %x20-21 / %x23-5B / %x5D-7E. So no answer needs escaping, as
// JSON or in a header.
var plain = regexp.MustCompile(`^[\x20-\x21\x23-\x5b\x5d-\x7e]+$`)

func TestTableOfErrors(t *testing.T) { // C-004, C-019
	codes, descriptions := map[string]bool{}, map[string]bool{}
	for _, kind := range Errors("abcdefgh") {
		if codes[kind.Code] || kind.Meaning == "" || len(kind.Causes) == 0 {
			t.Errorf("%s stands twice, or says nothing", kind.Code)
		}
		codes[kind.Code] = true
		for _, cause := range kind.Causes {
			if !plain.MatchString(cause.Description) || !plain.MatchString(kind.Code) || descriptions[cause.Description] {
				t.Errorf("description %q has a character that it must not have, or stands twice", cause.Description)
			}
			descriptions[cause.Description] = true
			if cause.Fix == "" || len(cause.Reasons) == 0 || !strings.HasSuffix(cause.Description, ".") {
				t.Errorf("%q has no advice or no reason, or is no sentence", cause.Description)
			}
			if kind.Code == "invalid_client" && (kind.Status != http.StatusUnauthorized || cause.Status != 0) {
				t.Errorf("%q is an invalid_client that is not 401", cause.Description)
			}
		}
	}
	// RFC 6749 5.2 and 4.1.2.1, RFC 8707 2.
	registered := []string{"invalid_client", "invalid_request", "unsupported_grant_type", "invalid_scope", "invalid_target", "temporarily_unavailable", "server_error"}
	for code := range codes {
		if !slices.Contains(registered, code) {
			t.Errorf("error %s is not registered", code)
		}
	}
}

// naughty is what breaks out of strings, lines, headers, pages and queries.
func naughty() []string {
	list := []string{
		`"`, `\`, `\"`, `'`, "`", "\r\nSet-Cookie: a=b", "\r\n\r\n<html>", "%0d%0aX: y", "\u2028\u2029", "\u202eabc", "\ufeff", "\u0085", "\u009b31m", "\x1b[31m",
		"<script>alert(1)</script>", `","error":"x`, `"}{"a":"b`, "' OR 1=1--", "; DROP TABLE secrets", "../../etc/passwd", "{{7*7}}", "${jndi:ldap://x}", "%s%n%x",
		"\u0130\u0131\u017f", strings.Repeat("a", 5000), "ﬀﬁ", "\U0001f600", "田中さん", "\u0000", "null", "undefined", "-1", "NaN", "__proto__", "\xff\xfe", "\xed\xa0\x80",
		"tws_demo_\"", "twc_demo_\r\n", "<x\ny>",
	}
	for c := range 0x20 {
		list = append(list, "a"+string(rune(c))+"b", string(rune(c)))
	}
	return append(list, "\x7f")
}

func TestNothingThatWasSentIsEchoed(t *testing.T) { // C-019, C-020
	in := install(t, nil)
	k := in.key("demo", "customers:read")
	known := map[string]bool{}
	for _, kind := range Errors("tw") {
		for _, cause := range kind.Causes {
			known[cause.Description] = true
		}
	}
	want := func(what string, a *answer) {
		t.Helper()
		if a.status == http.StatusOK {
			a.issued("demo") // an unknown parameter, ignored
			return
		}
		o := a.object()
		if !known[text(o, "error_description")] || text(o, "message") != text(o, "error_description") || len(o) != 5 || a.status >= 500 {
			t.Errorf("%s: got %d %s", what, a.status, a.body)
		}
		for name, values := range a.header {
			if !plain.MatchString(strings.ReplaceAll(strings.Join(values, ""), `"`, "")) {
				t.Errorf("%s: got header %s %q", what, name, values)
			}
		}
	}
	for _, bad := range naughty() {
		for _, name := range []string{"grant_type", "client_id", "client_secret", "scope", "resource", "foo", bad} {
			pairs := k.request()
			if i := slices.Index(pairs, name); i >= 0 {
				pairs[i+1] = bad
			} else {
				pairs = append(pairs, name, bad)
			}
			for _, e := range encodings {
				want(fmt.Sprintf("%s %s=%.40q", e.name, name, bad), in.ask(e, pairs))
			}
		}
		want(fmt.Sprintf("Basic %.40q", bad), in.ask(asForm, grant(), basic(bad, k.secret)...))
		want(fmt.Sprintf("Basic %.40q", bad), in.ask(asForm, grant(), basic(k.id, bad)...))
		want(fmt.Sprintf("Authorization %.40q", bad), in.ask(asForm, grant(), "Authorization", bad))
		want(fmt.Sprintf("Content-Type %.40q", bad), in.post("/oauth/token", bad, "a=b"))
		want(fmt.Sprintf("body %.40q", bad), in.post("/oauth/token", asForm.contentType, bad))
		want(fmt.Sprintf("body %.40q", bad), in.post("/oauth/token", asJSON.contentType, bad))
	}
}
