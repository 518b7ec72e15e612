package docs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// referenceWriter writes one page.
type referenceWriter struct {
	strings.Builder
	m      *model
	shared []string // schemas that have a section of this page
}

// home is where a schema is explained, "" where that is in its own place.
func (w *referenceWriter) home(name string) string {
	switch {
	case name == adminError:
		return reference + ".md#" + adminError
	case slices.Contains(w.shared, name):
		return "#" + name
	}
	return ""
}

// tagText is the page of a tag: a section for each operation, and one for each
// object that several of them have.
func (m *model) tagText(tag string) (string, error) {
	w := &referenceWriter{m: m}
	for _, t := range m.list(m.root, "tags") {
		if m.text(t, "name") == tag {
			fmt.Fprintf(w, "# %s\n\n%s\n", tag, m.text(t, "description"))
		}
	}
	var of []*operation
	for _, o := range m.operations {
		if o.tag == tag {
			of = append(of, o)
		}
	}
	w.shared = m.sharedSchemas(of)
	for _, o := range of {
		if err := w.operation(o); err != nil {
			return "", fmt.Errorf("%s: %w", o.id, err)
		}
	}
	if len(w.shared) > 0 {
		w.WriteString("\n## Objects\n")
	}
	for _, name := range w.shared {
		schema := m.at(m.root, "components", "schemas", name)
		fmt.Fprintf(w, "\n<!-- anchor: %s -->\n### %s\n\n", name, name)
		if about := m.text(schema, "description"); about != "" {
			fmt.Fprintf(w, "%s\n\n", line(about))
		}
		if err := w.members(schema, ""); err != nil {
			return "", err
		}
		w.json(m.example(schema))
	}
	return w.String(), nil
}

// sharedSchemas are the objects that stand in more than one place of the operations,
// in the order in which they are met.
func (m *model) sharedSchemas(operations []*operation) (shared []string) {
	places, met := map[string]int{}, []string{}
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		if n == nil {
			return
		}
		if name := refName(n); name != "" && name != adminError && m.isObject(n) {
			places[name]++
			if places[name] > 1 {
				return
			}
			met = append(met, name)
		}
		n = m.at(n)
		for _, part := range slices.Concat(m.list(n, "allOf"), m.choices(n)) {
			visit(part)
		}
		eachMember(m.at(n, "properties"), func(_ string, value *yaml.Node) { visit(value) })
		visit(find(n, "items"))
	}
	for _, o := range operations {
		if o.like != nil {
			continue
		}
		if body := m.at(find(m.content(o.body), "schema")); body != nil { // a body stands in its own place
			eachMember(m.at(body, "properties"), func(_ string, value *yaml.Node) { visit(value) })
		}
		for _, r := range o.responses {
			visit(find(m.content(r.node), "schema"))
		}
	}
	for _, name := range met {
		if places[name] > 1 {
			shared = append(shared, name)
		}
	}
	return shared
}

func (w *referenceWriter) operation(o *operation) error {
	m := w.m
	fmt.Fprintf(w, "\n<!-- anchor: %s -->\n## %s\n\n`%s %s`\n\n%s\n\n%s\n", o.id, o.summary(), o.method, o.path, strings.TrimSpace(m.text(o.node, "description")), o.access.long)
	sample, err := o.sample()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n```sh\n%s\n```\n", sample)
	if len(o.parameters) > 0 {
		fmt.Fprintf(w, "\n<!-- anchor: %s-parameters -->\n### Parameters\n\n", o.id)
	}
	for _, p := range o.parameters {
		kind := "in the " + m.text(p, "in") + ", " + w.typeOf(find(p, "schema"))
		if m.text(p, "required") != "true" {
			kind += ", optional"
		}
		about := line(m.text(p, "description") + " " + m.limits(find(p, "schema")))
		if example := m.at(p, "example"); example != nil && !strings.Contains(about, "Example:") {
			about += " Example: " + inCode(strings.Trim(compact(example), `"`)) + "."
		}
		fmt.Fprintf(w, "- `%s` *%s*\n  %s\n", m.text(p, "name"), kind, about)
	}
	if o.like != nil {
		what := "Body and answers are"
		if o.body == nil {
			what = "The answers are"
		}
		fmt.Fprintf(w, "\n%s those of [%s](#%s).\n", what, o.like.summary(), o.like.id)
		return nil
	}
	if o.body != nil {
		if err := w.body(o); err != nil {
			return err
		}
	}
	return w.answers(o)
}

func (w *referenceWriter) body(o *operation) error {
	m := w.m
	need := ""
	if m.text(o.body, "required") != "true" {
		need = ", optional"
	}
	fmt.Fprintf(w, "\n<!-- anchor: %s-body -->\n### Body\n\n%s%s\n", o.id, m.contentTypes(o.body), need)
	if about := m.text(o.body, "description"); about != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(about))
	}
	schema := find(m.content(o.body), "schema")
	if !m.isObject(schema) {
		return nil
	}
	w.WriteString("\n")
	return w.members(schema, "")
}

// answers lists them by status; those that all endpoints of the admin API have are
// only named.
func (w *referenceWriter) answers(o *operation) error {
	m := w.m
	fmt.Fprintf(w, "\n<!-- anchor: %s-answers -->\n### Answers\n\n", o.id)
	var common []string
	for _, r := range o.responses {
		if r.shared != "" && m.isAdminError(r.node) {
			common = append(common, fmt.Sprintf("[`%s`](%s.md#%s)", r.status, reference, r.shared))
			continue
		}
		fmt.Fprintf(w, "- `%s` *%s*\n  %s\n", r.status, w.bodyOf(r.node), w.linkCodes(line(m.text(r.node, "description"))))
	}
	if len(common) > 0 {
		fmt.Fprintf(w, "\nErrors of the admin API: %s.\n", strings.Join(common, ", "))
	}
	for _, r := range o.responses {
		content := m.content(r.node)
		if content == nil || r.status >= "400" {
			continue
		}
		schema := find(content, "schema")
		if m.isObject(schema) && w.home(m.schemaName(schema)) == "" {
			fmt.Fprintf(w, "\nThe body of `%s`:\n\n", r.status)
			if err := w.members(schema, ""); err != nil {
				return err
			}
		}
		if w.home(m.schemaName(schema)) == "" {
			if err := w.exampleOf(content); err != nil {
				return err
			}
		}
	}
	w.headerNames(o)
	return nil
}

// bodyOf says of what type a body is, or that there is none.
func (w *referenceWriter) bodyOf(response *yaml.Node) string {
	content := w.m.content(response)
	if content == nil {
		return "no body"
	}
	types := w.m.contentTypes(response)
	if types == "`application/json`" {
		return w.typeOf(find(content, "schema"))
	}
	return types
}

// headerNames names the fields of the headers, by the answers that have them.
func (w *referenceWriter) headerNames(o *operation) {
	var names []string
	statuses := map[string]string{}
	for _, r := range o.responses {
		eachMember(w.m.at(r.node, "headers"), func(name string, _ *yaml.Node) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			statuses[name] += ", `" + r.status + "`"
		})
	}
	var groups, sets []string
	for _, name := range names {
		at := slices.Index(sets, statuses[name])
		if at < 0 {
			at, sets, groups = len(sets), append(sets, statuses[name]), append(groups, "")
		}
		groups[at] += ", `" + name + "`"
	}
	if len(groups) == 0 {
		return
	}
	fmt.Fprintf(w, "\n[Headers](%s.md#headers):\n\n", reference)
	for i, group := range groups {
		of := "of every answer"
		if strings.Count(sets[i], ",") < len(o.responses) {
			of = "of " + sets[i][2:]
		}
		fmt.Fprintf(w, "- %s: %s\n", of, group[2:])
	}
}

var codePattern = regexp.MustCompile("`([a-z_]+)`")

// linkCodes makes links of the error codes that the page of errors explains.
func (w *referenceWriter) linkCodes(text string) string {
	return codePattern.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.Trim(found, "`")
		if !explained(name) {
			return found
		}
		return "[" + found + "](errors.md#" + name + ")"
	})
}

// explained tells whether the page of errors has a section for a code.
func explained(name string) bool {
	source, err := content.ReadFile("content/errors.md")
	return err == nil && regexp.MustCompile("(?m)^#{2,4} `"+name+"`$").Match(source)
}

// exampleOf shows what stands for a body.
func (w *referenceWriter) exampleOf(media *yaml.Node) error {
	m := w.m
	if example := m.at(media, "example"); example != nil {
		if text := example.Value; example.Kind == yaml.ScalarNode {
			fmt.Fprintf(w, "\n```text\n%s\n```\n", strings.TrimSpace(text))
			return nil
		}
		w.json(example)
		return nil
	}
	if examples := m.at(media, "examples"); examples != nil {
		eachMember(examples, func(_ string, e *yaml.Node) {
			fmt.Fprintf(w, "\n%s:\n", m.text(e, "summary"))
			w.json(m.at(e, "value"))
		})
		return nil
	}
	if schema := find(media, "schema"); m.isObject(schema) {
		w.json(m.example(schema))
	}
	return nil
}

func (w *referenceWriter) json(n *yaml.Node) {
	fmt.Fprintf(w, "\n```json\n%s\n```\n", pretty(n, ""))
}
