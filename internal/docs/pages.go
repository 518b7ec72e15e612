package docs

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tokenwright/tokenwright/examples"
)

//go:embed content
var content embed.FS

// chapters are all pages, in the order in which one would read them. Each is
// content/<name>.md: a title, a lead of a sentence or two, which is its description
// everywhere else, and sections.
var chapters = []chapter{
	{"Applications", []string{
		"overview",
		"create-an-api-key",
		"get-a-token",
		"access-token",
		"scopes",
		"environments",
		"keep-a-token-fresh",
		"first-call",
		"errors",
		"rate-limits",
		"rotate-a-secret",
	}},
	{"APIs", []string{
		"verify",
		"verify-in-go",
		"verify-in-node",
		"verify-in-python",
		"verify-in-other-languages",
		"gateways",
		"introspection",
		"revocation",
		"works-with",
		"jwt",
	}},
	{referenceChapter, []string{
		reference, // and a page for each tag of the OpenAPI document
	}},
	{"Merchants and automation", []string{
		"console",
		"admin",
		"webhooks",
		"leaks",
	}},
	{"Operation", []string{
		"install",
		"run-it",
		"backup",
		"configuration",
		"command-line",
		"postgresql",
		"upgrade",
		"signing-keys",
		"limits",
		"sso",
		"mail",
		"metrics",
		"logs",
		"operations",
		"performance",
		"runbooks",
		"security",
		"proof",
		"audit",
		"changelog",
	}},
}

// chapter is a part of the documentation, for one kind of reader.
type chapter struct {
	Title string
	names []string
}

// parts are what a page has beside its Markdown.
type parts struct {
	fragment string   // the file of content that stands after the lead, a template
	scripts  []string // assets
	keys     bool     // it may ask every issuer for its JWKS
}

// extras are the pages that are more than text.
var extras = map[string]parts{
	"jwt":                        {fragment: "jwt.html", scripts: []string{"jwt.js"}, keys: true},
	reference + "/access-tokens": {fragment: "try.html", scripts: []string{"try.js"}},
}

// home is the page that answers at /docs.
const home = "overview"

// page is one page.
type page struct {
	Name    string
	Path    string // of the HTML
	Title   string
	Lead    string // what it is for, as plain text
	Chapter string
	parts
	source string // Markdown as it is embedded
	tag    string // of the OpenAPI document, from whose operations the page is made
}

// MarkdownPath is where the page answers as Markdown.
func (p *page) MarkdownPath() string { return "/docs/" + p.Name + ".md" }

// origins are those that a page may ask beside the one that it came from. That of
// the base URL is among them: somebody may have come by another name of the server.
func (s *Site) origins(p *page) []string {
	if !p.keys {
		return nil
	}
	var list []string
	for _, e := range s.config.issuers() {
		scheme, rest, _ := strings.Cut(e.Issuer, "://")
		host, _, _ := strings.Cut(rest, "/")
		if origin := scheme + "://" + host; !slices.Contains(list, origin) {
			list = append(list, origin)
		}
	}
	return list
}

// readPages reads titles and leads. What cannot be told before a page is rendered,
// tests find.
func (s *Site) readPages() error {
	s.byName = map[string]*page{}
	for _, c := range chapters {
		var all []*page
		for _, name := range c.names {
			p, err := readPage(name)
			if err != nil {
				return fmt.Errorf("the page %s: %w", name, err)
			}
			all = append(all, p)
		}
		if c.Title == referenceChapter {
			made, err := tagPages()
			if err != nil {
				return fmt.Errorf("the pages of the reference: %w", err)
			}
			all = append(all, made...)
		}
		for _, p := range all {
			p.Chapter = c.Title
			s.pages, s.byName[p.Name] = append(s.pages, p), p
		}
	}
	return nil
}

func readPage(name string) (*page, error) {
	source, err := content.ReadFile("content/" + name + ".md")
	if err != nil {
		return nil, err
	}
	p := &page{Name: name, Path: "/docs/" + name, parts: extras[name], source: string(source)}
	if name == home {
		p.Path = "/docs"
	}
	title, rest, _ := strings.Cut(p.source, "\n\n")
	lead, _, _ := strings.Cut(rest, "\n\n")
	var ok bool
	if p.Title, ok = strings.CutPrefix(title, "# "); !ok || lead == "" || strings.ContainsAny(lead[:1], "#`|<-") {
		return nil, errors.New("does not begin with a title and a lead")
	}
	p.Lead = plainText(lead)
	return p, nil
}

var (
	linkPattern    = regexp.MustCompile(`\[([^\]\n]+)\]\(([^)\s]+)\)`)
	commentPattern = regexp.MustCompile(`(?m)^<!--.*-->\n+`)
	tablePattern   = regexp.MustCompile(`(?s)<!-- begin: environments -->\n.*<!-- end: environments -->`)
	examplePattern = regexp.MustCompile(`^\[[^\]\n]+\]\(\.\./\.\./\.\./examples/([^)\s]+)\)$`)
	marks          = strings.NewReplacer("`", "", "**", "")
)

// plainText is Markdown of one paragraph without its marks.
func plainText(markdown string) string {
	return line(marks.Replace(linkPattern.ReplaceAllString(markdown, "$1")))
}

// text is the Markdown of a page with the installation written in, and with the
// examples that it shows: a link to one that stands alone becomes its text.
// Comments, which say how the page is made, are still there. Links lead to where
// link says that a page is.
func (s *Site) text(p *page, link func(*page) string) (string, error) {
	if p.Name == reference || p.tag != "" {
		source, err := s.referenceText(p)
		if err != nil {
			return "", err
		}
		return s.links(source, link)
	}
	source, err := showExamples(p.source)
	if err != nil {
		return "", err
	}
	if source, err = s.links(source, link); err != nil {
		return "", err
	}
	source = s.fill.page.Replace(source)
	return tablePattern.ReplaceAllStringFunc(source, func(string) string { return environmentTables(s.config.Environments) }), nil
}

// repository is where links to files lead that the server does not have.
const repository = "https://github.com/tokenwright/tokenwright/blob/main/"

// links turns links between files into such that work where the page is served.
func (s *Site) links(source string, link func(*page) string) (string, error) {
	var problem error
	source = linkPattern.ReplaceAllStringFunc(source, func(found string) string {
		part := linkPattern.FindStringSubmatch(found)
		target, anchor, _ := strings.Cut(part[2], "#")
		if anchor != "" {
			anchor = "#" + anchor
		}
		if file, ok := strings.CutPrefix(target, "../../../"); ok {
			return "[" + part[1] + "](" + repository + file + anchor + ")"
		}
		name, ok := strings.CutSuffix(target, ".md")
		switch p := s.byName[name]; {
		case !ok || strings.Contains(target, "://"):
			return found
		case p == nil:
			problem = fmt.Errorf("a link leads to %s, which is no page", target)
			return found
		default:
			return "[" + part[1] + "](" + link(p) + anchor + ")"
		}
	})
	return source, problem
}

// languages of examples, by the end of their name.
var languages = map[string]string{
	"go": "go", "mjs": "js", "py": "python", "sh": "sh", "json": "json", "yaml": "yaml", "conf": "nginx", "cfg": "haproxy",
}

// showExamples writes the text of an example where a link to it is a paragraph of
// its own.
func showExamples(source string) (string, error) {
	var problem error
	blocks := strings.Split(source, "\n\n")
	for i, block := range blocks {
		found := examplePattern.FindStringSubmatch(strings.TrimSpace(block))
		if found == nil {
			continue
		}
		text, err := examples.Files.ReadFile(found[1])
		if err != nil {
			problem = err
			continue
		}
		name := found[1][strings.LastIndexByte(found[1], '/')+1:]
		language := languages[name[strings.LastIndexByte(name, '.')+1:]]
		if language == "" {
			language = "text"
		}
		blocks[i] = "````" + language + " title=" + name + " example\n" + strings.TrimSuffix(string(text), "\n") + "\n````"
	}
	return strings.Join(blocks, "\n\n"), problem
}

// environmentTables lists the endpoints of each environment.
func environmentTables(environments []Environment) string {
	var b strings.Builder
	for i, e := range environments {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "### Environment %s\n\n| What | Value |\n|---|---|\n", e.Name)
		for _, row := range [][2]string{
			{"Issuer", e.Issuer}, {"Audience of its API", e.Audience}, {"Algorithm", e.Algorithm},
			{"Token endpoint", e.Issuer + "/oauth/token"}, {"JWKS", e.Issuer + "/oauth/jwks"},
			{"Signing key as PEM", e.Issuer + "/oauth/jwks/{kid}.pem"}, {"Revoked tokens", e.Issuer + "/oauth/revocations"},
			{"Introspection (RFC 7662)", e.Issuer + "/oauth/introspect"}, {"Revocation (RFC 7009)", e.Issuer + "/oauth/revoke"},
			{"Metadata (RFC 8414)", e.Metadata()},
		} {
			fmt.Fprintf(&b, "| %s | %s |\n", row[0], code(row[1]))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// code is a code span in a cell: its fence is longer than any run of backticks
// inside.
func code(s string) string {
	fence, pad := "`", ""
	for strings.Contains(s, fence) {
		fence, pad = fence+"`", " "
	}
	return inCell(fence + pad + s + pad + fence)
}

// drawings are the files that pages show. HTML has them within it; Markdown links to
// them.
func drawings() []string {
	files, err := fs.Glob(content, "content/*.svg")
	if err != nil {
		panic(err) // the pattern is one
	}
	for i, file := range files {
		files[i] = path.Base(file)
	}
	return files
}

// markdown is a page as it is served as Markdown: links lead to the Markdown of
// other pages, and to drawings.
func (s *Site) markdown(p *page) ([]byte, error) {
	text, err := s.text(p, func(to *page) string { return s.config.BaseURL + to.MarkdownPath() })
	for _, name := range drawings() {
		text = strings.ReplaceAll(text, "]("+name+")", "]("+s.config.BaseURL+"/docs/"+name+")")
	}
	return []byte(commentPattern.ReplaceAllString(text, "")), err
}

// index is llms.txt (https://llmstxt.org): what this is, and every page with its
// address and what it is for.
func (s *Site) index() ([]byte, error) {
	var b strings.Builder
	b.WriteString("# Tokenwright\n\n> Tokenwright exchanges an API key (an OAuth client with its secrets) for a short-lived JWT access token, by OAuth 2.0 client " +
		"credentials. APIs verify the token offline with the published JWKS. Every API key, and so every token, is bound to one merchant and one environment.\n\n")
	fmt.Fprintf(&b, "- Token endpoint: %s/oauth/token\n", s.config.BaseURL)
	for _, e := range s.config.Environments {
		fmt.Fprintf(&b, "- Environment %s: issuer %s, metadata %s, JWKS %s\n", e.Name, e.Issuer, e.Metadata(), e.Issuer+"/oauth/jwks")
	}
	fmt.Fprintf(&b, "- Every page in one file: %s/llms-full.txt\n", s.config.BaseURL)
	chapter := ""
	for _, p := range s.pages {
		if p.Chapter != chapter {
			chapter = p.Chapter
			fmt.Fprintf(&b, "\n## %s\n\n", chapter)
		}
		fmt.Fprintf(&b, "- [%s](%s): %s\n", p.Title, s.config.BaseURL+p.MarkdownPath(), s.fill.page.Replace(p.Lead))
	}
	fmt.Fprintf(&b, "\n## Optional\n\n- [OpenAPI document](%s/openapi.json): Every endpoint, the admin API included: parameters, answers, errors, examples.\n", s.config.BaseURL)
	return []byte(b.String()), nil
}

// whole is llms-full.txt: every page, one after the other.
func (s *Site) whole() ([]byte, error) {
	var b strings.Builder
	for _, p := range s.pages {
		text, err := s.markdown(p)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "<!-- %s%s -->\n\n%s\n", s.config.BaseURL, p.MarkdownPath(), text)
	}
	return []byte(b.String()), nil
}
