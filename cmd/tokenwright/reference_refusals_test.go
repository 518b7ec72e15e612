package main

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// refusals is how the source refuses access tokens: codes of challenges, and
// messages, with … for what is only known when they are sent.
type refusals struct {
	codes    map[string]bool
	messages map[string]bool
}

var challengeCode = regexp.MustCompile(`error="([a-z_]+)"`)

// answering are the packages that answer for access tokens, with the functions that
// make a refusal of a message, their last argument.
var answering = map[string][]string{
	"verify": {"badRequest", "Forbid"}, "internal/forwardauth": {"forbid"}, "internal/adminapi": nil, "internal/leaks": nil, "internal/oauthapi": nil,
	"internal/server": nil,
}

func readRefusals(t *testing.T) *refusals {
	t.Helper()
	out := &refusals{map[string]bool{}, map[string]bool{}}
	for dir, makers := range answering {
		_, files := sourceFiles(t, "../../"+dir+"/*.go")
		constants := constantsOf(files)
		for _, file := range files {
			ast.Inspect(file, func(n ast.Node) bool {
				out.node(n, makers, constants)
				return true
			})
		}
	}
	return out
}

// node reads literals of Refusal, what makes one, changes of its message, and the
// table of messages; of other texts the codes that a challenge has.
func (r *refusals) node(n ast.Node, makers []string, constants map[string]string) {
	switch n := n.(type) {
	case *ast.CompositeLit:
		for _, e := range n.Elts {
			if pair, ok := e.(*ast.KeyValueExpr); ok && nameOf(n.Type) == "Refusal" {
				r.member(nameOf(pair.Key), pair.Value, constants)
			}
		}
	case *ast.CallExpr:
		if slices.Contains(makers, nameOf(n.Fun)) {
			r.member("Message", n.Args[len(n.Args)-1], constants)
		}
	case *ast.AssignStmt:
		r.member(nameOf(n.Lhs[0]), n.Rhs[0], constants)
	case *ast.ValueSpec:
		if n.Names[0].Name == "messages" {
			for _, row := range n.Values[0].(*ast.CompositeLit).Elts {
				r.member("Message", row.(*ast.CompositeLit).Elts[1], constants)
			}
		}
	case *ast.BasicLit:
		if m := challengeCode.FindStringSubmatch(textOfExpr(n, nil)); m != nil {
			r.codes[m[1]] = true
		}
	}
}

func (r *refusals) member(name string, value ast.Expr, constants map[string]string) {
	text := textOfExpr(value, constants)
	switch {
	case name == "Code" && text != "" && text != "…":
		r.codes[text] = true
	case name == "Message" && strings.Trim(text, "…") != "":
		r.messages[text] = true
	}
}

// constantsOf are the texts that a package has names for.
func constantsOf(files []*ast.File) map[string]string {
	all := map[string]string{}
	for _, file := range files {
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				for _, s := range g.Specs {
					spec := s.(*ast.ValueSpec)
					for i, v := range spec.Values {
						all[spec.Names[i].Name] = textOfExpr(v, nil)
					}
				}
			}
		}
	}
	return all
}

// nameOf is the last name of an expression: Refusal of verify.Refusal.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

var verbs = regexp.MustCompile(`%[a-z]`)

// textOfExpr is a text, with … for what is no constant.
func textOfExpr(e ast.Expr, constants map[string]string) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return text
		}
	case *ast.Ident:
		if text := constants[e.Name]; text != "" {
			return text
		}
	case *ast.BinaryExpr:
		return textOfExpr(e.X, constants) + textOfExpr(e.Y, constants)
	case *ast.CallExpr:
		if nameOf(e.Fun) == "Sprintf" {
			return verbs.ReplaceAllString(textOfExpr(e.Args[0], constants), "…")
		}
	}
	return "…"
}

var messageCell = regexp.MustCompile("(?m)^\\|(?: \\d+ \\|)? `([A-Z][^`]+)` \\|")

// C-493: what an API answers to access tokens stands on the page to the letter, and
// nothing else does.
func TestReferenceOfErrorsHasEveryMessageAboutAccessTokens(t *testing.T) {
	t.Parallel()
	_, byHand, _ := strings.Cut(readPage(t, "errors.md"), "\n## When an access token is refused\n")
	byHand, _, _ = strings.Cut(byHand, "\n## Reasons of the admin API\n")
	said := map[string]bool{}
	for _, m := range messageCell.FindAllStringSubmatch(byHand, -1) {
		said[m[1]] = true
	}
	answered := readRefusals(t).messages
	for text := range answered {
		if !said[text] {
			t.Errorf("answered, and not on the page: %s", text)
		}
	}
	for text := range said {
		if !answered[text] {
			t.Errorf("on the page, and never answered: %s", text)
		}
	}
}
