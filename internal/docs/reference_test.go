package docs

import (
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// spec is the OpenAPI document as any program reads it.
type spec map[string]any

// in follows a path of members, and references.
func (s spec) in(v any, path ...string) any {
	for {
		if object, ok := v.(map[string]any); ok {
			if ref, ok := object["$ref"].(string); ok {
				v = s.in(map[string]any(s), strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
				continue
			}
		}
		if len(path) == 0 {
			return v
		}
		object, _ := v.(map[string]any)
		v, path = object[path[0]], path[1:]
	}
}

// members are the names of all that a schema holds, errors of the admin API aside.
func (s spec) members(v any, into map[string]bool) {
	object, _ := s.in(v).(map[string]any)
	properties, _ := object["properties"].(map[string]any)
	for name, value := range properties {
		into[name] = true
		s.members(value, into)
	}
	for _, several := range []string{"allOf", "oneOf", "anyOf"} {
		list, _ := object[several].([]any)
		for _, one := range list {
			s.members(one, into)
		}
	}
	if items := object["items"]; items != nil {
		s.members(items, into)
	}
}

type specOperation struct {
	method, path, id, tag, summary string
	parameters, statuses           []string
	members                        map[string]bool
}

func (s spec) operations() (all []specOperation) {
	for path, item := range s.in(map[string]any(s), "paths").(map[string]any) {
		item := item.(map[string]any)
		for method, v := range item {
			if method == "parameters" {
				continue
			}
			o := specOperation{method: strings.ToUpper(method), path: path, members: map[string]bool{}}
			o.id, o.summary = s.in(v, "operationId").(string), s.in(v, "summary").(string)
			o.tag = s.in(v, "tags").([]any)[0].(string)
			for _, from := range []any{item["parameters"], s.in(v, "parameters")} {
				list, _ := from.([]any)
				for _, p := range list {
					o.parameters = append(o.parameters, s.in(p, "name").(string))
				}
			}
			bodies := []any{s.in(v, "requestBody")}
			for status, answer := range s.in(v, "responses").(map[string]any) {
				o.statuses = append(o.statuses, status)
				if status < "400" {
					bodies = append(bodies, s.in(answer))
				}
			}
			for _, body := range bodies {
				content, _ := s.in(body, "content").(map[string]any)
				for _, form := range content {
					s.members(s.in(form, "schema"), o.members)
				}
			}
			all = append(all, o)
		}
	}
	return all
}

func specOf(t *testing.T, mux http.Handler) (s spec) {
	t.Helper()
	if err := json.Unmarshal([]byte(get(t, mux, "/openapi.json")), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// sectionsOf are the sections of a page of the reference, by the id of their heading.
func sectionsOf(page string) map[string]string {
	all := map[string]string{}
	at := regexp.MustCompile(`<h2 id="([^"]+)">[^\n]*class="anchor"`).FindAllStringSubmatchIndex(page, -1)
	for i, m := range at {
		end := len(page)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		all[page[m[2]:m[3]]] = page[m[0]:end]
	}
	return all
}

// C-505
func TestEveryOperationIsInTheReferenceAndTheReverse(t *testing.T) {
	mux := newMux(t, testConfig())
	overview := get(t, mux, "/docs/reference")
	operations := specOf(t, mux).operations()
	if len(operations) < 50 {
		t.Fatalf("the document has %d operations", len(operations))
	}
	known := map[string][]string{} // by page
	for _, o := range operations {
		path := "/docs/reference/" + strings.ReplaceAll(strings.ToLower(o.tag), " ", "-")
		known[path] = append(known[path], o.id)
		page := strings.ReplaceAll(get(t, mux, path), "<wbr>", "") // where long names may be broken
		sections := sectionsOf(page)
		section := sections[o.id]
		lacks := func(what string) { t.Errorf("%s: the section of %s lacks %s", path, o.id, what) }
		if !strings.Contains(overview, `href="`+path+`#`+o.id+`"`) {
			t.Errorf("the overview does not list %s", o.id)
		}
		for _, want := range append(slices.Clone(o.parameters), o.method+" "+o.path) {
			if !strings.Contains(section, "<code>"+html.EscapeString(want)+"</code>") {
				lacks(want)
			}
		}
		if !strings.Contains(section, html.EscapeString(o.summary)) || !strings.Contains(section, "curl -sS") {
			lacks("its summary or its sample")
		}
		if like := regexp.MustCompile(`are those of <a href="#(\w+)">`).FindStringSubmatch(section); like != nil {
			section = sections[like[1]]
		}
		for _, status := range o.statuses {
			if !strings.Contains(section, "<code>"+status+"</code>") {
				lacks("the status " + status)
			}
		}
		for name := range o.members {
			if !strings.Contains(page, "<li><code>"+name+"</code> <em>") {
				lacks("the member " + name)
			}
		}
	}
	for path, ids := range known {
		for id := range sectionsOf(get(t, mux, path)) {
			if id != "objects" && !slices.Contains(ids, id) {
				t.Errorf("%s has a section %s, which is no operation of the document", path, id)
			}
		}
	}
	for _, p := range newSite(t, testConfig()).pages {
		if p.tag != "" && known[p.Path] == nil {
			t.Errorf("%s has no operation", p.Path)
		}
	}
	pages := slices.Sorted(maps.Keys(known))
	if len(pages) < 10 {
		t.Errorf("pages: %v", pages)
	}
}

// C-505
func TestTheReferenceIsThatOfTheInstallation(t *testing.T) {
	mux := newMux(t, testConfig())
	page := get(t, mux, "/docs/reference/access-tokens.md")
	for _, want := range []string{"One of `test`, `platform`.", "'https://id.acme.test/test/oauth/introspect'", "^acmec_", `"env": "test"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the reference lacks %s", want)
		}
	}
	form := get(t, mux, "/docs/reference/access-tokens")
	// That of live is at another host, which takes no request from here.
	if got := regexp.MustCompile(`<option>[^<]*</option>`).FindAllString(form, -1); !slices.Equal(got, []string{"<option>/oauth/token</option>", "<option>/test/oauth/token</option>", "<option>/platform/oauth/token</option>"}) {
		t.Errorf("the form offers %v", got)
	}
	if strings.Contains(form, ` name="client`) {
		t.Error("a field of the form has a name, so that a browser may send it")
	}
}

// C-508
func TestTheExplorerIsServedFromHereAlone(t *testing.T) {
	mux := newMux(t, testConfig())
	page := send(mux, "GET", explorer.Path)
	want := strings.NewReplacer("style-src 'self'", "style-src 'self' 'unsafe-inline'", "connect-src 'self'", "connect-src 'self' https://id.acme.test https://live.acme.test").Replace(policy)
	if got := page.Header().Get("Content-Security-Policy"); page.Code != http.StatusOK || got != want {
		t.Errorf("status %d, policy %q, want %q", page.Code, got, want)
	}
	checkTags(t, explorer.Path, page.Body.String())
	for _, link := range regexp.MustCompile(`\s(?:href|src|data-document)="([^"]*)"`).FindAllStringSubmatch(page.Body.String(), -1) {
		get(t, mux, link[1])
	}
	if !strings.Contains(get(t, mux, "/docs/reference"), `<a href="`+explorer.Path+`">Explorer</a>`) {
		t.Error("the navigation does not lead to it")
	}
	if w := send(mux, "POST", explorer.Path); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", w.Code)
	}
}
