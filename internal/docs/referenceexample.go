package docs

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// example is a value of a schema, made of the examples of what is in it.
func (m *model) example(n *yaml.Node) *yaml.Node {
	f := m.flat(n)
	if e := m.at(f, "example"); e != nil {
		return e
	}
	if c := m.at(f, "const"); c != nil {
		return c
	}
	if values := m.list(f, "enum"); len(values) > 0 {
		return values[0]
	}
	if choices := m.choices(f); len(choices) > 0 {
		return m.example(choices[len(choices)-1])
	}
	if properties := m.at(f, "properties"); properties != nil {
		out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		eachMember(properties, func(name string, value *yaml.Node) {
			out.Content = append(out.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, m.example(value))
		})
		return out
	}
	switch m.text(f, "type") {
	case "array":
		return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{m.example(find(f, "items"))}}
	case "object":
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "…"}
}

// compact is a value as JSON on one line.
func compact(n *yaml.Node) string {
	switch n.Kind {
	case yaml.AliasNode:
		return compact(n.Alias)
	case yaml.MappingNode, yaml.SequenceNode:
		var parts []string
		for i := 0; i < len(n.Content); i++ {
			part := compact(n.Content[i])
			if n.Kind == yaml.MappingNode {
				i++
				part += ": " + compact(n.Content[i])
			}
			parts = append(parts, part)
		}
		return brackets[n.Kind][:1] + strings.Join(parts, ", ") + brackets[n.Kind][1:]
	}
	var out bytes.Buffer
	_ = writeScalar(&out, n) // the document as a whole is written in the same way, and looked at
	return out.String()
}

// brackets are those of JSON.
var brackets = map[yaml.Kind]string{yaml.MappingNode: "{}", yaml.SequenceNode: "[]"}

// pretty is a value as JSON, on as many lines as it needs.
func pretty(n *yaml.Node, indent string) string {
	const width = 72
	text := compact(n)
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	flat := n.Kind == yaml.SequenceNode && !slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return c.Kind != yaml.ScalarNode })
	if n.Kind == yaml.ScalarNode || len(n.Content) == 0 || (flat || indent != "") && len(indent)+len(text) <= width {
		return text
	}
	inner := indent + "  "
	var parts []string
	for i := 0; i < len(n.Content); i++ {
		part := inner
		if n.Kind == yaml.MappingNode {
			part += compact(n.Content[i]) + ": "
			i++
		}
		parts = append(parts, part+pretty(n.Content[i], inner))
	}
	return brackets[n.Kind][:1] + "\n" + strings.Join(parts, ",\n") + "\n" + indent + brackets[n.Kind][1:]
}

// urlText writes an example into an address. Nothing that means something to a shell
// stands in it.
var urlText = strings.NewReplacer("%", "%25", " ", "%20", "&", "%26", "+", "%2B", "#", "%23", "?", "%3F", `"`, "%22", "'", "%27")

// sample is a request by curl that can be copied. Secrets and tokens come from
// variables, by standard input: everybody on the machine can see arguments.
func (o *operation) sample() (string, error) {
	m := o.m
	address, err := o.address()
	if err != nil {
		return "", err
	}
	curl := "curl -sS --fail-with-body '" + address + "'"
	media := m.content(o.body)
	needsBody := media != nil && m.text(find(media, "schema"), "maxProperties") != "0"
	if o.method != "GET" && !(o.method == "POST" && needsBody) {
		curl += " --request " + o.method
	}
	var body *yaml.Node
	if needsBody {
		if body = m.firstExample(media); body == nil {
			body = m.example(find(media, "schema"))
		}
	}
	switch {
	case o.access.scheme == "clientBasic" && strings.HasPrefix(m.contentTypes(o.body), "`application/json`"):
		return curl + " \\\n  --json @- <<EOF\n" + m.withVariables(pretty(body, "")) + "\nEOF", nil
	case o.access.scheme == "clientBasic":
		return curl + " \\\n  --config - <<EOF\nuser = \"$TOKENWRIGHT_CLIENT_ID:$TOKENWRIGHT_CLIENT_SECRET\"\ndata-urlencode = \"token=$ACCESS_TOKEN\"\nEOF", nil
	case o.access.scheme == "" && needsBody:
		return curl + " \\\n  --json @- <<'EOF'\n" + pretty(body, "") + "\nEOF", nil
	case o.access.scheme == "":
		return curl, nil
	}
	if needsBody {
		curl += " \\\n  --json '" + strings.ReplaceAll(pretty(body, "  "), "'", `'\''`) + "'"
	}
	token := "ADMIN_TOKEN"
	if o.access.scheme == "accessToken" {
		token = "ACCESS_TOKEN"
	}
	return curl + " \\\n  --config - <<EOF\nheader = \"Authorization: Bearer $" + token + "\"\nEOF", nil
}

// withVariables puts those of the shell in the place of the example's credentials.
func (m *model) withVariables(text string) string {
	schemas := m.at(m.root, "components", "schemas")
	return strings.NewReplacer(
		m.text(schemas, "ClientID", "example"), "$TOKENWRIGHT_CLIENT_ID", m.text(schemas, "ClientSecret", "example"), "$TOKENWRIGHT_CLIENT_SECRET",
	).Replace(text)
}

func (m *model) firstExample(media *yaml.Node) *yaml.Node {
	if e := m.at(media, "example"); e != nil {
		return e
	}
	if all := m.at(media, "examples"); all != nil {
		return m.at(all.Content[1], "value")
	}
	return nil
}

// address has an example for every parameter that is needed; where none is, the
// first one that narrows down what is asked for.
func (o *operation) address() (string, error) {
	m := o.m
	address, query := m.text(m.list(m.root, "servers")[0], "url")+o.path, []string{}
	first := ""
	for _, p := range o.parameters {
		name, in, example := m.text(p, "name"), m.text(p, "in"), m.at(p, "example")
		needed := m.text(p, "required") == "true"
		if example == nil {
			if needed {
				return "", fmt.Errorf("the parameter %s has no example", name)
			}
			continue
		}
		value := urlText.Replace(example.Value)
		switch {
		case in == "path":
			address = strings.ReplaceAll(address, "{"+name+"}", value)
		case in == "query" && needed:
			query = append(query, name+"="+value)
		case in == "query" && first == "" && name != "limit":
			first = name + "=" + value
		}
	}
	if len(query) == 0 && first != "" && !strings.Contains(o.path, "{") {
		query = append(query, first)
	}
	if len(query) > 0 {
		address += "?" + strings.Join(query, "&")
	}
	return address, nil
}
