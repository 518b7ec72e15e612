package adminapi_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/adminapi"
	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/internal/store"
)

// C-022, C-397: without its database every endpoint says so: come back later.
func TestWithoutADatabaseEveryEndpointIsUnavailable(t *testing.T) {
	in := install(t)
	token, other := in.token(in.operator(operatorScopes()...)), in.token(in.operator("events:read"))
	n := 0
	th := in.things(ours, "demo", &n)
	in.must(in.store.Close())
	for _, route := range adminapi.Routes() {
		path, body := matrix[route.Method+" "+route.Path].request(route, th)
		in.send(token, route.Method, path, body).unavailable()
		if route.Method == "POST" {
			in.send(token, route.Method, path, body, "Idempotency-Key", once).unavailable()
		}
	}
	// Who is refused, is so without the database.
	in.send("", "GET", "/merchants", "").want(401, "")
	in.send(other, "DELETE", "/merchants/1", "").want(403, "")
}

func (a *answer) unavailable() {
	a.Helper()
	a.want(503, "unavailable")
	if a.header.Get("Retry-After") == "" || strings.Contains(a.body, "sql") || !strings.Contains(a.logged, "error=") {
		a.Errorf("Retry-After %q, log %s: %s", a.header.Get("Retry-After"), a.logged, a.body)
	}
}

// C-397: a database that does not answer at all is given up within 5 s.
func TestADatabaseThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	s, err := store.OpenPostgres(t.Context(), server.Database(t), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	in := installIn(t, s)
	token := in.token(in.operator("merchants:read", "merchants:write"))
	resume, err := server.Pause()
	in.must(err)
	began := time.Now()
	var wg sync.WaitGroup
	for _, r := range [][3]string{
		{"GET", "/merchants", ""}, {"GET", "/merchants/4259", ""}, {"POST", "/merchants", `{"id":7,"name":"x"}`},
		{"PATCH", "/merchants/4259", `{"name":"y"}`},
	} {
		wg.Go(func() { in.send(token, r[0], r[1], r[2]).unavailable() })
	}
	wg.Wait()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	in.must(resume())
	in.send(token, "GET", "/merchants/4259", "").want(200, "")
}

// C-398: requests are limited per API key, and told so.
func TestRequestsAreLimitedPerAPIKey(t *testing.T) {
	in := install(t)
	in.serve(5)
	first, second := in.operator("merchants:read"), in.operator("merchants:read")
	token := in.token(first)
	in.send("", "GET", "/merchants", "").want(401, "").limited("", "")
	for i := range 5 {
		path, status := "/merchants", 200
		switch i {
		case 1:
			path, status = "/merchants/1", 404
		case 2: // a refused request counts as well
			path, status = "/scopes", 403
		case 3: // and another token of the same API key
			token = in.token(first)
		}
		in.send(token, "GET", path, "").want(status, "").limited("5", strconv.Itoa(4-i))
	}
	in.unchanged("over the limit", func() {
		a := in.send(token, "GET", "/merchants", "").want(429, "").limited("5", "0")
		if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 300 {
			t.Errorf("Retry-After: %q", a.header.Get("Retry-After"))
		}
	})
	in.send(in.token(second), "GET", "/merchants", "").want(200, "").limited("5", "4")
	in.send("garbage", "GET", "/merchants", "").want(401, "")

	in.serve(0) // no limit
	for range 20 {
		in.send(token, "GET", "/merchants", "").want(200, "").limited("", "")
	}
}

// limited holds the headers of a limit, "" for none.
func (a *answer) limited(limit, left string) *answer {
	a.Helper()
	h := a.header
	if h.Get("X-RateLimit-Limit") != limit || h.Get("X-RateLimit-Remaining") != left || (h.Get("X-RateLimit-Reset") == "") != (limit == "") ||
		(h.Get("RateLimit") == "") != (limit == "") || (h.Get("RateLimit-Policy") == "") != (limit == "") {
		a.Errorf("%d with headers %v, want %s of %s left", a.status, h, left, limit)
	}
	return a
}

// C-397: refusals have one form, with the status as text.
func TestRefusalsHaveOneForm(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("merchants:read", "merchants:write"))
	for _, a := range []*answer{
		in.send("", "GET", "/merchants", ""), in.send("x", "GET", "/merchants", ""), in.send(token, "GET", "/scopes", ""), in.send(token, "GET", "/merchants/1", ""),
		in.send(token, "PUT", "/merchants", ""), in.send(token, "POST", "/merchants", `{"id":4259,"name":"x"}`), in.send(token, "POST", "/merchants", `{"id":1}`),
		in.send(token, "POST", "/merchants", "{"), in.send(token, "GET", "/nothing", ""),
	} {
		body := into[struct {
			Code, Message, Reason string
			Errors                []struct{ Field, Reason string }
		}](a)
		if body.Code != strconv.Itoa(a.status) || a.status < 400 || len(body.Message) < 10 || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
}
