package restore

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/postgrestest"
	"github.com/tokenwright/tokenwright/test/harness"
)

// place is where an installation is, with how operators back it up and restore it.
type place struct {
	*harness.Installation
	postgres *postgrestest.Server // nil for the embedded database
	backup   string
}

// back up, and return the number of the last event in it.
func (p *place) backUp(t *testing.T) (last string) {
	t.Helper()
	p.backup = beside(p.Installation, "backup")
	if p.postgres == nil {
		return fmt.Sprint(succeed[taken](t, p.Installation, "backup", p.backup).Events)
	}
	harness.Tool(t, "", "pg_dump", "--format=custom", "--file="+p.backup, "--dbname="+p.DatabaseURL())
	return p.Lines(t, "SELECT CAST(max(seq) AS text) FROM events")[0]
}

// restore puts the backup in the place of what is there; a node may begin to work
// before all is done.
func (p *place) restore(t *testing.T, sameDatabase bool, args ...string) restored {
	t.Helper()
	if p.postgres == nil {
		return succeed[restored](t, p.Installation, append([]string{"restore", p.backup, "--replace"}, args...)...)
	}
	name := p.DatabaseName()
	into := []string{"--exit-on-error", "--no-owner", "--dbname=" + p.DatabaseURL()}
	if sameDatabase {
		into = append(into, "--clean", "--if-exists")
	} else {
		p.postgres.Exec(t, "postgres", "ALTER DATABASE "+name+" RENAME TO "+name+"_before")
		p.postgres.Exec(t, "postgres", "CREATE DATABASE "+name+" OWNER "+name+" TEMPLATE template0")
	}
	harness.Tool(t, "", "pg_restore", append(into, p.backup)...)
	refuse(t, p.Installation, []string{"is a copy", "restore --finish"}, "merchant", "list") // C-548
	finish := append([]string{"restore", "--finish"}, args...)
	if slices.Contains(args, "--accept-lost-changes") { // the dump is of a moment ago, and so are the nodes in it
		refuse(t, p.Installation, []string{"is at work on this database", "--yes"}, finish...)
		finish = append(finish, "--yes")
	}
	done := succeed[restored](t, p.Installation, finish...)
	again := succeed[restored](t, p.Installation, finish...) // C-540: as where the first answer was lost
	if again.Replayed != 0 || !slices.Equal(again.Unfinished, done.Unfinished) {
		t.Errorf("run again it says %+v, before %+v", again, done)
	}
	return done
}

// show is an installation with all who rely on it.
type show struct {
	*place
	operator, lives, deleted, suspended, born harness.APIKey    // three of them, since the backup
	kid                                       string            // of a signing key that was revoked since
	tokens                                    map[string]string // from before the restore, by whose they are
	ended                                     []string          // which of them had ended by then
	api, strict                               *resourceServer   // strict would rather stop than not know
	caller                                    *caller
}

// C-541, C-542, C-548: a backup is restored below a resource server, a client and a
// gateway that know what came after it. Nothing that had ended is alive again, all
// other tokens end, and whoever relies on it goes on by themselves.
func TestARestoreEndsEveryTokenAndIsHeardOf(t *testing.T) {
	for _, c := range []struct {
		name             string
		postgres, replay bool
		sameDatabase     bool
	}{
		{"embedded, replayed", false, true, false},
		{"embedded, changes lost", false, false, false},
		{"PostgreSQL, replayed in the same database", true, true, true},
		{"PostgreSQL, changes lost", true, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := &place{}
			if c.postgres {
				p.postgres = newPostgres(t)
				p.Installation = harness.NewOnPostgres(t, p.postgres)
			} else {
				p.Installation = harness.New(t)
			}
			s := p.Start(t)
			w := prepare(t, p)
			last := p.backUp(t)
			w.change(t)
			events := export(t, p.Installation, last)
			w.stop(t, s)

			done := p.restore(t, c.sameDatabase, map[bool][]string{true: {"--replay", events}, false: {"--accept-lost-changes"}}[c.replay]...)
			p.Start(t)
			w.nothingOldIsAlive(t)
			w.othersGoOn(t)
			if c.replay {
				w.replayed(t, done)
			} else {
				w.lost(t, done)
			}
			if v := p.VerifyEvents(t); !v.OK {
				t.Errorf("the events: %+v", v)
			}
			w.caller.end()
			w.caller.mu.Lock()
			defer w.caller.mu.Unlock()
			if len(w.caller.answers) != 1 || w.caller.answers["200 OK"] == 0 {
				t.Errorf("calls of the application ended so: %v", w.caller.answers)
			}
			t.Logf("%d calls, %d exchanges", w.caller.answers["200 OK"], w.caller.exchange)
		})
	}
}

// prepare makes what is in the backup.
func prepare(t *testing.T, p *place) *show {
	t.Helper()
	p.Seed(t)
	p.CLI(t, "merchant", "create", "--id", "77", "--name", "Later suspended")
	w := &show{place: p, tokens: map[string]string{}}
	w.operator = p.CreateOperatorKey(t, "tokens:introspect", "merchants:read")
	w.lives, w.deleted, w.suspended = p.CreateKey(t, "demo"), p.CreateKey(t, "demo"), p.CreateKeyOf(t, "77", "demo")
	harness.Eventually(t, patience, "all API keys work", func() bool {
		return p.Works(t, w.operator) && p.Works(t, w.lives) && p.Works(t, w.deleted) && p.Works(t, w.suspended)
	})
	w.api, w.strict = newResourceServer(t, p.Installation, 0), newResourceServer(t, p.Installation, 5*time.Second)
	w.caller = newCaller(t, p.Installation, w.lives, w.api)
	return w
}

// change does what is not in the backup, of which both resource servers hear.
func (w *show) change(t *testing.T) {
	t.Helper()
	w.tokens["deleted"], w.tokens["suspended"] = w.Token(t, w.deleted), w.Token(t, w.suspended)
	w.tokens["of the revoked signing key"], w.tokens["revoked"] = w.Token(t, w.lives), w.Token(t, w.lives)
	w.ended = []string{"deleted", "suspended", "of the revoked signing key", "revoked"}
	for _, what := range w.ended {
		w.api.becomes(t, what, w.tokens[what], http.StatusOK)
	}

	w.kid = w.signingKeys(t, "active")[0]
	w.CLI(t, "signing-key", "rotate", "--env", "demo")
	w.CLI(t, "signing-key", "revoke", "--yes", "--force", "--", w.kid)
	harness.Eventually(t, patience, "the server has said how long the next signing key is kept, which no command knows", func() bool {
		return strings.Contains(w.CLI(t, "event", "list", "--kind", "signing_key.updated"), w.signingKeys(t, "active")[0])
	})
	w.CLI(t, "key", "delete", w.deleted.ClientID, "--yes")
	w.CLI(t, "merchant", "suspend", "77")
	if a := w.PostToken(t, "/demo/oauth/revoke", w.lives, w.tokens["revoked"]); a.Status != http.StatusOK {
		t.Fatalf("revoking a token: %d %s", a.Status, a.Body)
	}
	w.born = w.CreateKey(t, "demo")
	harness.Eventually(t, patience, "the new API key works", func() bool { return w.Works(t, w.born) })
	w.tokens["born"], w.tokens["lives"] = w.Token(t, w.born), w.Token(t, w.lives)
	w.tokens["operator"] = w.Ask(t, w.URL+"/oauth/token", w.operator.ClientID, w.operator.ClientSecret).AccessToken
	for _, r := range []*resourceServer{w.api, w.strict} {
		for _, what := range w.ended {
			r.becomes(t, what, w.tokens[what], http.StatusUnauthorized, http.StatusOK)
		}
		for _, what := range []string{"born", "lives"} {
			r.becomes(t, what, w.tokens[what], http.StatusOK)
		}
	}
	w.caller.wait(t, 3)
}

// stop ends the server: one resource server stops after a while, the other goes on.
func (w *show) stop(t *testing.T, s *harness.Server) {
	t.Helper()
	s.Stop(t)
	w.strict.becomes(t, "lives, without the server", w.tokens["lives"], http.StatusServiceUnavailable, http.StatusOK)
	w.caller.wait(t, 3)
	for _, what := range w.ended {
		w.api.becomes(t, what+", without the server", w.tokens[what], http.StatusUnauthorized)
	}
}

// signingKeys are the key IDs of demo that have a status.
func (w *show) signingKeys(t *testing.T, status string) (kids []string) {
	t.Helper()
	var list []struct{ Kid, Status string }
	if err := json.Unmarshal([]byte(w.CLI(t, "signing-key", "list", "--env", "demo", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, k := range list {
		if k.Status == status {
			kids = append(kids, k.Kid)
		}
	}
	return kids
}

// nothingOldIsAlive asks all who judge tokens about those from before.
func (w *show) nothingOldIsAlive(t *testing.T) {
	t.Helper()
	withToken := func(path, token string) int {
		r := harness.NewRequest(t, http.MethodGet, w.URL+path, "")
		r.Header.Set("Authorization", "Bearer "+token)
		return w.Do(t, r).Status
	}
	for what, token := range w.tokens {
		if what == "operator" {
			continue
		}
		if a := w.PostToken(t, "/demo/oauth/introspect", w.operator, token); string(a.Body) != `{"active":false}` {
			t.Errorf("introspection of a token (%s) from before: %d %s", what, a.Status, a.Body)
		}
		if status := withToken("/forward-auth?env=demo&scope=customers:read", token); status != http.StatusUnauthorized {
			t.Errorf("forward-auth of a token (%s) from before: %d", what, status)
		}
	}
	if status := withToken("/admin/v1/merchants", w.tokens["operator"]); status != http.StatusUnauthorized {
		t.Errorf("the admin API answers %d to an operator's token from before", status)
	}
	for what, token := range w.tokens {
		switch what {
		case "operator":
		case "born", "lives": // until it is heard that they have ended
			w.api.becomes(t, what+", after the restore", token, http.StatusUnauthorized, http.StatusOK)
			w.strict.becomes(t, what+", after the restore", token, http.StatusUnauthorized, http.StatusServiceUnavailable, http.StatusOK)
		default:
			w.api.becomes(t, what+", after the restore", token, http.StatusUnauthorized)
			w.strict.becomes(t, what+", after the restore", token, http.StatusUnauthorized, http.StatusServiceUnavailable)
		}
	}
}

// othersGoOn: resource servers take new tokens, without having been started again,
// and applications get them without having been told.
func (w *show) othersGoOn(t *testing.T) {
	t.Helper()
	token := w.Token(t, w.lives)
	w.api.becomes(t, "a new token", token, http.StatusOK)
	w.strict.becomes(t, "a new token", token, http.StatusOK)
	w.caller.wait(t, 3)
	operator := w.Ask(t, w.URL+"/oauth/token", w.operator.ClientID, w.operator.ClientSecret).AccessToken
	r := harness.NewRequest(t, http.MethodGet, w.URL+"/admin/v1/merchants", "")
	r.Header.Set("Authorization", "Bearer "+operator)
	if a := w.Do(t, r); a.Status != http.StatusOK {
		t.Errorf("the admin API answers %d to an operator's new token: %s", a.Status, a.Body)
	}
}

// replayed holds what an export brings back.
func (w *show) replayed(t *testing.T, done restored) {
	t.Helper()
	for what, key := range map[string]harness.APIKey{"deleted": w.deleted, "of a suspended merchant": w.suspended, "with a lost secret": w.born} {
		if !w.Refuses(t, key) {
			t.Errorf("an API key (%s) is not refused", what)
		}
	}
	if len(done.Unfinished) != 1 || done.Unfinished[0].Subject != w.born.ClientID || done.Unfinished[0].Event != "api_key.created" {
		t.Errorf("unfinished is %+v", done.Unfinished)
	}
	if done.Replayed < 5 {
		t.Errorf("%d events were done again", done.Replayed)
	}
	if revoked := w.signingKeys(t, "revoked"); len(revoked) != 1 || revoked[0] != w.kid {
		t.Errorf("the revoked signing keys are %v, not %s", revoked, w.kid)
	}
	// What restore advises.
	again := harness.ReadKey(t, w.CLI(t, "key", "rotate", w.born.ClientID, "--overlap", "0", "-o", "json"))
	harness.Eventually(t, patience, "the API key with a new secret works", func() bool { return w.Works(t, again) })
	w.api.becomes(t, "a token of the API key with a new secret", w.Token(t, again), http.StatusOK)
}

// lost holds what comes back where nothing is known.
func (w *show) lost(t *testing.T, done restored) {
	t.Helper()
	if !w.Works(t, w.deleted) || !w.Works(t, w.suspended) || !w.Refuses(t, w.born) {
		t.Errorf("the deleted API key works: %t; that of the suspended merchant: %t; the one created since is refused: %t",
			w.Works(t, w.deleted), w.Works(t, w.suspended), w.Refuses(t, w.born))
	}
	if revoked := strings.Join(w.signingKeys(t, "revoked"), " "); !strings.Contains(revoked, w.kid) || len(done.Unfinished) != 0 {
		t.Errorf("revoked signing keys: %s; unfinished: %v", revoked, done.Unfinished)
	}
	w.api.becomes(t, "a token of the API key that is back", w.Token(t, w.deleted), http.StatusOK)
}
