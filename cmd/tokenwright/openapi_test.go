package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/adminapi"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/console"
	"github.com/tokenwright/tokenwright/internal/forwardauth"
	"github.com/tokenwright/tokenwright/internal/store"
)

// beforeMux are the routes that no mux knows, as the document writes them.
var beforeMux = []string{forwardauth.Path, forwardauth.Path + "/{policy}", "/healthz", "/readyz"}

// undocumented are routes that are no part of what anybody programs against.
var undocumented = []string{"/docs.md", "/docs/", "/docs/static/", "/docs/search.json", "GET /{$}", adminapi.Root, adminapi.Root + "/"}

// asDocumented rewrites what a pattern of a mux cannot say.
var asDocumented = strings.NewReplacer("/jwks/{file}", "/jwks/{kid}.pem")

// documentedPath is how the document writes a pattern of a mux.
func documentedPath(path string) string {
	path = asDocumented.Replace(path)
	for _, env := range []string{"demo", "production", authority.Platform} {
		if rest, ok := strings.CutPrefix(path, "/"+env+"/"); ok {
			path = "/{env}/" + rest
		}
		path = strings.TrimSuffix(path, "-server/"+env)
	}
	if strings.HasSuffix(path, "oauth-authorization") {
		path += "-server/{env}"
	}
	if strings.HasPrefix(path, "/docs/") {
		path = "/docs/{page}"
	}
	return path
}

// routes are those of a node on an empty data directory, and the document that
// it serves: methods by path.
type routes struct {
	mux      *http.ServeMux
	patterns []string
	document map[string][]string
}

func routesOf(t *testing.T) routes {
	t.Helper()
	a := &app{stdout: io.Discard, stderr: io.Discard, config: defaultConfig()}
	a.config.Data, a.config.URL = t.TempDir(), "http://localhost:8080"
	a.config.Database = "sqlite:" + filepath.Join(a.config.Data, "tokenwright.db")
	n := &node{app: a, registry: prometheus.NewRegistry(), logger: slog.New(slog.DiscardHandler)}
	auth, st, err := a.openServing(t.Context(), store.Options{Create: true}, n.logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	o := &openNode{auth: auth, store: st, leaks: n.leaksOf(auth)}
	o.webhooks = n.dispatcher(o)
	r := routes{mux: http.NewServeMux(), document: map[string][]string{}}
	if _, err := n.register(o, func(pattern string, h http.Handler) {
		r.mux.Handle(pattern, h)
		pages := pattern == console.Root || strings.HasPrefix(pattern, console.Root+"/") // for people, who read no such document
		if !pages && !slices.Contains(undocumented, pattern) {
			r.patterns = append(r.patterns, pattern)
		}
	}); err != nil {
		t.Fatal(err)
	}
	var doc struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(r.ask(http.MethodGet, "/openapi.json").Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths {
		for member := range item {
			if member != "parameters" {
				r.document[path] = append(r.document[path], strings.ToUpper(member))
			}
		}
	}
	return r
}

// C-210: every surface, also of a node that waits for its database, and none of what
// gateways hand on to hosts of others.
func TestOverHTTPSBrowsersStayThere(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]string{"at work": "", "waiting": "TOKENWRIGHT_DATABASE=postgres://nobody@127.0.0.1:1/nothing"} {
		for url, strict := range map[string]string{"https://auth.example.com": "max-age=31536000", "http://localhost:8080": ""} {
			s := serveAt(t, url, "TOKENWRIGHT_DATA="+t.TempDir(), database, masterKey(1))
			s.answers(t, "/healthz", http.StatusOK)
			for _, path := range []string{forwardauth.Path, "/", "/console", "/docs", "/docs/nothing", "/llms.txt", "/openapi.json", "/oauth/token", adminapi.Root, "/nothing", "//",
				"/healthz", "/readyz"} {
				want := strict
				if path == forwardauth.Path {
					want = ""
				}
				if got := s.ask(t, path).Header.Get("Strict-Transport-Security"); got != want {
					t.Errorf("%s, %s%s: Strict-Transport-Security is %q, want %q", name, url, path, got, want)
				}
			}
			s.stop()
			<-s.ended
		}
	}
}

func TestTheAddressOfTheServerLeadsToItsDocumentation(t *testing.T) {
	r := routesOf(t)
	if w := r.ask(http.MethodGet, "/"); w.Code != http.StatusFound || w.Header().Get("Location") != "/docs" {
		t.Errorf("it answers %d, and leads to %q", w.Code, w.Header().Get("Location"))
	}
}

func (r *routes) ask(method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

// C-382
func TestEveryRouteIsInTheOpenAPIDocumentAndTheReverse(t *testing.T) {
	r := routesOf(t)
	served := map[string]bool{} // "GET /path", or "/path" where the handler looks at the method
	for _, pattern := range append(r.patterns, beforeMux...) {
		if method, path, found := strings.Cut(pattern, " "); found {
			served[method+" "+documentedPath(path)] = true
		} else {
			served[documentedPath(pattern)] = true
		}
	}
	documented := map[string]bool{}
	for path, methods := range r.document {
		documented[path] = true
		for _, method := range methods {
			documented[method+" "+path] = true
			if !served[path] && !served[method+" "+path] {
				t.Errorf("the document has %s %s, which is not served", method, path)
			}
		}
	}
	for route := range served {
		if !documented[route] {
			t.Errorf("%s is served and not in the document", route)
		}
	}
}

// C-382: where the handler looks at the method, it takes those of the document.
func TestEveryRouteTakesTheMethodsOfTheOpenAPIDocument(t *testing.T) {
	r := routesOf(t)
	for _, pattern := range r.patterns {
		if strings.Contains(pattern, " ") {
			continue // the mux looks at it
		}
		path := regexp.MustCompile(`\{\w+\}`).ReplaceAllString(pattern, "x")
		w := r.ask("PROPFIND", path)
		allow := strings.Split(w.Header().Get("Allow"), ", ")
		if slices.Contains(allow, http.MethodGet) { // HEAD goes without saying
			allow = slices.DeleteFunc(allow, func(method string) bool { return method == http.MethodHead })
		}
		want := slices.Clone(r.document[documentedPath(pattern)])
		slices.Sort(want)
		slices.Sort(allow)
		if w.Code != http.StatusMethodNotAllowed || !slices.Equal(allow, want) {
			t.Errorf("%s: status %d, Allow %v, want %v", pattern, w.Code, allow, want)
		}
	}
}

// C-382: who may use an endpoint is said as it is held.
func TestTheOpenAPIDocumentNamesTheScopeOfEveryAdminEndpoint(t *testing.T) {
	r := routesOf(t)
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(r.ask(http.MethodGet, "/openapi.json").Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for _, route := range adminapi.Routes() {
		var operation struct{ Security []map[string][]string }
		if err := json.Unmarshal(doc.Paths[adminapi.Root+route.Path][strings.ToLower(route.Method)], &operation); err != nil {
			t.Fatalf("%s %s: %v", route.Method, route.Path, err)
		}
		want := []map[string][]string{{"merchant": {route.Scope}}, {"operator": {route.Scope}}}
		if route.Operators {
			want = want[1:]
		}
		if !reflect.DeepEqual(operation.Security, want) {
			t.Errorf("%s %s: the document says %v, want %v", route.Method, route.Path, operation.Security, want)
		}
	}
}
