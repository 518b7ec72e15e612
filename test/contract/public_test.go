package contract

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// walkPublic is a server with two API keys: one for clients, one that may ask
// about all tokens.
func walkPublic(t *testing.T) (w *walk, key, operator harness.APIKey) {
	t.Helper()
	install := harness.New(t)
	install.Configure(t, "forward_auth: {policies: {orders: {env: demo, scope: customers:read}}}\n"+
		"webhooks: {hook: {url: 'https://127.0.0.1:1/hook', events: ['*'], allow_private: true, merchants: [4259, 4300], envs: [demo, production]}}\n")
	install.Environ = append(install.Environ, "TOKENWRIGHT_WEBHOOK_SECRET_HOOK="+aMasterKey)
	s := install.Start(t)
	s.Seed(t)
	key = s.CreateKey(t, "demo")
	operator = s.CreateOperatorKey(t, "tokens:introspect")
	s.AwaitKeys(t, key)
	return newWalk(t, s), key, operator
}

// C-383: every operation, with every answer that can be brought about.
func TestEveryOperationAnswersAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	w, key, operator := walkPublic(t)
	w.tokens(t, key)
	w.aboutTokens(t, key, operator)
	w.issuerDocuments(t)
	w.gateways(t, key)
	w.leaks(t, key)
	w.pages(t)
	w.manage(t)
	w.withoutDatabase(t)
	w.complete(t, []notMet{
		{"", http.StatusInternalServerError, "nothing is known that causes it"},
		{"updateMerchant", http.StatusConflict, "somebody else would have to be faster, several times in a row"},
		{"updateApiKey", http.StatusConflict, "the same"},
		{"deleteApiKey", http.StatusConflict, "the same"},
	})
}

func (w *walk) manage(t *testing.T) {
	m := newManaged(t, w)
	m.merchants(t)
	m.scopes(t)
	m.apiKeys(t)
	m.signingKeys(t)
	m.users(t)
	m.webhooks(t)
	m.logs(t, m.there["clientId"])
	m.refusals(t)
	m.limited(t)
	m.revokeSigningKey(t)
}

func (w *walk) leaks(t *testing.T, key harness.APIKey) {
	w.do(t, request{"POST", "/leaks", []string{"Content-Type", asJSON}, `{"credential":"tws_demo_x","url":"https://git.example.com/x"}`, 202})
	w.do(t, request{"POST", "/leaks", []string{"Content-Type", asForm}, "credential=" + w.Token(t, key), 202})
	w.do(t, request{"POST", "/leaks", []string{"Content-Type", asJSON}, `{}`, 400})
	w.do(t, request{"POST", "/leaks", []string{"Content-Type", asForm}, strings.Repeat("x", tooLong), 413})
	w.do(t, request{"POST", "/leaks", []string{"Content-Type", "text/plain"}, "x", 415})
	w.do(t, request{"GET", "/leaks/gitleaks.toml", nil, "", 200})
	for range 60 {
		a := w.do(t, request{"POST", "/leaks", []string{"Content-Type", asForm}, "credential=x", 0})
		if a.Status == http.StatusTooManyRequests {
			break
		}
	}
}

func (w *walk) tokens(t *testing.T, key harness.APIKey) {
	const grant = "&grant_type=client_credentials"
	basic := key.ClientID + ":" + key.ClientSecret
	inJSON := harness.TokenRequest(t, key.ClientID, key.ClientSecret, "scope", "customers:read")
	for _, path := range []string{"/oauth/token", "/api/oauth/token", "/demo/oauth/token", "/demo/api/oauth/token"} {
		w.do(t, request{"POST", path, []string{"Content-Type", asJSON}, inJSON, 200}).Token(t)
		w.do(t, request{"POST", path, []string{"Content-Type", asForm}, formOf(key, grant), 200}).Token(t)
		w.do(t, request{"POST", path, []string{"Content-Type", asForm, "Basic", basic}, "x=1" + grant, 200}).Token(t)
		w.do(t, request{"POST", path, []string{"Content-Type", asForm}, formOf(key, ""), 400})
		w.do(t, request{"POST", path, []string{"Content-Type", asForm}, formOf(key, grant+"&scope=orders:read"), 400})
		w.do(t, request{"POST", path, []string{"Content-Type", asForm}, formOf(key, grant+"&resource=https://elsewhere.example"), 400})
		w.do(t, request{"POST", path, []string{"Content-Type", asForm}, formOf(key, "&grant_type=password"), 400})
		w.do(t, request{"POST", path, []string{"Content-Type", asForm}, "grant_type=client_credentials", 401})
		w.do(t, request{"POST", path, []string{"Content-Type", asForm}, strings.Repeat("x", tooLong), 413})
	}
	// One whose secret is being replaced hears of it.
	w.CLI(t, "key", "rotate", key.ClientID, "--overlap", "1h", "-o", "json")
	harness.Eventually(t, harness.Soon, "the header tells of the rotation", func() bool {
		a := w.do(t, request{"POST", "/oauth/token", []string{"Content-Type", asForm}, formOf(key, grant), 200})
		a.Token(t)
		return a.Header.Get("Tokenwright-Secret-Expires") != ""
	})
}

func (w *walk) aboutTokens(t *testing.T, key, operator harness.APIKey) {
	form := []string{"Content-Type", asForm}
	token := w.Token(t, key)
	for asker, active := range map[*harness.APIKey]bool{&key: true, &operator: true} {
		a := w.do(t, request{"POST", "/demo/oauth/introspect", form, formOf(*asker, "&token="+token), 200})
		if got := strings.HasPrefix(string(a.Body), `{"active":true`); got != active {
			t.Errorf("%s hears %s", asker.ClientID, a.Body)
		}
	}
	w.do(t, request{"POST", "/demo/oauth/introspect", form, formOf(key, "&token=x&token_type_hint=access_token"), 200})
	w.do(t, request{"POST", "/demo/oauth/revoke", []string{"Content-Type", asForm, "Basic", key.ClientID + ":" + key.ClientSecret}, "token=" + token, 200})
	for _, path := range []string{"/demo/oauth/introspect", "/demo/oauth/revoke"} {
		w.do(t, request{"POST", path, form, formOf(key, ""), 400})
		w.do(t, request{"POST", path, []string{"Content-Type", asJSON}, `{"token":"x"}`, 400})
		w.do(t, request{"POST", path, form, "token=x", 401})
		w.do(t, request{"POST", path, form, strings.Repeat("x", tooLong), 413})
	}
}

func (w *walk) issuerDocuments(t *testing.T) {
	keys := w.do(t, request{"GET", "/demo/oauth/jwks", nil, "", 200})
	var set struct {
		Keys []struct {
			KeyID string `json:"kid"`
		}
	}
	if err := json.Unmarshal(keys.Body, &set); err != nil || len(set.Keys) == 0 {
		t.Fatalf("%v: %s", err, keys.Body)
	}
	pem := "/demo/oauth/jwks/" + set.Keys[0].KeyID + ".pem"
	for _, path := range []string{"/demo/oauth/jwks", "/platform/oauth/jwks", pem,
		"/.well-known/oauth-authorization-server/demo", "/production/.well-known/openid-configuration"} {
		a := w.do(t, request{"GET", path, nil, "", 200})
		w.do(t, request{"HEAD", path, nil, "", 200})
		w.do(t, request{"GET", path, []string{"If-None-Match", a.Header.Get("ETag")}, "", 304})
	}
	w.do(t, request{"GET", strings.Replace(pem, set.Keys[0].KeyID, strings.Repeat("A", 43), 1), nil, "", 404})
	w.do(t, request{"GET", "/demo/oauth/revocations", nil, "", 200})
	w.do(t, request{"GET", "/demo/oauth/revocations?after=0&wait=1ms", nil, "", 200})
	w.do(t, request{"GET", "/demo/oauth/revocations?after=x", nil, "", 400})
	w.tooManyReaders(t)
}

// tooManyReaders has more requests wait for revocations than the 64 that one
// address may.
func (w *walk) tooManyReaders(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	for range 80 {
		r := harness.NewRequest(t, "GET", w.URL+"/demo/oauth/revocations?after=1000000&wait=30s", "").WithContext(ctx)
		waiting.Go(func() {
			for {
				a, err := w.Attempt(r)
				switch {
				case err != nil:
					return
				case a.Status == http.StatusOK: // something was revoked: wait for more
				case a.Status == http.StatusTooManyRequests: // the place of one that has just been answered may not be free yet
					<-time.After(20 * time.Millisecond)
				default:
					t.Errorf("a reader is answered %d", a.Status)
					return
				}
			}
		})
	}
	harness.Eventually(t, harness.Soon, "one more is refused", func() bool {
		return w.Get(t, w.URL+"/demo/oauth/revocations?after=1000000&wait=1ms").Status == http.StatusTooManyRequests
	})
	leave()
	waiting.Wait()
}

func (w *walk) gateways(t *testing.T, key harness.APIKey) {
	token := w.Token(t, key)
	for good, lacking := range map[string]string{
		"/forward-auth?env=demo&scope=customers:read&merchant=4259": "/forward-auth?env=demo&scope=orders:read",
		"/forward-auth/orders": "/forward-auth/nothing",
	} {
		w.do(t, request{"GET", good, bearer(token), "", 200})
		w.do(t, request{"GET", good, nil, "", 401})
		w.do(t, request{"GET", good, bearer("x"), "", 401})
		w.do(t, request{"GET", lacking, bearer(token), "", 403})
	}
	w.do(t, request{"GET", "/forward-auth", bearer(token), "", 403})
}

func (w *walk) pages(t *testing.T) {
	for _, path := range []string{"/docs", "/docs/errors", "/docs/errors.md", "/docs/get-a-token.md", "/docs/flow.svg", "/llms.txt", "/llms-full.txt", "/openapi.json"} {
		a := w.do(t, request{"GET", path, nil, "", 200})
		w.do(t, request{"GET", path, []string{"If-None-Match", a.Header.Get("ETag")}, "", 304})
	}
	w.do(t, request{"GET", "/docs/nothing", nil, "", 404})
	w.do(t, request{"GET", "/healthz", nil, "", 200})
	w.do(t, request{"GET", "/readyz", nil, "", 200})
}

// withoutDatabase asks a node that has never reached its database for everything.
func (w *walk) withoutDatabase(t *testing.T) {
	install := harness.New(t)
	install.Environ = append(install.Environ, "TOKENWRIGHT_DATABASE=postgres://nobody@127.0.0.1:1/nothing", "TOKENWRIGHT_MASTER_KEY="+aMasterKey)
	harness.NoteMasterKey(aMasterKey)
	s := install.Launch(t)
	harness.Eventually(t, harness.Soon, "the node answers", func() bool {
		resp, err := s.Client.Get(s.URL + "/healthz")
		return err == nil && resp.Body.Close() == nil
	})
	node := &walk{s, w.checker}
	w.checker.check(t, s)
	for method, paths := range w.everything() {
		for _, path := range paths {
			status := http.StatusServiceUnavailable
			switch {
			case path == "/healthz":
				status = http.StatusOK
			case strings.HasPrefix(path, "/forward-auth"):
				status = http.StatusForbidden
			}
			node.do(t, request{method, path, nil, "", status})
		}
	}
	s.Kill(t) // it has nothing that must end well
}
