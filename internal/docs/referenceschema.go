package docs

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// flat is a schema in which what allOf brings together stands beside the schema's
// own: its own description and example hide those of the others.
func (m *model) flat(n *yaml.Node) *yaml.Node {
	n = m.at(n)
	parts := m.list(n, "allOf")
	if len(parts) == 0 {
		return n
	}
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	add := func(from *yaml.Node) {
		eachMember(from, func(name string, value *yaml.Node) {
			have := find(out, name)
			switch {
			case name == "allOf":
			case have == nil:
				copied := *m.at(value)
				out.Content = append(out.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, &copied)
			case name == "properties", name == "required":
				have.Content = append(have.Content[:len(have.Content):len(have.Content)], m.at(value).Content...)
			}
		})
	}
	add(n)
	for _, part := range parts {
		add(m.flat(part))
	}
	return out
}

// schemaName is the name of the schema that a node refers to, also where it says
// more about it.
func (m *model) schemaName(n *yaml.Node) string {
	if name := refName(n); name != "" {
		return name
	}
	if parts := m.list(n, "allOf"); len(parts) == 1 {
		return refName(parts[0])
	}
	return ""
}

// isObject tells whether a schema has members that are worth a list.
func (m *model) isObject(n *yaml.Node) bool {
	f := m.flat(n)
	if find(f, "properties") != nil {
		return true
	}
	for _, choice := range m.choices(f) {
		if m.isObject(choice) {
			return true
		}
	}
	return false
}

func (m *model) choices(f *yaml.Node) []*yaml.Node {
	return slices.Concat(m.list(f, "oneOf"), m.list(f, "anyOf"))
}

// typeOf says what a value is: "array of string", "string or null". An object that
// has a section of its own is a link to it.
func (w *referenceWriter) typeOf(n *yaml.Node) string {
	m := w.m
	if name := m.schemaName(n); w.home(name) != "" {
		return "[" + name + "](" + w.home(name) + ")"
	}
	f := m.flat(n)
	if choices := m.choices(f); len(choices) > 0 {
		var all []string
		for _, choice := range choices {
			if t := w.typeOf(choice); !strings.Contains(strings.Join(all, " or "), t) {
				all = append(all, t)
			}
		}
		return strings.Join(all, " or ")
	}
	var types []string
	if t := m.at(f, "type"); t != nil && t.Kind == yaml.SequenceNode {
		for _, one := range t.Content {
			types = append(types, one.Value)
		}
	} else {
		types = []string{m.text(f, "type")}
	}
	switch types[0] {
	case "array":
		types[0] = "array of " + several(w.typeOf(find(f, "items")))
	case "object":
		if values := m.at(f, "additionalProperties"); find(f, "properties") == nil && find(values, "type") != nil {
			types[0] = "object of " + several(w.typeOf(values))
		}
	case "string":
		if name, ok := map[string]string{"date-time": "time", "uri": "URI"}[m.text(f, "format")]; ok {
			types[0] = "string (" + name + ")"
		}
	}
	return strings.Join(types, " or ")
}

func several(kind string) string {
	if strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz") == "" {
		return kind + "s"
	}
	return kind
}

// limits say what a value may be, as sentences.
func (m *model) limits(n *yaml.Node) string {
	f := m.flat(n)
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if v := m.text(f, "const"); v != "" && !strings.HasPrefix(m.text(f, "description"), "Always") {
		say("Always %s.", inCode(v))
	}
	if list := m.list(f, "enum"); len(list) > 0 {
		say("%s.", oneOf(list))
	}
	if list := m.list(f, "items", "enum"); len(list) > 0 {
		say("Each %s.", strings.ToLower(oneOf(list)[:1])+oneOf(list)[1:])
	}
	for _, r := range []struct{ least, most, what string }{
		{"minimum", "maximum", ""}, {"minLength", "maxLength", " characters"}, {"minItems", "maxItems", " items"},
	} {
		least, most := m.text(f, r.least), m.text(f, r.most)
		switch {
		case least != "" && most != "":
			say("%s to %s%s.", least, most, r.what)
		case least != "":
			say("At least %s%s.", least, r.what)
		case most == "0": // it says so itself
		case most != "":
			say("At most %s%s.", most, r.what)
		}
	}
	if v := m.text(f, "pattern"); v != "" {
		say("Pattern %s.", inCode(v))
	}
	if v := m.text(f, "default"); v != "" {
		say("Default: %s.", inCode(v))
	}
	if e := m.at(f, "example"); e != nil && len(all) < 2 && e.ShortTag() != "!!null" && find(f, "enum") == nil {
		if text := compact(e); len(text) <= 64 {
			say("Example: %s.", inCode(strings.Trim(text, `"`)))
		}
	}
	return strings.Join(all, " ")
}

func oneOf(values []*yaml.Node) string {
	var all []string
	for _, v := range values {
		all = append(all, inCode(v.Value))
	}
	if len(all) == 1 {
		return "Always " + all[0]
	}
	return "One of " + strings.Join(all, ", ")
}

// inCode is a code span outside of tables.
func inCode(s string) string { return strings.ReplaceAll(code(s), `\|`, "|") }

// members lists those of an object, with what they hold below them.
func (w *referenceWriter) members(n *yaml.Node, indent string) error {
	m := w.m
	n = m.at(n)
	if choices := m.choices(n); len(choices) > 0 {
		for _, choice := range choices {
			title := m.text(choice, "title")
			if title == "" {
				title = w.typeOf(choice)
			}
			fmt.Fprintf(w, "%s- **%s**\n", indent, title)
			if w.home(m.schemaName(choice)) == "" {
				if err := w.members(choice, indent+"  "); err != nil {
					return err
				}
			}
		}
		return nil
	}
	required := map[string]bool{}
	for _, name := range m.list(m.flat(n), "required") {
		required[name.Value] = true
	}
	for _, part := range append(slices.Clone(m.list(n, "allOf")), n) {
		if name := refName(part); w.home(name) != "" {
			fmt.Fprintf(w, "%s- All that [%s](%s) has, and:\n", indent, name, w.home(name))
			continue
		}
		var problem error
		eachMember(m.at(part, "properties"), func(name string, value *yaml.Node) {
			if err := w.member(name, value, !required[name], indent); err != nil {
				problem = err
			}
		})
		if problem != nil {
			return problem
		}
	}
	return nil
}

func (w *referenceWriter) member(name string, value *yaml.Node, optional bool, indent string) error {
	m := w.m
	kind := w.typeOf(value)
	if optional {
		kind += ", optional"
	}
	fmt.Fprintf(w, "%s- `%s` *%s*\n%s  %s\n", indent, name, kind, indent, w.about(value))
	inner := value
	if items := find(m.flat(value), "items"); items != nil {
		inner = items
	}
	if !m.isObject(inner) || w.home(m.schemaName(inner)) != "" {
		return nil
	}
	return w.members(inner, indent+"  ")
}

// about describes a value in one line.
func (w *referenceWriter) about(value *yaml.Node) string {
	text := line(w.m.text(w.m.flat(value), "description"))
	if w.home(w.m.schemaName(value)) != "" {
		return text
	}
	return strings.TrimSpace(text + " " + w.m.limits(value))
}
