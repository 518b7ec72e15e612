package docs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// model is the OpenAPI document as the reference reads it.
type model struct {
	root       *yaml.Node
	operations []*operation // in their order
}

// operation is what one method of a path does.
type operation struct {
	m          *model
	id         string
	method     string
	path       string
	tag        string
	node       *yaml.Node
	access     access
	parameters []*yaml.Node // resolved; those of the path first
	body       *yaml.Node   // resolved; nil for none
	responses  []response
	like       *operation // one before, of the same page, whose body and answers are the same
}

// response is the answer with one status.
type response struct {
	status string
	shared string // its name, where several operations have it
	node   *yaml.Node
}

// access is who may use an operation.
type access struct {
	scheme string // "" for everybody
	short  string
	long   string
}

func (o *operation) summary() string { return o.m.text(o.node, "summary") }

func newModel(root *yaml.Node) (*model, error) {
	m := &model{root: root}
	var problem error
	eachMember(m.at(root, "paths"), func(path string, item *yaml.Node) {
		eachMember(item, func(method string, node *yaml.Node) {
			if method == "parameters" {
				return
			}
			o, err := m.operation(path, method, item, node)
			if err != nil {
				problem = fmt.Errorf("%s %s: %w", method, path, err)
				return
			}
			m.operations = append(m.operations, o)
		})
	})
	return m, problem
}

func (m *model) operation(path, method string, item, node *yaml.Node) (*operation, error) {
	tags := m.list(node, "tags")
	if len(tags) != 1 {
		return nil, fmt.Errorf("%d tags", len(tags))
	}
	o := &operation{
		m: m, id: m.text(node, "operationId"), method: strings.ToUpper(method), path: path, tag: tags[0].Value, node: node, body: m.at(node, "requestBody"),
	}
	for _, p := range slices.Concat(m.list(item, "parameters"), m.list(node, "parameters")) {
		o.parameters = append(o.parameters, m.at(p))
	}
	responses := m.at(node, "responses")
	eachMember(responses, func(status string, n *yaml.Node) {
		o.responses = append(o.responses, response{status, refName(n), m.at(n)})
	})
	for _, before := range m.operations {
		if before.tag == o.tag && before.body == o.body && m.at(before.node, "responses") == responses {
			o.like = before
			break
		}
	}
	var err error
	o.access, err = m.access(node)
	return o, err
}

// access reads who may use an operation. The document says it in more ways than this
// reads; a test would notice a new one.
func (m *model) access(node *yaml.Node) (access, error) {
	list := m.list(node, "security")
	if len(list) == 0 {
		return access{"", "open to everybody", "Everybody may ask."}, nil
	}
	last := list[len(list)-1] // an operator's, where there is one
	if len(last.Content) == 0 {
		last = list[0]
	}
	scheme := last.Content[0].Value
	scope := ""
	if scopes := m.list(last, scheme); len(scopes) == 1 {
		scope = "`" + scopes[0].Value + "`"
	}
	const token = "Needs an access token with the scope "
	switch {
	case scheme == "clientBasic":
		return access{scheme, "an API key", "Needs client ID and secret of an API key, in the body or as HTTP Basic (RFC 6749 section 2.3.1)."}, nil
	case scheme == "accessToken":
		return access{scheme, "an access token", "Looks at the access token in `Authorization`, which the gateway's client has sent."}, nil
	case scheme == "operator" && scope != "" && len(list) == 2:
		return access{scheme, scope, token + scope + ", of an operator key, or of a merchant's API key for its own merchant and environment."}, nil
	case scheme == "operator" && scope != "":
		return access{scheme, scope + ", operators", token + scope + ", of an operator key."}, nil
	}
	return access{}, fmt.Errorf("what is the security scheme %s?", scheme)
}

func (m *model) tags() (names []*yaml.Node) {
	for _, tag := range m.list(m.root, "tags") {
		names = append(names, m.at(tag, "name"))
	}
	return names
}

// at returns the node at the end of a path of members, or nil: what aliases and
// references stand for.
func (m *model) at(n *yaml.Node, path ...string) *yaml.Node {
	n = m.resolve(n)
	for _, name := range path {
		n = m.resolve(find(n, name))
	}
	return n
}

func (m *model) resolve(n *yaml.Node) *yaml.Node {
	for n != nil {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
			continue
		}
		ref := find(n, "$ref")
		if ref == nil {
			break
		}
		n = find(m.root, strings.Split(strings.TrimPrefix(ref.Value, "#/"), "/")...)
	}
	return n
}

func (m *model) text(n *yaml.Node, path ...string) string {
	if n = m.at(n, path...); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}

func (m *model) list(n *yaml.Node, path ...string) []*yaml.Node {
	if n = m.at(n, path...); n != nil && n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return nil
}

// refName is the name of what a node refers to, "" where it is the thing itself.
func refName(n *yaml.Node) string {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if ref := find(n, "$ref"); ref != nil {
		return ref.Value[strings.LastIndexByte(ref.Value, '/')+1:]
	}
	return ""
}

// eachMember goes through a mapping in its order; nil has nothing in it.
func eachMember(n *yaml.Node, f func(name string, value *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f(n.Content[i].Value, n.Content[i+1])
	}
}

// content is the first of the forms that a body may have: what its type is, its
// schema and examples. nil for no body.
func (m *model) content(body *yaml.Node) *yaml.Node {
	types := m.at(body, "content")
	if types == nil || len(types.Content) < 2 {
		return nil
	}
	return m.at(types.Content[1])
}

// contentTypes are the forms that a body may have, as code.
func (m *model) contentTypes(body *yaml.Node) string {
	var names []string
	eachMember(m.at(body, "content"), func(name string, _ *yaml.Node) { names = append(names, "`"+name+"`") })
	return strings.Join(names, " or ")
}

// adminError is the schema of the errors that the endpoints of the admin API share.
// They are explained once, in the overview.
const adminError = "AdminError"

func (m *model) isAdminError(response *yaml.Node) bool {
	schema := find(m.content(response), "schema")
	return schema != nil && refName(schema) == adminError
}

// statuses are those that shared answers are sent with, by their names.
func (m *model) statuses() map[string]int {
	all := map[string]int{}
	for _, o := range m.operations {
		for _, r := range o.responses {
			if r.shared != "" {
				all[r.shared], _ = strconv.Atoi(r.status) // 0 has no name; a test would see that
			}
		}
	}
	return all
}
