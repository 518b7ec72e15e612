package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	htmltemplate "html/template"
	"slices"
	"strings"
	"text/template"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// renderer turns templates of Markdown into Markdown, and that into HTML.
type renderer struct {
	config Config
	pages  []page
}

// values is what the templates of the content see.
type values struct {
	page
	Config
	Pages    []page
	Sections []section
	absolute bool // links lead to the Markdown of pages, at BaseURL
}

// section is one code of the errors page.
type section struct {
	Code  string
	Kinds []ErrorKind
}

// Link is the address of a page.
func (v values) Link(name string) (string, error) {
	for _, p := range v.Pages {
		switch {
		case p.Name != name:
		case v.absolute:
			return destination(v.BaseURL + p.MarkdownPath()), nil
		default:
			return p.Path, nil
		}
	}
	return "", fmt.Errorf("there is no page %q", name)
}

// First is the environment that samples show.
func (v values) First() Environment { return v.Environments[0] }

// Metadata is the address of the metadata: the well-known part stands between
// host and path (RFC 8414 3.1).
func (e Environment) Metadata() string {
	scheme, rest, _ := strings.Cut(e.Issuer, "://")
	host, path, found := strings.Cut(rest, "/")
	if found {
		path = "/" + path
	}
	return scheme + "://" + host + "/.well-known/oauth-authorization-server" + path
}

// page renders content/<name>.md.
func (r *renderer) page(p page) (html, markdown []byte, err error) {
	source, err := r.fill(p.Name+".md", p, false)
	if err != nil {
		return nil, nil, err
	}
	// Without html.WithUnsafe, so that no text can become a tag.
	md := goldmark.New(
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		// The default aligns cells by inline styles, which the policy forbids.
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone))),
	)
	doc := md.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(anchors{}))))
	var body bytes.Buffer
	if err := md.Renderer().Render(&body, source, doc); err != nil {
		return nil, nil, err
	}
	// Blocks of code may scroll sideways, and the keyboard must reach what
	// scrolls. In text goldmark has escaped the tag.
	samples := strings.ReplaceAll(body.String(), "<pre>", `<pre tabindex="0">`)
	layout, err := htmltemplate.ParseFS(content, "content/layout.html")
	if err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	err = layout.Execute(&out, map[string]any{
		"Page": p, "Pages": r.pages, "Contents": outline(doc, source),
		"Body": htmltemplate.HTML(samples), // goldmark escaped it
	})
	if err != nil {
		return nil, nil, err
	}
	markdown, err = r.fill(p.Name+".md", p, true)
	return out.Bytes(), markdown, err
}

// fill executes a template of Markdown.
func (r *renderer) fill(name string, p page, absolute bool) ([]byte, error) {
	t, err := template.New(name).Funcs(template.FuncMap{
		"sh": shell, "json": jsonText, "code": code, "prose": prose, "cell": cell,
	}).ParseFS(content, "content/"+name)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, values{page: p, Config: r.config, Pages: r.pages, Sections: r.sections(), absolute: absolute})
	return out.Bytes(), err
}

func (r *renderer) sections() []section {
	var all []section
	for _, k := range r.config.Errors {
		at := slices.IndexFunc(all, func(s section) bool { return s.Code == k.Code })
		if at < 0 {
			at, all = len(all), append(all, section{Code: k.Code})
		}
		all[at].Kinds = append(all[at].Kinds, k)
	}
	return all
}

// The functions below write a value where it lands, so that it stays a value.

// shell is one word of a POSIX shell.
func shell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// jsonText is a string of JSON, which is one of Go, JavaScript and Python too.
func jsonText(s string) (string, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // goldmark does it, and the Markdown stays readable
	err := e.Encode(s)
	return strings.TrimSuffix(out.String(), "\n"), err
}

// code is a code span: its fence is longer than any run of backticks inside.
func code(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return ""
	}
	fence, pad := "`", ""
	for strings.Contains(s, fence) {
		fence, pad = fence+"`", " "
	}
	return fence + pad + s + pad + fence
}

// prose is running text. Of Markdown it keeps the code spans between backticks.
func prose(s string) string {
	special := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `<`, `\<`, `>`, `\>`, `&`, `\&`)
	parts := strings.Split(strings.Join(strings.Fields(s), " "), "`")
	for i, part := range parts {
		if i%2 == 0 {
			parts[i] = special.Replace(part)
		} else {
			parts[i] = code(part)
		}
	}
	return strings.Join(parts, "")
}

// cell makes Markdown fit into a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// destination is a URL as the target of a Markdown link.
func destination(s string) string {
	return strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", `\`, "%5C").Replace(s)
}

// anchors gives headings their id. Unlike goldmark's own it keeps the
// underscore, for the anchor of an error is its code.
type anchors map[string]bool

// Generate implements parser.IDs.
func (a anchors) Generate(heading []byte, _ ast.NodeKind) []byte {
	words := strings.FieldsFunc(strings.ToLower(string(heading)), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_'
	})
	base := strings.Join(words, "-")
	id := base
	for n := 2; a[id]; n++ {
		id = fmt.Sprintf("%s-%d", base, n)
	}
	a[id] = true
	return []byte(id)
}

// Put implements parser.IDs.
func (a anchors) Put(id []byte) { a[string(id)] = true }

// heading is one line of "On this page".
type heading struct{ ID, Text string }

// outline lists the headings of the second level.
func outline(doc ast.Node, source []byte) []heading {
	var all []heading
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level == 2 {
			id, _ := h.AttributeString("id")
			text := strings.ReplaceAll(string(h.Lines().Value(source)), "`", "")
			all = append(all, heading{string(id.([]byte)), text})
		}
	}
	return all
}
