package docs

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The reference is made from the OpenAPI document: the overview, whose file says
// where the lists go, and a page for each tag, which has no file.
const (
	referenceChapter = "Reference"
	reference        = "reference" // the overview
)

var tagsPattern = regexp.MustCompile(`(?ms)^tags:\n(.*?)^\w`)

// tagPages lists the pages of the tags. The rest of the document is read when one
// of them is asked for.
func tagPages() ([]*page, error) {
	var tags []struct{ Name, Description string }
	found := tagsPattern.FindSubmatch(openAPISource)
	if found == nil {
		return nil, fmt.Errorf("the document has no tags")
	}
	if err := yaml.Unmarshal(found[1], &tags); err != nil {
		return nil, err
	}
	var all []*page
	for _, tag := range tags {
		name := tagPage(tag.Name)
		all = append(all, &page{
			Name: name, Path: "/docs/" + name, Title: tag.Name, Lead: plainText(tag.Description), parts: extras[name], tag: tag.Name,
		})
	}
	return all, nil
}

// tagPage is the name of the page of a tag.
func tagPage(tag string) string {
	return reference + "/" + strings.ReplaceAll(strings.ToLower(tag), " ", "-")
}

// TokenPaths are the token endpoints that a page of this server can ask: the common
// one, and those of environments that have no host of their own.
func (c Config) TokenPaths() []string {
	const path = "/oauth/token"
	all := []string{path}
	for _, e := range c.Environments {
		if e.below(c.BaseURL) {
			all = append(all, "/"+e.Name+path)
		}
	}
	return append(all, "/"+platform+path)
}

// referenceText is the Markdown of a page of the reference, with the installation
// written in.
func (s *Site) referenceText(p *page) (string, error) {
	m, err := s.reference()
	if err != nil {
		return "", err
	}
	if p.tag != "" {
		return m.tagText(p.tag)
	}
	text := s.fill.page.Replace(p.source)
	for name, made := range map[string]func() (string, error){
		"endpoints": m.endpoints, "conventions": m.conventions, "errors": m.adminErrors, "headers": m.headers,
	} {
		part, err := made()
		if err != nil {
			return "", err
		}
		text = strings.Replace(text, "<!-- reference: "+name+" -->", strings.TrimSpace(part), 1)
	}
	return text, nil
}

// endpoints lists every operation by tag.
func (m *model) endpoints() (string, error) {
	var b strings.Builder
	for _, tag := range m.tags() {
		fmt.Fprintf(&b, "### [%s](%s.md)\n\n", tag.Value, tagPage(tag.Value))
		for _, o := range m.operations {
			if o.tag == tag.Value {
				fmt.Fprintf(&b, "- [`%s %s`](%s.md#%s) *%s*\n  %s\n", o.method, o.path, tagPage(o.tag), o.id, o.access.short, o.summary())
			}
		}
		b.WriteString("\n")
	}
	return b.String(), nil
}

// conventions are the sections of the document's description.
func (m *model) conventions() (string, error) {
	text := m.text(m.root, "info", "description")
	at := strings.Index(text, "## ")
	if at < 0 {
		return "", fmt.Errorf("the document's description has no sections")
	}
	return text[at:], nil
}

// adminErrors explains the answers that endpoints of the admin API share.
func (m *model) adminErrors() (string, error) {
	w := &referenceWriter{m: m}
	schema := m.at(m.root, "components", "schemas", adminError)
	fmt.Fprintf(w, "<!-- anchor: %s -->\n### Body\n\n", adminError)
	if err := w.members(schema, ""); err != nil {
		return "", err
	}
	responses := m.at(m.root, "components", "responses")
	statuses := m.statuses()
	for i := 0; i+1 < len(responses.Content); i += 2 {
		name, response := responses.Content[i].Value, responses.Content[i+1]
		if !m.isAdminError(response) {
			continue
		}
		fmt.Fprintf(w, "\n<!-- anchor: %s -->\n### %d %s\n\n%s\n", name, statuses[name], http.StatusText(statuses[name]), w.linkCodes(strings.TrimSpace(m.text(response, "description"))))
		if err := w.exampleOf(m.content(response)); err != nil {
			return "", err
		}
	}
	return w.String(), nil
}

// headers explains the fields of answers' headers, each with all that it may mean.
func (m *model) headers() (string, error) {
	var names []string
	rows := map[string][]string{}
	for _, o := range m.operations {
		for _, r := range o.responses {
			eachMember(m.at(r.node, "headers"), func(name string, header *yaml.Node) {
				value := cmp.Or(m.text(header, "example"), m.text(header, "schema", "const"))
				if value != "" {
					value = code(value)
				}
				row := fmt.Sprintf("| `%s` | %s | %s |\n", name, inCell(line(m.text(header, "description"))), value)
				if rows[name] == nil {
					names = append(names, name)
				}
				if !slices.Contains(rows[name], row) {
					rows[name] = append(rows[name], row)
				}
			})
		}
	}
	text := "| Name | Meaning | Example |\n|---|---|---|\n"
	for _, name := range names {
		text += strings.Join(rows[name], "")
	}
	return text, nil
}

// line is a text on one line.
func line(s string) string { return strings.Join(strings.Fields(s), " ") }

func inCell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
