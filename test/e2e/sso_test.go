package e2e

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// visitor is a browser without script: it keeps cookies, by host and port, and
// follows redirects, and pages that lead on.
type visitor struct {
	t       *testing.T
	base    string
	client  *http.Client
	cookies map[string]map[string]string
	// before is called with each URL that the browser is about to be led to; where
	// it returns another one, the browser goes there.
	before func(*url.URL) *url.URL
}

func newVisitor(t *testing.T, in *harness.Installation) *visitor {
	return &visitor{t: t, base: in.URL, cookies: map[string]map[string]string{}, client: &http.Client{
		Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// screen is what the visitor has before it.
type screen struct {
	status int
	url    *url.URL
	text   string
}

// get goes to a page; post sends a form, as from a page of the same host.
func (v *visitor) get(address string) *screen { return v.send(http.MethodGet, address, nil) }

func (v *visitor) post(address string, form url.Values) *screen {
	return v.send(http.MethodPost, address, form)
}

var refresh = regexp.MustCompile(`^0; url=(.+)$`)

// send goes on until a page is shown that leads nowhere.
func (v *visitor) send(method, address string, form url.Values) *screen {
	v.t.Helper()
	u, err := url.Parse(v.base)
	if err == nil {
		u, err = u.Parse(address)
	}
	for range 20 {
		if err != nil {
			v.t.Fatal(err)
		}
		if v.before != nil {
			u = v.before(u)
		}
		resp, body := v.once(method, u, form)
		to := resp.Header.Get("Location")
		if m := refresh.FindStringSubmatch(resp.Header.Get("Refresh")); m != nil {
			to = m[1]
		}
		if to == "" {
			return &screen{resp.StatusCode, u, body}
		}
		u, err = u.Parse(to)
		method, form = http.MethodGet, nil
	}
	v.t.Fatalf("%s leads round and round", address)
	return nil
}

func (v *visitor) once(method string, u *url.URL, form url.Values) (*http.Response, string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", u.Scheme+"://"+u.Host)
	}
	for name, value := range v.cookies[u.Host] {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	resp, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		v.keep(u.Host, c)
	}
	return resp, string(body)
}

func (v *visitor) keep(host string, c *http.Cookie) {
	if v.cookies[host] == nil {
		v.cookies[host] = map[string]string{}
	}
	if c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Before(time.Now()) {
		delete(v.cookies[host], c.Name)
		return
	}
	v.cookies[host][c.Name] = c.Value
}

// own is the visitor's cookie of that name at the console; "" for none.
func (v *visitor) own(name string) string {
	return v.cookies[strings.TrimPrefix(v.base, "http://")][name]
}

var (
	formAction  = regexp.MustCompile(`<form[^>]* action="(http://127[^"]+)"`)
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// signInAt fills in the provider's form, and agrees to what it asks then: consent, or
// that somebody else is signed out.
func (v *visitor) signInAt(idp *harness.IdP, page *screen, name string) *screen {
	v.t.Helper()
	for step := 0; strings.HasPrefix(page.url.String(), idp.Issuer) && step < 4; step++ {
		action := formAction.FindStringSubmatch(page.text)
		if action == nil {
			v.t.Fatalf("the provider shows no form, but %d:\n%s", page.status, page.text)
		}
		form := url.Values{}
		for _, field := range hiddenField.FindAllStringSubmatch(page.text, -1) {
			form.Set(field[1], html.UnescapeString(field[2]))
		}
		if strings.Contains(page.text, `name="login"`) {
			form.Set("login", name)
			form.Set("password", "x")
		}
		page = v.post(html.UnescapeString(action[1]), form)
	}
	return page
}

// button presses "Continue with Example Corp" on a page that has it.
func (v *visitor) button(page string, form url.Values) *screen {
	v.t.Helper()
	if shown := v.get(page); !strings.Contains(shown.text, "Continue with Example Corp") {
		v.t.Fatalf("the page %s has no such button:\n%s", page, shown.text)
	}
	return v.post("/console/sso/corp", form)
}

// wants holds what the visitor has before it.
func (s *screen) wants(t *testing.T, status int, path, text string) {
	t.Helper()
	if s.status != status || s.url.Path != path || !strings.Contains(s.text, text) {
		t.Fatalf("got %d at %s, want %d at %s and %q:\n%s", s.status, s.url, status, path, text, s.text)
	}
}

const callback = "/console/sso/callback"

// C-474, C-475, C-476, C-477: people come in by a real provider, and by nothing
// that only looks like its answer.
func TestPeopleSignInAtARealProvider(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	idp := harness.NewIdP(t, in)
	in.Configure(t, idp.Config())
	s := in.Start(t) // the provider is down
	link, token := s.SetUpLink(t)
	olga := newVisitor(t, in)
	setUp := url.Values{"token": {token}, "name": {"Olga"}, "email": {"olga@example.com"}}
	olga.button(link, setUp).wants(t, http.StatusServiceUnavailable, "/console/sso/corp", "Example Corp does not answer")

	idp.Start(t, true)
	var page *screen
	harness.Eventually(t, 10*time.Second, "the provider is found", func() bool {
		time.Sleep(200 * time.Millisecond) // forms of an address are counted
		page = olga.button(link, setUp)
		return page.status == http.StatusOK
	})
	olga.signInAt(idp, page, "olga").wants(t, http.StatusOK, "/console/merchants", "Operator of the platform")
	harness.NoteSecret(olga.own("__Host-tokenwright"))

	returns(t, idp, olga)
	confirms(t, idp, olga)
	stays(t, idp, in)
	attacks(t, idp, s)

	idp.Stop()
	idp.Start(t, false)
	insistsOnPKCE(t, idp, in, http.StatusBadRequest, "The answer of Example Corp does not fit")
	if events := in.CLI(t, "event", "list", "-o", "json"); !strings.Contains(events, `"sso:corp"`) || strings.Contains(events, "olga@") {
		t.Errorf("the events are\n%s", events)
	}
}

// returns: who signs out comes in again without a password, for the provider knows
// it still.
func returns(t *testing.T, idp *harness.IdP, olga *visitor) {
	t.Helper()
	before := olga.own("__Host-tokenwright")
	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(olga.get("/console/merchants").text)
	olga.post("/console/sign-out", url.Values{"csrf": {csrf[1]}}).wants(t, http.StatusOK, "/console/sign-in", "You have signed out")
	page := olga.button("/console/sign-in", url.Values{"next": {"/console/merchants?after=x"}})
	if strings.Contains(page.text, `name="login"`) {
		t.Error("the provider has forgotten who it is")
	}
	page = olga.signInAt(idp, page, "")
	if page.url.RequestURI() != "/console/merchants?after=x" || olga.own("__Host-tokenwright") == before {
		t.Errorf("signing in leads to %s", page.url)
	}
}

// confirms: a confirmation wants a new proof, of the same person.
func confirms(t *testing.T, idp *harness.IdP, olga *visitor) {
	t.Helper()
	before := olga.own("__Host-tokenwright")
	for name, wants := range map[string]struct {
		status     int
		path, text string
	}{
		"mallory": {http.StatusForbidden, callback, "That was somebody else"},
		"olga":    {http.StatusOK, "/console/merchants", "You have confirmed that it is you"},
	} {
		page := olga.post("/console/sso/corp", url.Values{"for": {"confirm"}, "next": {"/console/merchants"}})
		if !strings.Contains(page.text, `name="login"`) {
			t.Errorf("the provider does not ask anew, but shows\n%s", page.text)
		}
		olga.signInAt(idp, page, name).wants(t, wants.status, wants.path, wants.text)
	}
	if olga.own("__Host-tokenwright") == before {
		t.Error("the session goes on under the same token")
	}
}

// stays: who is nobody's user, or stops at the provider, stays outside.
func stays(t *testing.T, idp *harness.IdP, in *harness.Installation) {
	t.Helper()
	v := newVisitor(t, in)
	v.signInAt(idp, v.button("/console/sign-in", nil), "olga@example.com").wants(t, http.StatusConflict, callback, "Nobody has connected this identity with an account")
	page := newVisitor(t, in)
	login := page.button("/console/sign-in", nil)
	abort := regexp.MustCompile(`http://127[^"]+/abort`).FindString(login.text)
	page.get(abort).wants(t, http.StatusForbidden, callback, "Example Corp has not let you in")
	if v.own("__Host-tokenwright")+page.own("__Host-tokenwright") != "" {
		t.Error("a session has begun")
	}
}

// attacks: an answer is of use once, to whom it was for.
func attacks(t *testing.T, idp *harness.IdP, s *harness.Server) {
	t.Helper()
	v, thief := newVisitor(t, s.Installation), newVisitor(t, s.Installation)
	var answer, code, kept string
	v.before = func(u *url.URL) *url.URL {
		if u.Path == callback {
			answer, code, kept = u.String(), u.Query().Get("code"), v.own("__Host-tokenwright-sso")
		}
		return u
	}
	v.signInAt(idp, v.button("/console/sign-in", nil), "olga").wants(t, http.StatusOK, "/console/merchants", "Olga")
	thief.get(answer).wants(t, http.StatusBadRequest, callback, "This has ended")
	thief.button("/console/sign-in", nil)
	thief.get(answer).wants(t, http.StatusBadRequest, callback, "The answer of Example Corp does not fit") // another state
	thief.cookies[strings.TrimPrefix(s.URL, "http://")]["__Host-tokenwright-sso"] = kept                   // who has both
	thief.get(answer).wants(t, http.StatusBadRequest, callback, "The answer of Example Corp does not fit") // the provider knows the code was used
	if thief.own("__Host-tokenwright") != "" {
		t.Error("the thief has a session")
	}
	if log := s.ReadLog(t); code == "" || strings.Contains(log, code) || strings.Contains(log, kept) {
		t.Errorf("the log has the code %s, or the cookie:\n%s", code, log)
	}
	insistsOnPKCE(t, idp, s.Installation, http.StatusBadGateway, "Example Corp does not accept this console")
}

// insistsOnPKCE: who takes the challenge out on the way gets no use of the code.
func insistsOnPKCE(t *testing.T, idp *harness.IdP, in *harness.Installation, status int, text string) {
	t.Helper()
	v := newVisitor(t, in)
	v.before = func(u *url.URL) *url.URL {
		q := u.Query()
		if q.Has("code_challenge") {
			q.Del("code_challenge")
			q.Del("code_challenge_method")
			u.RawQuery = q.Encode()
		}
		return u
	}
	v.signInAt(idp, v.button("/console/sign-in", nil), "olga").wants(t, status, callback, text)
	if v.own("__Host-tokenwright") != "" {
		t.Error("a session has begun without PKCE")
	}
}
