package docs

import (
	"bytes"
	"fmt"
	"html"
	htmltemplate "html/template"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// html is a page as people see it.
func (s *Site) html(p *page) ([]byte, error) {
	source, err := s.text(p, func(to *page) string { return to.Path })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	d := parse(source)
	lead, body, err := d.render()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	v := view{Page: p, Parts: s.parts(p), Scripts: p.scripts, Outline: d.outline(), Lead: lead, Body: body}
	if v.Fragment, err = s.fragment(p); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	v.Before, v.After = s.neighbours(p)
	return s.execute("layout.html", v)
}

// execute fills in a template of the content.
func (s *Site) execute(name string, data any) ([]byte, error) {
	t, err := htmltemplate.New(name).Funcs(htmltemplate.FuncMap{"asset": s.assets.URL, "breakable": breakable}).ParseFS(content, "content/"+name)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, data)
	return out.Bytes(), err
}

// view is what the layout sees.
type view struct {
	Page          *page
	Parts         []part
	Scripts       []string
	Outline       []heading
	Lead, Body    htmltemplate.HTML // goldmark escaped them
	Fragment      htmltemplate.HTML // between the two
	Before, After *page
}

// part is a chapter with its pages.
type part struct {
	Title string
	Pages []*page
}

// parts lists the pages for the navigation of one. The many of the reference are
// there for who reads the reference.
func (s *Site) parts(of *page) []part {
	var all []part
	for _, p := range append(s.pages[:len(s.pages):len(s.pages)], &explorer) {
		if p.tag != "" && of.Chapter != referenceChapter {
			continue
		}
		at := slices.IndexFunc(all, func(have part) bool { return have.Title == p.Chapter })
		if at < 0 {
			at, all = len(all), append(all, part{Title: p.Chapter})
		}
		all[at].Pages = append(all[at].Pages, p)
	}
	return all
}

func (s *Site) neighbours(p *page) (before, after *page) {
	for i, q := range s.pages {
		if q == p && i > 0 {
			before = s.pages[i-1]
		}
		if q == p && i+1 < len(s.pages) {
			after = s.pages[i+1]
		}
	}
	return before, after
}

// fragment is what a page has that Markdown cannot say.
func (s *Site) fragment(p *page) (htmltemplate.HTML, error) {
	if p.fragment == "" {
		return "", nil
	}
	out, err := s.execute(p.fragment, fragmentView{s.config, s.config.prefix(), s.config.issuers()})
	return htmltemplate.HTML(out), err
}

// fragmentView is what a fragment sees.
type fragmentView struct {
	Config
	Prefix  string        // never empty
	Issuers []Environment // Environments and Platform
}

// notFound is the page of an address that is none.
func (s *Site) notFound() *page {
	p, err := readPage("not-found")
	if err != nil {
		panic(err) // it is embedded, and a test asks for it
	}
	p.Path = ""
	var list strings.Builder
	for _, q := range s.pages {
		fmt.Fprintf(&list, "- [%s](%s.md): %s\n", q.Title, q.Name, q.Lead)
	}
	p.source += "\n" + list.String()
	return p
}

// doc is Markdown that was read.
type doc struct {
	markdown goldmark.Markdown
	source   []byte
	root     ast.Node
}

func parse(source string) *doc {
	d := &doc{source: []byte(source)}
	// Without html.WithUnsafe, so that no text can become a tag.
	d.markdown = goldmark.New(
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		// The default aligns cells by inline styles, which the policy forbids.
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone))),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(&blocks{}, 1))),
	)
	d.root = d.markdown.Parser().Parse(text.NewReader(d.source), parser.WithContext(parser.NewContext(parser.WithIDs(anchors{}))))
	d.nameAnchors()
	return d
}

var anchorPattern = regexp.MustCompile(`^<!-- anchor: ([\w-]+) -->\s*$`)

// nameAnchors gives those headings another id that a comment before them names.
func (d *doc) nameAnchors() {
	for n := d.root.FirstChild(); n != nil; n = n.NextSibling() {
		if n.Kind() != ast.KindHTMLBlock || n.NextSibling() == nil || n.NextSibling().Kind() != ast.KindHeading {
			continue
		}
		if name := anchorPattern.FindSubmatch(n.Lines().Value(d.source)); name != nil {
			n.NextSibling().SetAttributeString("id", name[1])
		}
	}
}

// render writes title and lead, and what follows. Sections of the third level
// between <!-- tabs --> and <!-- /tabs --> are samples of one thing, of which
// script shows one at a time.
func (d *doc) render() (lead, body htmltemplate.HTML, err error) {
	var out bytes.Buffer
	tabs, sample := false, false
	shut := func(on bool, tag string) bool {
		if on {
			out.WriteString(tag)
		}
		return false
	}
	for n, i := d.root.FirstChild(), 0; n != nil; n, i = n.NextSibling(), i+1 {
		if i == 2 {
			lead = htmltemplate.HTML(out.String())
			out.Reset()
		}
		switch n := n.(type) {
		case *ast.HTMLBlock:
			switch strings.TrimSpace(string(n.Lines().Value(d.source))) {
			case "<!-- tabs -->":
				out.WriteString("<div class=\"samples\">\n")
				tabs = true
			case "<!-- /tabs -->":
				sample = shut(sample, "</section>\n")
				tabs = shut(tabs, "</div>\n")
			}
			continue
		case *ast.Heading:
			if tabs && n.Level == 3 {
				shut(sample, "</section>\n")
				out.WriteString("<section class=\"sample\">\n")
				sample = true
			}
		}
		if err := d.markdown.Renderer().Render(&out, d.source, n); err != nil {
			return "", "", err
		}
	}
	shut(sample, "</section>\n")
	shut(tabs, "</div>\n")
	return lead, htmltemplate.HTML(out.String()), nil
}

// heading is one line of "On this page".
type heading struct{ ID, Text string }

// outline lists the headings of the second level.
func (d *doc) outline() []heading {
	var all []heading
	for n := d.root.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level == 2 {
			all = append(all, heading{headingID(h), headingText(h, d.source)})
		}
	}
	return all
}

func headingID(h *ast.Heading) string {
	id, _ := h.AttributeString("id")
	b, _ := id.([]byte)
	return string(b)
}

func headingText(h *ast.Heading, source []byte) string {
	return plainText(string(h.Lines().Value(source)))
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

// blocks writes those blocks that are more than their text: code can be copied,
// tables scroll in their own place, headings can be linked to.
type blocks struct{ made int }

// RegisterFuncs implements renderer.NodeRenderer.
func (b *blocks) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindFencedCodeBlock, b.code)
	r.Register(extast.KindTable, b.table)
	r.Register(ast.KindHeading, b.heading)
	r.Register(ast.KindImage, b.image)
	r.Register(ast.KindCodeSpan, b.codeSpan)
}

func (b *blocks) code(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	block := n.(*ast.FencedCodeBlock)
	var info string
	if block.Info != nil {
		info = string(block.Info.Value(source))
	}
	language, options, _ := strings.Cut(info, " ")
	title, notRun, example := "", false, false
	for _, option := range strings.Fields(options) {
		switch name, value, _ := strings.Cut(option, "="); name {
		case "title":
			title = value
		case "not-run":
			notRun = true
		case "example":
			example = true
		case "usage": // held by a test of its own, beside the code that it is about
		default:
			return ast.WalkStop, fmt.Errorf("a block of code has the option %q", option)
		}
	}
	b.made++
	text := string(block.Lines().Value(source))
	button := fmt.Sprintf("<button type=\"button\" class=\"button button-small\" data-copy=\"code-%d\">Copy<span class=\"hidden\"> this sample</span></button>", b.made)
	_, _ = fmt.Fprint(w, "<figure class=\"code\">\n")
	if title != "" || notRun {
		_, _ = fmt.Fprintf(w, "<figcaption>%s", html.EscapeString(title))
		if notRun {
			_, _ = fmt.Fprint(w, `<span class="tag">not run by our tests</span>`)
		}
		_, _ = fmt.Fprint(w, "</figcaption>\n")
	}
	if example { // which is copied without being unfolded
		_, _ = fmt.Fprintf(w, "<div class=\"folded\"><details class=\"more\"><summary>Show all %d lines</summary>\n", strings.Count(text, "\n"))
	}
	_, _ = fmt.Fprintf(w, "<div class=\"sample-code\"><pre tabindex=\"0\"><code id=\"code-%d\"", b.made)
	if language != "" {
		_, _ = fmt.Fprintf(w, ` class="language-%s"`, html.EscapeString(language))
	}
	_, _ = fmt.Fprintf(w, ">%s</code></pre>\n", html.EscapeString(text))
	if example {
		_, _ = fmt.Fprintf(w, "</div>\n</details>\n%s</div>\n", button)
	} else {
		_, _ = fmt.Fprintf(w, "%s</div>\n", button)
	}
	_, _ = fmt.Fprint(w, "</figure>\n")
	return ast.WalkSkipChildren, nil
}

func (b *blocks) table(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = fmt.Fprintf(w, "<div class=\"table-wrap\" role=\"region\" tabindex=\"0\" aria-label=\"%s\"><table class=\"table\">\n", html.EscapeString(above(n, source)))
	} else {
		_, _ = fmt.Fprint(w, "</table></div>\n")
	}
	return ast.WalkContinue, nil
}

// above is the heading that a block stands under.
func above(n ast.Node, source []byte) string {
	for ; n != nil; n = n.PreviousSibling() {
		if h, ok := n.(*ast.Heading); ok {
			return headingText(h, source)
		}
	}
	return "Table"
}

func (b *blocks) heading(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	h := n.(*ast.Heading)
	id := html.EscapeString(headingID(h))
	switch {
	case entering && h.Level == 1:
		_, _ = fmt.Fprint(w, "<h1>")
	case entering:
		_, _ = fmt.Fprintf(w, "<h%d id=\"%s\">", h.Level, id)
	case h.Level == 1:
		_, _ = fmt.Fprint(w, "</h1>\n")
	default:
		name := html.EscapeString(headingText(h, source))
		_, _ = fmt.Fprintf(w, " <a class=\"anchor\" href=\"#%s\" aria-label=\"Link to %s\">#</a></h%d>\n", id, name, h.Level)
	}
	return ast.WalkContinue, nil
}

// image writes a drawing into the page, where it has the page's colours.
func (b *blocks) image(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	drawing, err := content.ReadFile("content/" + string(n.(*ast.Image).Destination))
	if err != nil {
		return ast.WalkStop, err
	}
	_, _ = w.Write(drawing)
	return ast.WalkSkipChildren, nil
}
