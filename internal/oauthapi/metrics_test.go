package oauthapi

import "testing"

func TestRefusedTokenRequestsAreCountedByEnvironment(t *testing.T) { // C-350, C-231
	in := install(t, nil)
	demo, production := in.key("demo", "customers:read"), in.key("production", "customers:read")
	of := func(k apiKey) string { // with a secret that is well-formed, and not its own
		k.secret = in.key("demo").secret
		return formBody(k.request()...)
	}
	for _, request := range []struct{ path, body string }{
		{"/oauth/token", of(demo)},
		{"/api/oauth/token", of(demo)},
		{"/demo/oauth/token", of(production)}, // where it was asked, not whom it names
		{"/demo/oauth/token", "x"},
		{"/oauth/token", of(production)},
		{"/oauth/token", "x"},
		{"/oauth/token", formBody(grant("client_id", "twc_nowhere_0123456789012345678901", "client_secret", "x")...)},
		{"/oauth/token", formBody(grant("client_id", "nobody", "client_secret", "x")...)},
	} {
		if a := in.post(request.path, asForm.contentType, request.body); a.status == 200 {
			t.Errorf("%s: got a token", request.path)
		}
	}
	in.post("/demo/oauth/introspect", asForm.contentType, "x") // no request for a token
	in.ask(asForm, demo.request()).issued("demo")
	for env, want := range map[string]float64{"demo": 4, "production": 1, unknownEnv: 3, "platform": 0} {
		in.wantCount("tokenwright_tokens_refused_total", map[string]string{"env": env}, want)
	}
	in.wantCount("tokenwright_tokens_issued_total", map[string]string{"env": "demo"}, 1)
}
