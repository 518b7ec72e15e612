package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// setting is a field of Config, or of what lies within it.
type setting struct {
	group  string // the heading that it stands under
	path   string // how the file names it: max_staleness, environments: issuer
	key    string // the last of these names
	goName string
	typ    reflect.Type
	doc    string
	// required, or what the comment says that a value left out means; else
	// value is what the program has then.
	required bool
	without  string
	fixed    bool // at first start
	value    reflect.Value
	scalar   *scalar // nil for what only the file sets
}

// settings are all fields, in their order.
func settings(t *testing.T) []setting {
	t.Helper()
	r := settingsReader{t, structs(t), nil, ""}
	r.read(reflect.ValueOf(defaultConfig()), "")
	return r.list
}

type settingsReader struct {
	*testing.T
	source map[string]*structSource
	list   []setting
	group  string
}

// read adds the fields of v, and those within them.
func (r *settingsReader) read(v reflect.Value, path string) {
	source := r.source[v.Type().Name()]
	if source == nil {
		r.Fatalf("the source of %s was not found", v.Type())
	}
	for f, value := range v.Fields() {
		if heading := source.headings[f.Name]; heading != "" {
			r.group = heading
		}
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		s := setting{group: r.group, path: path + key, key: key, goName: f.Name, typ: f.Type, value: value}
		for _, known := range scalars() {
			if path == "" && known.name == key {
				s.scalar = &known
			}
		}
		s.doc, s.required, s.without = r.parts(source.docs[f.Name], s.path, value)
		s.fixed = strings.Contains(strings.ToLower(s.doc), "fixed at first start")
		s.doc = strings.TrimSuffix(s.doc, " Fixed at first start.") // which the list below says
		r.list = append(r.list, s)
		inner := f.Type
		if inner.Kind() == reflect.Map {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			r.read(reflect.Zero(inner), s.path+": ")
		}
	}
}

// parts takes the last sentence off a comment, where that says what there is
// without the field. There must be one where the value says nothing, and else none.
func (r *settingsReader) parts(doc, path string, value reflect.Value) (text string, required bool, without string) {
	text = strings.Join(strings.Fields(doc), " ")
	if len(text) < 20 || !strings.HasSuffix(text, ".") {
		r.Errorf("%s: the comment %q is no manual", path, text)
	}
	if rest, ok := strings.CutSuffix(text, " Required."); ok {
		return rest, true, ""
	}
	text, without, said := strings.Cut(text, " Default: ")
	switch silent := value.IsZero() && value.Kind() != reflect.Bool; {
	case value.Kind() == reflect.Int || value.Type() == reflect.TypeFor[time.Duration]():
		// 0 is a value like others, or means something of its own.
	case silent && !said:
		r.Errorf("%s: the comment does not end with what a value left out means, as \"Default: none.\"", path)
	case !silent && said:
		r.Errorf("%s: the comment tells a default, and defaultConfig another", path)
	}
	return text, false, strings.TrimSuffix(without, ".")
}

// structSource is what the source says of a struct, by its fields.
type structSource struct {
	docs     map[string]string
	headings map[string]string // "# …" in a comment of its own before the field
}

// sourceFiles are parsed with their comments.
func sourceFiles(t *testing.T, pattern string) (*token.FileSet, []*ast.File) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no source at %s: %v", pattern, err)
	}
	set, files := token.NewFileSet(), []*ast.File(nil)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return set, files
}

// structs are those of this package, by name.
func structs(t *testing.T) map[string]*structSource {
	t.Helper()
	_, files := sourceFiles(t, "*.go")
	all := map[string]*structSource{}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				all[spec.Name.Name] = sourceOf(s, file.Comments)
			}
			return false
		})
	}
	return all
}

func sourceOf(s *ast.StructType, comments []*ast.CommentGroup) *structSource {
	out := &structSource{map[string]string{}, map[string]string{}}
	from := s.Fields.Opening
	for _, f := range s.Fields.List {
		if len(f.Names) != 1 {
			continue // none of the configuration's
		}
		name := f.Names[0].Name
		out.docs[name] = f.Doc.Text()
		for _, c := range comments {
			if heading, ok := strings.CutPrefix(c.Text(), "# "); ok && c.Pos() > from && c.End() < f.Pos() {
				out.headings[name] = strings.TrimSpace(heading)
			}
		}
		from = f.End()
	}
	return out
}

// variable is one that is no field.
type variable struct{ name, doc string }

// variables are otherVariables with the comments of their source.
func variables(t *testing.T) []variable {
	t.Helper()
	set, files := sourceFiles(t, "config.go")
	var list []variable
	ast.Inspect(files[0], func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "otherVariables" {
			return true
		}
		for i, e := range spec.Values[0].(*ast.CompositeLit).Elts {
			v := variable{name: otherVariables[i]}
			for _, c := range files[0].Comments {
				if set.Position(c.End()).Line == set.Position(e.Pos()).Line-1 {
					v.doc = strings.Join(strings.Fields(c.Text()), " ")
				}
			}
			if len(v.doc) < 15 {
				t.Errorf("%s has no comment in the source", v.name)
			}
			list = append(list, v)
		}
		return false
	})
	if len(list) != len(otherVariables) {
		t.Fatalf("found %d of %d variables", len(list), len(otherVariables))
	}
	return list
}

// manual turns comments of the configuration into Markdown.
type manual struct {
	settings  []setting
	variables []variable
	commands  map[string]bool // by path: key create
}

// link turns names of Go, and whatever has a place of its own, into links; where
// from stands, into code.
func (m *manual) link(from *setting) func(word, before string) string {
	return func(word, before string) string {
		if s := m.named(from, word, before); s != nil {
			return linkTo(s.key, anchorOf(s.path), from != nil && s.path == from.path)
		}
		for i := range m.settings {
			if s := &m.settings[i]; s.scalar != nil && (word == s.scalar.variable() || word == s.key && strings.Contains(word, "_")) {
				return linkTo(word, anchorOf(s.path), from != nil && s.path == from.path)
			}
		}
		for _, v := range m.variables {
			if word == v.name {
				return linkTo(word, anchorOf(word), false)
			}
		}
		if m.commands[word] && (strings.ContainsAny(word, " -") || strings.HasSuffix(before, "command")) {
			return linkTo(word, "command-line.md#"+anchorOf(word), false)
		}
		return ""
	}
}

func linkTo(text, anchor string, here bool) string {
	if here {
		return codeSpan(text)
	}
	if !strings.Contains(anchor, "#") {
		anchor = "#" + anchor
	}
	return "[" + codeSpan(text) + "](" + anchor + ")"
}

// oneWord are names of fields that may also be a word that begins a sentence, or
// an abbreviation.
var oneWord = regexp.MustCompile(`^([A-Z][a-z]+|[A-Z]+)$`)

// named is the field that a word of the comment of from means: one beside it, or
// one of Config.
func (m *manual) named(from *setting, word, before string) *setting {
	beginsSentence := before == "" || strings.HasSuffix(before, ".")
	if oneWord.MatchString(word) && (word == "URL" || beginsSentence) && (from == nil || before != "" || word != from.goName) {
		return nil
	}
	var found *setting
	for i := range m.settings {
		s := &m.settings[i]
		beside := from != nil && strings.TrimSuffix(s.path, s.key) == strings.TrimSuffix(from.path, from.key)
		if s.goName == word && (beside || s.path == s.key && found == nil) {
			found = s
		}
	}
	return found
}

// form says what a value looks like in the file.
func (s *setting) form() string {
	switch s.typ {
	case reflect.TypeFor[string]():
		return "text"
	case reflect.TypeFor[int]():
		return "a whole number"
	case reflect.TypeFor[bool]():
		return "`true` or `false`"
	case reflect.TypeFor[time.Duration]():
		return "a span of time, such as `90s`, `5m` or `1h30m`"
	case reflect.TypeFor[span]():
		if strings.Contains(s.doc, `"never"`) {
			return "a span of time, such as `90d` or `12h`, or `never`"
		}
		return "a span of time, such as `90d`"
	case reflect.TypeFor[[]string]():
		return "a list of texts"
	}
	if s.typ.Kind() == reflect.Map {
		return "members of your choice, by name; each has the members below"
	}
	return "a member, below"
}

// otherwise says what there is without the setting.
func (m *manual) otherwise(s *setting) string {
	switch {
	case s.required:
		return "none; it must be given"
	case s.without != "" && s.without != "none" && s.without != "any" && !strings.Contains(s.without, " "):
		return codeSpan(s.without)
	case s.without != "":
		return inline(s.without, m.link(s))
	case s.typ.Kind() == reflect.Map:
		var names []string
		for _, name := range s.value.MapKeys() {
			names = append(names, codeSpan(name.String()))
		}
		slices.Sort(names)
		return strings.Join(names, " and ")
	case s.value.IsZero() && s.typ == reflect.TypeFor[time.Duration]():
		return "`0`"
	}
	return codeSpan(textOf(s.value.Interface()))
}

// section is the manual of one setting.
func (m *manual) section(s *setting) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n%s\n\n", codeSpan(s.path), inline(s.doc, m.link(s)))
	fmt.Fprintf(&b, "- Form: %s\n- Default: %s\n", s.form(), m.otherwise(s))
	if s.scalar != nil {
		fmt.Fprintf(&b, "- Variable: %s\n- Flag: %s%s\n", codeSpan(s.scalar.variable()), codeSpan("--"+s.scalar.flag()), flagOf(s.key))
	} else {
		b.WriteString("- In the file only\n")
	}
	if s.fixed {
		b.WriteString("- Fixed at first start\n")
	}
	return b.String() + "\n"
}

// flagOf says which commands have the flag of a field.
func flagOf(key string) string {
	switch {
	case slices.Contains(everyCommand, key):
		return ", of every command"
	case slices.Contains(forwardAuthOnly, key):
		return ", of [`forward-auth`](command-line.md#forward-auth)"
	}
	return ""
}

func (m *manual) String() string {
	var b strings.Builder
	b.WriteString("## All settings\n\n| Setting | Default | What it is |\n|---|---|---|\n")
	for i := range m.settings {
		if s := &m.settings[i]; s.path == s.key {
			b.WriteString(tableRow(linkTo(s.key, anchorOf(s.path), false), m.otherwise(s), m.summary(s)))
		}
	}
	group := ""
	for i := range m.settings {
		s := &m.settings[i]
		if s.group != group {
			group = s.group
			fmt.Fprintf(&b, "\n## %s\n\n", group)
		}
		b.WriteString(m.section(s))
	}
	b.WriteString("## Variables that are no setting\n\n")
	for _, v := range m.variables {
		fmt.Fprintf(&b, "### %s\n\n%s\n\n", codeSpan(v.name), inline(v.doc, m.link(nil)))
	}
	return strings.ReplaceAll(b.String(), "\n\n\n", "\n\n")
}

// summary is the help of the flag, or the first sentence of the comment.
func (m *manual) summary(s *setting) string {
	if s.scalar != nil {
		return inline(s.scalar.help, noLink)
	}
	first, _, _ := strings.Cut(s.doc, ". ")
	for _, verb := range []string{" is ", " are "} {
		if rest, ok := strings.CutPrefix(first, s.goName+verb); ok {
			return inline(strings.TrimSuffix(rest, "."), m.link(s))
		}
	}
	return inline(strings.TrimSuffix(first, "."), m.link(s))
}

func manualOf(t *testing.T) *manual {
	t.Helper()
	m := &manual{settings(t), variables(t), map[string]bool{}}
	for _, c := range commands() {
		m.commands[pathOf(c)] = true
	}
	return m
}

// C-490
func TestReferenceOfTheConfiguration(t *testing.T) {
	t.Parallel()
	holdPage(t, "configuration.md", manualOf(t).String())
}

// C-490: the file on the page is one that a server takes.
func TestReferenceExampleOfTheConfigurationIsRead(t *testing.T) {
	t.Parallel()
	_, example, ok := strings.Cut(readPage(t, "configuration.md"), "\n```yaml title=tokenwright.yaml usage\n")
	example, _, ok2 := strings.Cut(example, "\n```\n")
	if !ok || !ok2 {
		t.Fatal("configuration.md has no example")
	}
	const secrets = "/etc/tokenwright/"
	dir := t.TempDir() + "/"
	for _, name := range regexp.MustCompile(secrets+`([a-z.-]+)`).FindAllStringSubmatch(example, -1) {
		if err := os.WriteFile(dir+name[1], []byte(strings.Repeat("c2Vj", 10)+"c2U=\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := writeFile(t, strings.ReplaceAll(example, secrets, dir))
	code, stdout, stderr := command(t, nil, "config", "check", "--config", file)
	if code != exitOK || stderr != "" || !strings.Contains(stdout, "https://tokens.example.com") || strings.Contains(stdout, "c2Vj") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
}

// C-490: what the comments of an environment call its defaults is what it has.
func TestReferenceDefaultsOfAnEnvironment(t *testing.T) {
	t.Parallel()
	env, err := EnvironmentConfig{}.environment("demo", "https://auth.example.com")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, s := range settings(t) {
		if key, ok := strings.CutPrefix(s.path, "environments: "); ok {
			said[key] = s.without
		}
	}
	issuer := strings.NewReplacer("<url>", "https://auth.example.com", "<name>", "demo").Replace(said["issuer"])
	for key, pair := range map[string][2]string{
		"issuer": {issuer, env.Issuer}, "audience": {strings.ReplaceAll(said["audience"], "<issuer>", issuer), env.Audience},
		"algorithm": {said["algorithm"], string(env.Algorithm)}, "rsa_bits": {said["rsa_bits"], "2048"},
		"token_lifetime": {said["token_lifetime"], textOf(env.TokenLifetime)}, "max_secret_age": {said["max_secret_age"], textOf(span(env.MaxSecretAge))},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: the comment says %q, the program has %q", key, pair[0], pair[1])
		}
	}
	if len(said) != 6 {
		t.Errorf("an environment has other fields than those compared: %v", said)
	}
}
