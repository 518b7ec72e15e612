package docs

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Parts of openapi.yaml that list the environments of the installation.
const (
	platform          = "platform"    // the environment of operator keys, which every installation has
	issuerParameter   = "Issuer"      // the parameter that names an environment below the base URL
	environmentSchema = "Environment" // the schema of an environment's name
)

//go:embed openapi.yaml
var openAPISource []byte

// openAPIDocument is the document as JSON.
func openAPIDocument(root *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	err := writeJSON(&out, root)
	return append(out.Bytes(), '\n'), err
}

// readOpenAPI reads openapi.yaml, in its order, and writes in what is the
// installation's own.
func readOpenAPI(c Config) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(openAPISource, &doc); err != nil {
		return nil, err
	}
	root := doc.Content[0]
	f := c.filling()
	fill(root, f.text, f.names)
	var below []string // environments that the base URL reaches
	for _, e := range c.Environments {
		if e.below(c.BaseURL) {
			below = append(below, e.Name)
		}
	}
	issuer := find(root, "components", "parameters", issuerParameter)
	environment := find(root, "components", "schemas", environmentSchema)
	if issuer == nil || environment == nil {
		return nil, errors.New("a part of the document that is to be filled in is missing")
	}
	below = append(below, platform)
	setList(find(issuer, "schema", "enum"), below)
	find(issuer, "example").Value = below[0]
	all := make([]string, 0, len(c.Environments)+1)
	for _, e := range c.Environments {
		all = append(all, e.Name)
	}
	setList(find(environment, "enum"), append(all, platform))
	return root, nil
}

// fill replaces in every text of the document, but in no name of a member.
func fill(n *yaml.Node, within *strings.Replacer, whole map[string]string) {
	switch n.Kind {
	case yaml.ScalarNode:
		if name, ok := whole[n.Value]; ok {
			n.Value = name
		} else {
			n.Value = within.Replace(n.Value)
		}
	case yaml.MappingNode:
		for i := 1; i < len(n.Content); i += 2 {
			fill(n.Content[i], within, whole)
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			fill(item, within, whole)
		}
	}
	// What an alias stands for is filled where it is written.
}

// find returns the node at the end of a path of members, or nil.
func find(n *yaml.Node, path ...string) *yaml.Node {
	for _, name := range path {
		if n == nil {
			return nil
		}
		at := slices.IndexFunc(n.Content, func(key *yaml.Node) bool { return key.Value == name })
		if n.Kind != yaml.MappingNode || at < 0 || at%2 != 0 {
			return nil
		}
		n = n.Content[at+1]
	}
	return n
}

func setList(n *yaml.Node, texts []string) {
	n.Content = nil
	for _, text := range texts {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text})
	}
}

// writeJSON writes what YAML and JSON have in common.
func writeJSON(out *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.AliasNode:
		return writeJSON(out, n.Alias)
	case yaml.MappingNode:
		out.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				out.WriteByte(',')
			}
			name, err := jsonText(n.Content[i].Value) // a number as a name is one of a text
			if err != nil {
				return err
			}
			out.WriteString(name + ":")
			if err := writeJSON(out, n.Content[i+1]); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	case yaml.SequenceNode:
		out.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeJSON(out, item); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	default:
		return writeScalar(out, n)
	}
	return nil
}

func writeScalar(out *bytes.Buffer, n *yaml.Node) error {
	switch n.ShortTag() {
	case "!!int", "!!float", "!!bool", "!!null":
		if !json.Valid([]byte(n.Value)) {
			return fmt.Errorf("line %d: %s is no JSON", n.Line, n.Value)
		}
		out.WriteString(n.Value)
		return nil
	}
	text, err := jsonText(n.Value)
	out.WriteString(text)
	return err
}

// jsonText is a string of JSON. Characters of HTML stay as they are.
func jsonText(s string) (string, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(s)
	return strings.TrimSuffix(out.String(), "\n"), err
}
