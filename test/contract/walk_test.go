package contract

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"github.com/tokenwright/tokenwright/test/harness"
)

// walk is a server whose every answer is held against the document that it
// serves.
type walk struct {
	*harness.Server
	checker *Checker
}

// newWalk starts to check what the installation's client sends. The document is
// the one that s serves.
func newWalk(t *testing.T, s *harness.Server) *walk {
	t.Helper()
	checker, err := New(s.Get(t, s.URL+"/openapi.json").Body)
	if err != nil {
		t.Fatal(err)
	}
	checker.check(t, s)
	return &walk{s, checker}
}

// request is one request of a walk.
type request struct {
	method, path string // the path is below the base URL
	header       []string
	body         string
	status       int // that is expected; 0 for any
}

const (
	asForm  = "application/x-www-form-urlencoded"
	asJSON  = "application/json"
	tooLong = 64<<10 + 1
)

// do sends a request, and expects its status.
func (w *walk) do(t *testing.T, r request) *harness.Answer {
	t.Helper()
	req := harness.NewRequest(t, r.method, w.URL+r.path, r.body)
	for i := 0; i+1 < len(r.header); i += 2 {
		if req.Header.Add(r.header[i], r.header[i+1]); r.header[i] == "Basic" {
			req.Header.Del("Basic")
			id, secret, _ := strings.Cut(r.header[i+1], ":")
			req.SetBasicAuth(id, secret)
		}
	}
	a := w.Do(t, req)
	if a.Status != r.status && r.status != 0 {
		t.Errorf("%s %s: status %d, want %d: %s", r.method, r.path, a.Status, r.status, a.Body)
	}
	// The document cannot say that whoever has authenticated hears of the limit.
	if known := slices.Contains(r.header, "Authorization"); known && strings.HasPrefix(r.path, "/admin/") && a.Header.Get("X-RateLimit-Remaining") == "" {
		t.Errorf("%s %s: status %d, without the limit of requests", r.method, r.path, a.Status)
	}
	return a
}

// notMet is what of the document no test can bring about, by status; a rule
// names an operation, or "" for all, and why.
type notMet struct {
	operation string
	status    int
	why       string
}

// complete checks that the walk has met every answer that the document has, but
// those that are excused.
func (w *walk) complete(t *testing.T, excused []notMet) {
	t.Helper()
	used := make([]bool, len(excused))
	operations(w.checker.Model, func(method, path string, _ *v3.PathItem, o *v3.Operation) {
		for code := range o.Responses.Codes.FromOldest() {
			status, err := strconv.Atoi(code)
			if err != nil {
				t.Fatal(err)
			}
			met := w.checker.Met(Seen{o.OperationId, status})
			at := slices.IndexFunc(excused, func(e notMet) bool {
				return e.status == status && (e.operation == "" || e.operation == o.OperationId)
			})
			if at >= 0 {
				used[at] = used[at] || !met
			} else if !met {
				t.Errorf("%s (%s %s): no answer with status %d was met", o.OperationId, method, path, status)
			}
		}
	})
	for i, e := range excused {
		if !used[i] {
			t.Errorf("%s, status %d, is met: take it out of the excuses", e.operation, e.status)
		}
	}
}

func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

func formOf(key harness.APIKey, more string) string {
	return fmt.Sprintf("client_id=%s&client_secret=%s%s", key.ClientID, key.ClientSecret, more)
}

// check holds against the document what is sent by the client of s, until the
// test ends.
func (c *Checker) check(t *testing.T, s *harness.Server) {
	plain := s.Client
	t.Cleanup(func() { s.Client = plain })
	checked := *plain
	checked.Transport = c.Transport(plain.Transport, true, func(problem string) { t.Error(problem) })
	s.Client = &checked
}

// aMasterKey is for nodes that never need it.
const aMasterKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// everything is a path for each operation of the document, by method, with the
// examples of its parameters.
func (w *walk) everything() map[string][]string {
	all := map[string][]string{}
	operations(w.checker.Model, func(method, path string, item *v3.PathItem, o *v3.Operation) {
		query := ""
		for _, p := range append(slices.Clone(item.Parameters), o.Parameters...) {
			switch {
			case p.In == "path":
				path = strings.ReplaceAll(path, "{"+p.Name+"}", p.Example.Value)
			case p.In == "query" && p.Required != nil && *p.Required:
				query += "&" + p.Name + "=" + p.Example.Value
			}
		}
		all[method] = append(all[method], strings.TrimSuffix(path+"?"+strings.TrimPrefix(query, "&"), "?"))
	})
	return all
}
