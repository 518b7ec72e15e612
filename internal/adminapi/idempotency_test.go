package adminapi_test

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/internal/adminapi"
	"github.com/tokenwright/tokenwright/internal/authority"
)

const once = "0123456789abcdef0123456789abcdef" // an idempotency key

// newKey is a body that makes an API key of merchant 4259.
const newKey = `{"merchantId":4259,"env":"demo","name":"Orders <sync> & more","scopes":["customers:read"]}`

// replayed holds that b is a again, byte for byte.
func (a *answer) replayed(b *answer) {
	a.Helper()
	if a.header.Get("Idempotency-Replayed") != "" || b.header.Get("Idempotency-Replayed") != "true" {
		a.Errorf("Idempotency-Replayed: first %q, then %q", a.header.Get("Idempotency-Replayed"), b.header.Get("Idempotency-Replayed"))
	}
	for _, name := range []string{"ETag", "Location", "Content-Type"} {
		if a.header.Get(name) != b.header.Get(name) {
			a.Errorf("%s: first %q, then %q", name, a.header.Get(name), b.header.Get(name))
		}
	}
	if a.status != b.status || a.body != b.body {
		a.Errorf("first %d %s\nthen %d %s", a.status, a.body, b.status, b.body)
	}
}

// C-197: the same request is done once, and answered the same again.
func TestARepeatedRequestIsAnsweredAgain(t *testing.T) {
	in := install(t)
	token := in.token(in.operator(operatorScopes()...))
	key, n := in.key("demo", "customers:read"), 0
	user := in.things(ours, "demo", &n)["userId"]
	for _, r := range [][2]string{
		{"/merchants", `{"id":1,"name":"<b>&amp;"}`},
		{"/merchants/4259/suspend", ``},
		{"/merchants/4259/resume", `{}`},
		{"/scopes", `{"name":"orders:read","description":"<i>"}`},
		{"/api-keys", newKey},
		{"/api-keys/" + string(key.id) + "/rotate", `{"name":"& next"}`},
		{"/api-keys/" + string(key.id) + "/disable", ``},
		{"/signing-keys/rotate", `{"env":"demo"}`},
		{"/users", `{"email":"a@example.com","name":"<A>"}`},
		{"/users/" + user + "/disable", ``},
		{"/users/" + user + "/enable", ``},
	} {
		idempotencyKey := once + strings.ReplaceAll(strings.Trim(r[0], "/"), "/", "-")
		first := in.send(token, "POST", r[0], r[1], "Idempotency-Key", idempotencyKey)
		if first.status/100 != 2 {
			t.Errorf("%s: %d %s", r[0], first.status, first.body)
		}
		in.unchanged(r[0], func() {
			first.replayed(in.send(token, "POST", r[0], r[1], "Idempotency-Key", idempotencyKey))
		})
	}
}

// C-197: the key stands for one request of one actor.
func TestAnIdempotencyKeyIsForOneRequest(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("api-keys:write", "merchants:write"))
	first := in.send(token, "POST", "/api-keys", newKey, "Idempotency-Key", once).want(201, "")
	in.unchanged("another request", func() {
		for _, r := range [][2]string{
			{"/api-keys", strings.Replace(newKey, "Orders", "orders", 1)},
			{"/api-keys", newKey + " "},
			{"/merchants", `{"id":1,"name":"x"}`},
			{"/api-keys/" + into[admin.CreatedAPIKey](first).ID + "/rotate", newKey},
		} {
			in.send(token, "POST", r[0], r[1], "Idempotency-Key", once).want(409, "idempotency_conflict")
		}
		in.send(token, "POST", "/api-keys/"+into[admin.CreatedAPIKey](first).ID+"/disable", "", "Idempotency-Key", once, "If-Match", `"1"`).
			want(409, "idempotency_conflict")
		first.replayed(in.send(token, "POST", "/api-keys", newKey, "Idempotency-Key", once))
	})
	// Another actor's is another: it neither gets the answer nor is in its way.
	other := in.token(in.operator("api-keys:write"))
	second := in.send(other, "POST", "/api-keys", newKey, "Idempotency-Key", once).want(201, "")
	a, b := into[admin.CreatedAPIKey](first), into[admin.CreatedAPIKey](second)
	if a.ID == b.ID || a.ClientSecret == b.ClientSecret || second.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("another actor was given what the first one has made: %s", second.body)
	}
	third := in.token(in.operator("merchants:write"))
	in.send(third, "POST", "/api-keys", newKey, "Idempotency-Key", once).want(403, "")
}

// C-197: an answer with a secret is given while nothing has become of the API key.
func TestAnAnswerEndsWithAnyChangeOfItsAPIKey(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("api-keys:write"))
	name := "other"
	in.merchant("77")
	for what, change := range map[string]func(id authority.ClientID) error{
		"update": func(id authority.ClientID) error {
			_, err := in.UpdateAPIKey(t.Context(), root, id, authority.APIKeyUpdate{Name: &name})
			return err
		},
		"rotate": func(id authority.ClientID) error {
			_, _, err := in.RotateSecret(t.Context(), root, id, authority.Rotation{})
			return err
		},
		"disable": func(id authority.ClientID) error {
			_, err := in.DisableAPIKey(t.Context(), root, id, 0)
			return err
		},
		"delete": func(id authority.ClientID) error { return in.DeleteAPIKey(t.Context(), root, id, 0) },
		"suspend": func(authority.ClientID) error {
			_, err := in.SuspendMerchant(t.Context(), root, "77", 0)
			return err
		},
	} {
		idempotencyKey := once + what
		body := strings.Replace(newKey, "4259", "77", 1)
		first := in.send(token, "POST", "/api-keys", body, "Idempotency-Key", idempotencyKey).want(201, "")
		in.must(change(authority.ClientID(into[admin.CreatedAPIKey](first).ID)))
		in.unchanged(what, func() {
			in.send(token, "POST", "/api-keys", body, "Idempotency-Key", idempotencyKey).want(409, "idempotency_conflict")
		})
		_, _ = in.ResumeMerchant(t.Context(), root, "77", 0)
	}
}

// C-197: what had nothing to do is answered again too, and does not do later
// what was asked for before.
func TestARepeatedRequestThatChangedNothingStaysSo(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("api-keys:write", "merchants:write", "users:write"))
	key, n := in.key("demo", "customers:read"), 0
	user := "/users/" + in.things(ours, "demo", &n)["userId"]
	enabled := in.send(token, "POST", user+"/enable", "", "Idempotency-Key", once+"3").want(200, "")
	in.send(token, "POST", user+"/disable", "").want(200, "")
	in.unchanged("enable a user", func() {
		enabled.replayed(in.send(token, "POST", user+"/enable", "", "Idempotency-Key", once+"3"))
	})
	in.send(token, "POST", "/api-keys/"+string(key.id)+"/enable", "", "Idempotency-Key", once).want(200, "")
	_, err := in.DisableAPIKey(t.Context(), root, key.id, 0)
	in.must(err)
	in.unchanged("enable", func() {
		in.send(token, "POST", "/api-keys/"+string(key.id)+"/enable", "", "Idempotency-Key", once).want(409, "idempotency_conflict")
	})
	resumed := in.send(token, "POST", "/merchants/4259/resume", "", "Idempotency-Key", once+"2").want(200, "")
	_, err = in.SuspendMerchant(t.Context(), root, ours, 0)
	in.must(err)
	in.unchanged("resume", func() {
		resumed.replayed(in.send(token, "POST", "/merchants/4259/resume", "", "Idempotency-Key", once+"2"))
	})
}

// C-197: after ten minutes nothing is known of the request, swept or not.
func TestAnAnswerIsKeptForTenMinutes(t *testing.T) {
	in := install(t)
	for _, sweep := range []bool{false, true} {
		token := in.token(in.operator("api-keys:write"))
		first := in.send(token, "POST", "/api-keys", newKey, "Idempotency-Key", once).want(201, "")
		in.advance(10 * time.Minute)
		if sweep {
			in.must(in.SweepReplies(t.Context()))
		}
		first.replayed(in.send(token, "POST", "/api-keys", newKey, "Idempotency-Key", once))
		in.advance(time.Millisecond)
		if sweep {
			in.must(in.SweepReplies(t.Context()))
		}
		second := in.send(token, "POST", "/api-keys", newKey, "Idempotency-Key", once).want(201, "")
		if second.status == 201 && into[admin.CreatedAPIKey](second).ID == into[admin.CreatedAPIKey](first).ID {
			t.Error("an answer was given again after ten minutes")
		}
		second.replayed(in.send(token, "POST", "/api-keys", newKey, "Idempotency-Key", once))
	}
}

// C-197: of requests that come at the same time one is done, and all hear of it,
// on two nodes as well; also where it could be done only once.
func TestConcurrentRepetitionsAreOneChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokenwright.db")
	in := installAt(t, path)
	nodes := []*installation{in, in.node(openSQLite(t, path))}
	token := in.token(in.operator(operatorScopes()...))
	key := in.key("demo", "customers:read")
	for n, r := range []struct{ path, body, ifMatch string }{
		{"/api-keys", newKey, ""},
		{"/merchants", `{"id":5,"name":"x","keyLimit":1}`, ""},
		{"/api-keys", strings.Replace(newKey, "4259", "5", 1), ""}, // to the limit
		{"/scopes", `{"name":"orders:read"}`, ""},
		{"/api-keys/" + string(key.id) + "/rotate", "", `"1"`},
		{"/merchants/5/suspend", "", `"1"`},
		{"/users", `{"email":"a@example.com","name":"x"}`, ""},
	} {
		in.must(nodes[1].LoadDirectory(t.Context()))
		before := in.head()
		answers := make([]*answer, 12)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() {
				header := []string{"Idempotency-Key", once + strconv.Itoa(n)}
				if r.ifMatch != "" {
					header = append(header, "If-Match", r.ifMatch)
				}
				answers[i] = nodes[i%2].send(token, "POST", r.path, r.body, header...)
			})
		}
		wg.Wait()
		if after := in.head(); after != before+1 {
			t.Errorf("%s: %d changes", r.path, after-before)
		}
		firsts := 0
		for _, a := range answers {
			if a.status != answers[0].status || a.body != answers[0].body || a.status/100 != 2 {
				t.Errorf("%s: %d %s, others %d %s", r.path, a.status, a.body, answers[0].status, answers[0].body)
			}
			if a.header.Get("Idempotency-Replayed") == "" {
				firsts++
			}
		}
		if firsts != 1 {
			t.Errorf("%s: %d say that they are the first", r.path, firsts)
		}
	}
}

// C-197: whoever was not answered, for its node died after the change was
// committed, is answered by another one, which by then knows of the change.
func TestAnotherNodeAnswersForOneThatDied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokenwright.db")
	in := installAt(t, path)
	operator := in.operator("api-keys:write")
	token := in.token(operator)
	other := in.node(openSQLite(t, path))

	first := in.send(token, "POST", "/api-keys", newKey, "Idempotency-Key", once).want(201, "")
	in.must(in.store.Close())
	second := other.send(token, "POST", "/api-keys", newKey, "Idempotency-Key", once)
	first.replayed(second)
	created := into[admin.CreatedAPIKey](second)
	other.issue(apiKey{authority.ClientID(created.ID), created.ClientSecret}, "")
}

// C-197: who has database and master key cannot read the answer: it takes the
// idempotency key, which is nowhere.
func TestAKeptAnswerCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokenwright.db")
	in := installAt(t, path)
	token := in.token(in.operator("api-keys:write"))
	created := into[admin.CreatedAPIKey](in.send(token, "POST", "/api-keys", newKey, "Idempotency-Key", once))
	rotated := into[admin.CreatedAPIKey](in.send(token, "POST", "/api-keys/"+created.ID+"/rotate", "", "Idempotency-Key", once+"2"))
	in.must(in.store.Close())
	files, err := filepath.Glob(path + "*")
	in.must(err)
	for _, file := range files {
		content, err := os.ReadFile(file)
		in.must(err)
		for _, hidden := range []string{once, created.ClientSecret[5:], rotated.ClientSecret[5:], token} {
			if bytes.Contains(content, []byte(hidden)) {
				t.Errorf("%s has %.12s…", filepath.Base(file), hidden)
			}
		}
		if strings.HasSuffix(file, ".db") && !bytes.Contains(content, []byte(created.ID)) {
			t.Error("the database does not have the API key either: this test looks in the wrong place")
		}
	}
}

// C-197: a key that somebody could guess is refused.
func TestWeakIdempotencyKeysAreRefused(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("api-keys:write"))
	for _, weak := range []string{
		"", "1", once[:21], strings.Repeat("a", 129), once + " ", " " + once, once + ";", once + "=", once + "/", once + "ä", once + "," + once,
	} {
		in.unchanged(weak, func() {
			in.send(token, "POST", "/api-keys", newKey, "Idempotency-Key", weak).want(400, "invalid_request")
		})
	}
	r := httptest.NewRequest("POST", adminapi.Root+"/api-keys", strings.NewReader(newKey))
	r.Header = map[string][]string{
		"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}, "Idempotency-Key": {once, once},
	}
	in.unchanged("two", func() { in.do(r).want(400, "invalid_request") })
	in.send(token, "POST", "/api-keys", newKey, "Idempotency-Key", once[:22]).want(201, "")
}

// C-197: a request that was refused is no answer to keep: it may be sent again
// once what was wrong is mended.
func TestARefusedRequestMayBeSentAgain(t *testing.T) {
	in := install(t)
	token := in.token(in.operator("api-keys:write"))
	in.send(token, "POST", "/api-keys", strings.Replace(newKey, "4259", "7", 1), "Idempotency-Key", once).want(404, "not_found")
	in.merchant("7")
	in.send(token, "POST", "/api-keys", strings.Replace(newKey, "4259", "7", 1), "Idempotency-Key", once).want(201, "")
}
