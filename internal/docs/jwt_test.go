package docs

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// C-500: the debugger may ask whoever has signing keys of this server, and nobody else;
// the base URL too, for a reader who came by another name of the server.
func TestTheDebuggerMayAskIssuersAlone(t *testing.T) {
	c := testConfig()
	c.Platform = Environment{Name: "platform", Issuer: c.BaseURL + "/platform", Audience: c.BaseURL + "/admin"}
	w := send(newMux(t, c), "GET", "/docs/jwt")
	want := strings.Replace(policy, "connect-src 'self'", "connect-src 'self' https://id.acme.test https://live.acme.test", 1)
	if got := w.Header().Get("Content-Security-Policy"); got != want {
		t.Errorf("the policy is %s\nwant %s", got, want)
	}
	var issuers []string
	for _, found := range regexp.MustCompile(`data-issuer="([^"]+)"`).FindAllStringSubmatch(w.Body.String(), -1) {
		issuers = append(issuers, found[1])
	}
	if want := []string{"https://id.acme.test/test", "https://live.acme.test", "https://id.acme.test/platform"}; !slices.Equal(issuers, want) {
		t.Errorf("the issuers are %q, want %q", issuers, want)
	}
	if !strings.Contains(w.Body.String(), `data-prefix="acme"`) {
		t.Error("the prefix of client secrets is not told")
	}
}

// C-501: whatever the script finds, the page has words for, and a link to more.
func TestTheDebuggerHasWordsForEveryProblem(t *testing.T) {
	mux := newMux(t, testConfig())
	page := get(t, mux, "/docs/jwt")
	script := get(t, mux, regexp.MustCompile(`/docs/static/[^"]+/jwt\.js`).FindString(page))
	order := regexp.MustCompile(`(?s)const order = \[(.*?)\];`).FindStringSubmatch(script)
	if order == nil {
		t.Fatal("the script has no order of problems")
	}
	var found []string
	for _, name := range regexp.MustCompile(`"([a-z-]+)"`).FindAllStringSubmatch(order[1], -1) {
		found = append(found, name[1])
	}
	reasons := regexp.MustCompile(`\["((?:[a-z-]+", ")+[a-z-]+)"\]\.includes\(state\)\) add\("unchecked"`).FindStringSubmatch(script)
	if len(found) < 25 || reasons == nil {
		t.Fatalf("of %d problems it is not told why a signature is not checked", len(found))
	}
	found = slices.DeleteFunc(found, func(name string) bool { return name == "unchecked" })
	for _, reason := range strings.Split(reasons[1], `", "`) {
		found = append(found, "unchecked-"+reason)
	}
	var written []string
	for _, problem := range regexp.MustCompile(`<template id="jwt-problem-([a-z-]+)">(<strong.*)</template>`).FindAllStringSubmatch(page, -1) {
		written = append(written, problem[1])
		if !strings.Contains(problem[2], "<a href=") && problem[1] != "unchecked-loading" {
			t.Errorf("the problem %s leads nowhere", problem[1])
		}
	}
	slices.Sort(found)
	slices.Sort(written)
	if !slices.Equal(found, written) {
		t.Errorf("the script finds %q\nthe page has words for %q", found, written)
	}
}

// C-501: what the page says that an API answers, APIs answer.
func TestTheDebuggerQuotesTheErrorsPage(t *testing.T) {
	mux := newMux(t, testConfig())
	errors := get(t, mux, "/docs/errors.md")
	quotes := regexp.MustCompile(`answers <a href="/docs/errors#invalid_token">([^<]+)</a>`).FindAllStringSubmatch(get(t, mux, "/docs/jwt"), -1)
	if len(quotes) < 15 {
		t.Errorf("%d answers are quoted", len(quotes))
	}
	for _, quote := range quotes {
		if !strings.Contains(errors, "| `"+quote[1]+"` |") {
			t.Errorf("no API answers %q", quote[1])
		}
	}
}
