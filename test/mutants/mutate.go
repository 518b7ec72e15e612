package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
)

// mutant is one small change. Lines may move: it is known by what it changes.
type mutant struct {
	id   int
	line int // of this run
	file string
	name string // of the function, file, and what becomes what
}

// mutator makes the mutants of one package.
type mutator struct {
	fset    *token.FileSet
	info    *types.Info
	pkg     *types.Package
	dir     string // of the package in the repository
	dropped map[string]bool
	mutants []mutant
	names   map[string]int

	// of the file
	text  []byte
	edits edits
	file  string

	function   string
	results    []*types.Tuple // of the functions around, the inner one last
	conditions map[ast.Expr]bool
}

// mutate returns the text of a file with its mutants in it, asleep.
func (m *mutator) mutate(f *ast.File, text []byte) []byte {
	m.text, m.edits, m.conditions = text, edits{}, map[ast.Expr]bool{}
	m.file = filepath.ToSlash(filepath.Join(m.dir, filepath.Base(m.fset.Position(f.Pos()).Filename)))
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Body == nil {
				continue
			}
			m.function = d.Name.Name
			if d.Recv != nil {
				m.function = strings.TrimPrefix(m.source(d.Recv.List[0].Type), "*") + "." + m.function
			}
			m.inFunction(m.info.Defs[d.Name].Type(), d.Body)
		case *ast.GenDecl:
			if d.Tok == token.VAR {
				m.function = "var"
				m.walk(d)
			}
		}
	}
	return m.edits.apply(text)
}

func (m *mutator) inFunction(t types.Type, body ast.Node) {
	m.results = append(m.results, t.Underlying().(*types.Signature).Results())
	m.walk(body)
	m.results = m.results[:len(m.results)-1]
}

// walk comes to each node before the nodes in it, as edits.wrap wants.
func (m *mutator) walk(root ast.Node) {
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			if n != root {
				m.inFunction(m.info.TypeOf(n), n.Body)
				return false
			}
		case *ast.GenDecl:
			return n.Tok == token.VAR
		case *ast.BlockStmt:
			m.statements(n.List)
		case *ast.CaseClause:
			m.statements(n.Body)
		case *ast.CommClause:
			m.statements(n.Body)
		case *ast.IfStmt:
			m.condition(n.Cond)
		case *ast.ForStmt:
			m.condition(n.Cond)
		case *ast.SwitchStmt:
			if n.Tag == nil {
				for _, c := range n.Body.List {
					for _, e := range c.(*ast.CaseClause).List {
						m.condition(e)
					}
				}
			}
		case *ast.AssignStmt:
			m.assignment(n)
		case *ast.IncDecStmt:
			m.step(n)
		case *ast.ReturnStmt:
			m.returned(n)
		case ast.Expr:
			return m.expression(n)
		}
		return true
	})
}

// condition notes that an expression decides, so it may be turned round.
func (m *mutator) condition(e ast.Expr) {
	if e != nil {
		m.conditions[ast.Unparen(e)] = true
	}
}

// expression tells whether to look at the expressions in it.
func (m *mutator) expression(e ast.Expr) bool {
	t := m.info.Types[e]
	if t.IsType() {
		return false
	}
	if t.Value != nil {
		if m.conditions[e] {
			m.negate(e)
		}
		return false
	}
	if b, ok := e.(*ast.BinaryExpr); ok {
		if b.Op == token.LAND || b.Op == token.LOR {
			m.condition(b.X)
			m.condition(b.Y)
		}
		m.binary(b)
		return true
	}
	if u, ok := e.(*ast.UnaryExpr); m.conditions[e] || ok && u.Op == token.NOT {
		m.negate(e)
	}
	return true
}

// negate turns a condition round.
func (m *mutator) negate(e ast.Expr) {
	text := m.source(e)
	to := "!" + text
	if u, ok := e.(*ast.UnaryExpr); ok && u.Op == token.NOT {
		to = m.source(u.X)
	}
	if b, ok := e.(*ast.BinaryExpr); ok {
		to = m.source(b.X) + " " + opposite[b.Op].String() + " " + m.source(b.Y)
	}
	if id, ok := m.add(e.Pos(), text, to); ok {
		m.wrap(e, "((", fmt.Sprintf(") != mutantOn(%d))", id))
	}
}

func (m *mutator) binary(b *ast.BinaryExpr) {
	if _, compares := opposite[b.Op]; compares {
		m.negate(b)
	}
	o, known := operators[b.Op]
	if !known || !m.has(b.X, o.operand) || !m.has(b.Y, o.operand) {
		return
	}
	shift := b.Op == token.SHL || b.Op == token.SHR
	if shift && m.info.Types[b.X].Value != nil { // its type comes from afar
		return
	}
	x, y := m.source(b.X), m.source(b.Y)
	id, ok := m.add(b.Pos(), x+" "+b.Op.String()+" "+y, x+" "+o.becomes.String()+" "+y)
	if !ok {
		return
	}
	between, after := ", ", ")"
	if o.operand == types.IsBoolean {
		// A line may break behind the operator, but not behind a bare return.
		between, after = fmt.Sprintf(", func() %s { return (", m.typeName(m.info.TypeOf(b))), ") })"
	}
	m.wrap(b, fmt.Sprintf("%s(%d, ", o.name, id), after)
	m.edits.replace(m.offset(b.OpPos), len(b.Op.String()), between)
}

// assignment is of x += y.
func (m *mutator) assignment(a *ast.AssignStmt) {
	op, ok := assigned[a.Tok]
	if !ok || !m.has(a.Lhs[0], operators[op].operand) || calls(a.Lhs[0]) {
		return
	}
	x, y := m.source(a.Lhs[0]), m.source(a.Rhs[0])
	becomes := operators[op].becomes.String() + "="
	if id, ok := m.add(a.Pos(), x+" "+a.Tok.String()+" "+y, x+" "+becomes+" "+y); ok {
		m.edits.replace(m.offset(a.TokPos), len(a.Tok.String()), fmt.Sprintf("= %s(%d, %s,", operators[op].name, id, m.raw(a.Lhs[0])))
		m.wrap(a.Rhs[0], "", ")")
	}
}

// step is of x++.
func (m *mutator) step(s *ast.IncDecStmt) {
	if calls(s.X) {
		return
	}
	name, becomes := operators[token.ADD].name, "--"
	if s.Tok == token.DEC {
		name, becomes = operators[token.SUB].name, "++"
	}
	x := m.source(s.X)
	if id, ok := m.add(s.Pos(), x+s.Tok.String(), x+becomes); ok {
		m.edits.replace(m.offset(s.TokPos), len(s.Tok.String()), fmt.Sprintf("= %s(%d, %s, 1)", name, id, m.raw(s.X)))
	}
}

// returned is of what a function returns: an error becomes none, and true false.
func (m *mutator) returned(r *ast.ReturnStmt) {
	results := m.results[len(m.results)-1]
	if len(r.Results) != results.Len() {
		return
	}
	for i, e := range r.Results {
		t := results.At(i).Type()
		if basic, ok := t.Underlying().(*types.Basic); ok && basic.Info()&types.IsBoolean != 0 {
			m.condition(e)
			continue
		}
		if !types.Implements(t, errorType) || m.info.Types[e].IsNil() {
			continue
		}
		if id, ok := m.add(e.Pos(), "return "+m.source(e), "return no error"); ok {
			m.wrap(e, fmt.Sprintf("mutantZero[%s](%d, ", m.typeName(t), id), ")")
		}
	}
}

// statements may each be left out, but for those without which nothing compiles.
func (m *mutator) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			if isPanic(s.X) {
				continue
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		case *ast.BranchStmt:
			if s.Tok == token.GOTO || s.Tok == token.FALLTHROUGH {
				continue
			}
		case *ast.ReturnStmt:
			if m.results[len(m.results)-1].Len() > 0 {
				continue
			}
		case *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt, *ast.IncDecStmt:
		default:
			continue
		}
		if id, ok := m.add(s.Pos(), m.source(s), "nothing"); ok {
			m.edits.wrap(m.offset(s.Pos()), m.offset(s.End()), fmt.Sprintf("if !mutantOn(%d) { ", id), " }")
		}
	}
}

// add notes a mutant; false if it does not compile.
func (m *mutator) add(pos token.Pos, from, to string) (id int, ok bool) {
	name := fmt.Sprintf("%s %s: %s => %s", m.file, m.function, from, to)
	m.names[name]++
	if n := m.names[name]; n > 1 {
		name += fmt.Sprintf(" #%d", n)
	}
	if m.dropped[name] {
		return 0, false
	}
	id = len(m.mutants)
	m.mutants = append(m.mutants, mutant{id: id, line: m.fset.Position(pos).Line, file: m.file, name: name})
	return id, true
}

func (m *mutator) wrap(n ast.Node, before, after string) {
	m.edits.wrap(m.offset(n.Pos()), m.offset(n.End()), before, after)
}

func (m *mutator) offset(p token.Pos) int { return m.fset.Position(p).Offset }

func (m *mutator) raw(n ast.Node) string { return string(m.text[m.offset(n.Pos()):m.offset(n.End())]) }

// source is the text of a node on one line, cut where it is long.
func (m *mutator) source(n ast.Node) string {
	const most = 70
	text := strings.Join(strings.Fields(m.raw(n)), " ")
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return text
}

func (m *mutator) has(e ast.Expr, info types.BasicInfo) bool {
	t := m.info.TypeOf(e)
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Info()&info != 0
}

// typeName is a type as the package itself writes it.
func (m *mutator) typeName(t types.Type) string {
	if basic, ok := t.(*types.Basic); ok && basic.Kind() == types.UntypedBool {
		return "bool"
	}
	return types.TypeString(t, func(p *types.Package) string {
		if p == m.pkg {
			return ""
		}
		return p.Name()
	})
}

var errorType = types.Universe.Lookup("error").Type().Underlying().(*types.Interface)

// calls tells whether a call is in e, which must not be made twice.
func calls(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		_, call := n.(*ast.CallExpr)
		found = found || call
		return !found
	})
	return found
}

func isPanic(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.Ident)
	return ok && f.Name == "panic"
}
