package oauthapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/strictjson"
)

// answer is what came back.
type answer struct {
	*installation
	status int
	header http.Header
	body   string
}

// refused fails the test unless the answer is the whole and exact one of
// reason, with everything that every refusal has (C-004, C-020, C-032).
func (a *answer) refused(reason string) {
	a.Helper()
	kind, cause := causeOf(a.TB, reason)
	status := kind.Status
	if cause.Status != 0 {
		status = cause.Status
	}
	want := map[string]string{
		"error": kind.Code, "error_description": cause.Description, "error_uri": base + "/docs/errors#" + kind.Code,
		"code": strconv.Itoa(status), "message": cause.Description,
	}
	got := map[string]string{}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || len(got) != len(want) {
		a.Fatalf("got body %s, want the five members of reason %s", a.body, reason)
	}
	for name := range want {
		if got[name] != want[name] {
			a.Errorf("reason %s: got %s %q, want %q", reason, name, got[name], want[name])
		}
	}
	if a.status != status {
		a.Errorf("reason %s: got status %d, want %d", reason, a.status, status)
	}
	a.wantHeader("Content-Type", "application/json")
	a.wantHeader("Cache-Control", "no-store")
	a.wantHeader("Pragma", "no-cache")
	a.wantHeader("WWW-Authenticate", map[int]string{401: `Basic realm="tokenwright"`}[status])
	switch reason {
	case string(authority.RateLimited), reasonFailuresOfID, reasonFailuresHere: // until their window ends
		if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 || wait > 300 {
			a.Errorf("reason %s: got Retry-After %q", reason, a.header["Retry-After"])
		}
	default:
		a.wantHeader("Retry-After", map[int]string{429: "5", 503: "5"}[status])
	}
}

// causeOf finds a reason in the table of errors.
func causeOf(t testing.TB, reason string) (Kind, Cause) {
	t.Helper()
	for _, kind := range Errors("tw") {
		for _, cause := range kind.Causes {
			if slices.Contains(cause.Reasons, reason) {
				return kind, cause
			}
		}
	}
	t.Fatalf("reason %q is not in the table of errors", reason)
	return Kind{}, Cause{}
}

// wantHeader fails unless the header stands there exactly once, or, with "",
// not at all.
func (a *answer) wantHeader(name, want string) {
	a.Helper()
	got := a.header.Values(name)
	if want == "" && len(got) == 0 || len(got) == 1 && got[0] == want {
		return
	}
	a.Errorf("got header %s %q, want %q", name, got, want)
}

// object reads the body, strictly.
func (a *answer) object() strictjson.Object {
	a.Helper()
	o, err := strictjson.ParseObject(a.body)
	if err != nil {
		a.Fatalf("got body %s: %v", a.body, err)
	}
	return o
}

func text(o strictjson.Object, name string) string {
	v, _ := o.Get(name)
	s, _ := v.Text()
	return s
}
