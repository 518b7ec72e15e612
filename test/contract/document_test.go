package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// operations calls f for each operation of a document.
func operations(m *v3.Document, f func(method, path string, item *v3.PathItem, o *v3.Operation)) {
	for path, item := range m.Paths.PathItems.FromOldest() {
		for method, o := range item.GetOperations().FromOldest() {
			f(strings.ToUpper(method), path, item, o)
		}
	}
}

// C-381
func TestTheDocumentIsOpenAPI31(t *testing.T) {
	doc, err := libopenapi.NewDocument(in().document)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.GetVersion(), "3.1.") {
		t.Errorf("it is OpenAPI %s", doc.GetVersion())
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, problems := v.ValidateDocument(); !ok {
		for _, p := range problems {
			t.Errorf("%s: %s %v", p.Message, p.Reason, p.SchemaValidationErrors)
		}
	}
}

// C-381
func TestEveryOperationIsDescribed(t *testing.T) {
	ids, tags := map[string]bool{}, map[string]bool{}
	for _, tag := range in().checker.Model.Tags {
		if tags[tag.Name] = true; tag.Description == "" {
			t.Errorf("the tag %s has no description", tag.Name)
		}
	}
	operations(in().checker.Model, func(method, path string, item *v3.PathItem, o *v3.Operation) {
		what := method + " " + path
		if !regexp.MustCompile(`^[a-z][A-Za-z]+$`).MatchString(o.OperationId) || ids[o.OperationId] {
			t.Errorf("%s: operationId %q", what, o.OperationId)
		}
		ids[o.OperationId] = true
		if o.Summary == "" || strings.HasSuffix(o.Summary, ".") || o.Description == "" || len(o.Tags) != 1 || !tags[o.Tags[0]] {
			t.Errorf("%s: summary %q, description %q, tags %v", what, o.Summary, o.Description, o.Tags)
		}
		for _, p := range append(slices.Clone(item.Parameters), o.Parameters...) {
			if p.Description == "" || p.Schema == nil || p.Example == nil && p.Name != "cursor" {
				t.Errorf("%s: the parameter %s lacks a description, a schema or an example", what, p.Name)
			}
		}
		for status, r := range o.Responses.Codes.FromOldest() {
			if r.Description == "" || r.Headers.GetOrZero("X-Request-Id") == nil {
				t.Errorf("%s: %s lacks a description or X-Request-Id", what, status)
			}
			if status >= "400" && !saysSchema(r) {
				t.Errorf("%s: %s has no schema", what, status)
			}
		}
		if strings.HasPrefix(path, "/admin/") {
			checkScopes(t, what, o)
		}
	})
}

func saysSchema(r *v3.Response) bool {
	for _, m := range r.Content.FromOldest() {
		return m.Schema != nil
	}
	return false
}

// checkScopes checks that an operation of the admin API names one scope, the
// same for operators and, where they may, for merchants.
func checkScopes(t *testing.T, what string, o *v3.Operation) {
	t.Helper()
	named := map[string]bool{}
	for _, requirement := range o.Security {
		for scheme, scopes := range requirement.Requirements.FromOldest() {
			flows := in().checker.Model.Components.SecuritySchemes.GetOrZero(scheme).Flows
			for _, scope := range scopes {
				if named[scope] = true; flows == nil || flows.ClientCredentials.Scopes.GetOrZero(scope) == "" {
					t.Errorf("%s: %s has no scope %s", what, scheme, scope)
				}
			}
		}
	}
	if len(named) != 1 {
		t.Errorf("%s: its scopes are %v", what, named)
	}
}

// C-381: whoever reads the reference finds a sentence beside each member.
func TestEveryMemberIsDescribed(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(in().document, &doc); err != nil {
		t.Fatal(err)
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	described := func(schema any) bool {
		s := schema.(map[string]any)
		if ref, ok := s["$ref"].(string); ok && s["description"] == nil {
			s = schemas[strings.TrimPrefix(ref, "#/components/schemas/")].(map[string]any)
		}
		return s["description"] != nil
	}
	each(doc, "", func(path string, object map[string]any) {
		properties, ok := object["properties"].(map[string]any)
		if !ok || strings.HasSuffix(path, "/properties") {
			return
		}
		for name, schema := range properties {
			if !described(schema) {
				t.Errorf("%s: the member %s has no description", path, name)
			}
		}
	})
}

// each calls f for each object in a value of JSON.
func each(value any, path string, f func(path string, object map[string]any)) {
	switch v := value.(type) {
	case map[string]any:
		f(path, v)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			each(v[name], path+"/"+name, f)
		}
	case []any:
		for i, item := range v {
			each(item, fmt.Sprintf("%s/%d", path, i), f)
		}
	}
}

// C-381
func TestNoComponentIsUnused(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(in().document, &doc); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	each(doc, "", func(_ string, object map[string]any) {
		if ref, ok := object["$ref"].(string); ok {
			used[ref] = true
		}
		if list, ok := object["security"].([]any); ok {
			for _, requirement := range list {
				for name := range requirement.(map[string]any) {
					used["#/components/securitySchemes/"+name] = true
				}
			}
		}
	})
	for kind, list := range doc["components"].(map[string]any) {
		for name := range list.(map[string]any) {
			if ref := "#/components/" + kind + "/" + name; !used[ref] {
				t.Errorf("%s is used nowhere", ref)
			}
		}
	}
}

// C-381: what is shown as an example would be taken, or could be the answer.
func TestEveryExampleFits(t *testing.T) {
	v := schema_validation.NewSchemaValidator()
	examples := 0
	media := func(what string, m *v3.MediaType) {
		if m == nil || m.Schema == nil {
			return
		}
		check := func(name string, value any) {
			examples++
			if ok, errs := v.ValidateSchemaObject(m.Schema.Schema(), value); !ok {
				t.Errorf("%s %s: %v", what, name, told("the example does not fit", errs))
			}
		}
		if m.Example != nil {
			var value any
			if err := m.Example.Decode(&value); err != nil {
				t.Fatal(err)
			}
			check("", value)
		}
		for name, e := range m.Examples.FromOldest() {
			var value any
			if err := e.Value.Decode(&value); err != nil {
				t.Fatal(err)
			}
			check(name, value)
		}
	}
	operations(in().checker.Model, func(method, path string, _ *v3.PathItem, o *v3.Operation) {
		if o.RequestBody != nil {
			for kind, m := range o.RequestBody.Content.FromOldest() {
				media(method+" "+path+" "+kind, m)
			}
		}
		for status, r := range o.Responses.Codes.FromOldest() {
			for kind, m := range r.Content.FromOldest() {
				media(method+" "+path+" "+status+" "+kind, m)
			}
		}
	})
	if examples < 100 {
		t.Errorf("only %d examples were found", examples)
	}
}
