package sdk

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright"
	"github.com/tokenwright/tokenwright/test/harness"
)

// C-250.
func TestTheClientSDKGetsTokensOfTheServer(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	app := newApplication(t, s, key)
	source := newSource(t, app.Config)
	token := get(t, source)
	harness.CheckShape(t, token.AccessToken, s.URL+"/demo", "demo", "customers:read customers:write")
	if life := time.Until(token.Expiry); life > time.Hour || life < time.Hour-10*time.Second || !token.SecretExpires.IsZero() ||
		!slices.Equal(token.Scopes, []string{"customers:read", "customers:write"}) {
		t.Errorf("got %v", token)
	}
	var callers sync.WaitGroup
	for range 100 {
		callers.Go(func() {
			if other, err := source.Token(t.Context()); err != nil || other != token {
				t.Errorf("got %v, %v", other, err)
			}
		})
	}
	callers.Wait()
	if n := app.exchanges.Load(); n != 1 {
		t.Errorf("%d exchanges", n)
	}

	issuer := app.Config
	issuer.URL, issuer.Issuer, issuer.Scopes, issuer.Resource = "", s.URL+"/demo", []string{"customers:read"}, s.URL+"/demo/api"
	harness.CheckShape(t, get(t, newSource(t, issuer)).AccessToken, s.URL+"/demo", "demo", "customers:read")
}

// C-253, C-256: refusals as the server words them.
func TestRefusalsOfTheServerAreToldAsTheyAre(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	app := newApplication(t, s, key)
	foreign := app.Config
	foreign.URL, foreign.Issuer = "", s.URL+"/production"
	scope := app.Config
	scope.Scopes = []string{"orders:read"}
	resource := app.Config
	resource.Resource = "https://api.example.com"
	for code, c := range map[string]tokenwright.Config{"invalid_client": foreign, "invalid_scope": scope, "invalid_target": resource} {
		wantRefusal(t, newSource(t, c), code)
	}

	source := newSource(t, app.Config)
	get(t, source)
	s.CLI(t, "key", "disable", key.ClientID)
	harness.Eventually(t, harness.Soon, "the API key is refused", func() bool { return s.Refuses(t, key) })
	disabled := newSource(t, app.Config)
	before := app.exchanges.Load()
	for range 10 {
		e := wantRefusal(t, disabled, "invalid_client")
		if !strings.Contains(e.Description, "disabled") {
			t.Errorf("it says %v", e)
		}
	}
	if n := app.exchanges.Load() - before; n != 1 {
		t.Errorf("%d exchanges for ten calls", n)
	}
	get(t, source) // the token that it has goes on
}

func wantRefusal(t *testing.T, source tokenwright.TokenSource, code string) *tokenwright.Error {
	t.Helper()
	token, err := source.Token(t.Context())
	e, ok := errors.AsType[*tokenwright.Error](err)
	if token != nil || !ok {
		t.Fatalf("%s: got %v, %v", code, token, err)
	}
	if e.Code != code || e.Description == "" || !strings.HasSuffix(e.URI, "/docs/errors#"+code) || e.RequestID == "" || e.Temporary() {
		t.Errorf("%s: got %+v", code, *e)
	}
	return e
}

// C-251: tokens of 2 s, secrets that end 2 s after they were changed, and
// nobody notices.
func TestNoCallFailsWhileSecretsAndTokensChange(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Configure(t, "environments: {demo: {token_lifetime: 2s}}")
	s := in.Start(t)
	s.Seed(t)
	key := s.CreateKey(t, "demo")
	s.AwaitKeys(t, key)
	app := newApplication(t, s, key)
	source := newSource(t, app.Config)
	get(t, source)

	ctx, stop := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for ctx.Err() == nil {
				token, err := source.Token(ctx)
				if err != nil && ctx.Err() == nil || err == nil && time.Until(token.Expiry) <= 0 {
					t.Errorf("got %v, %v", token, err)
					return
				}
				if err == nil {
					harness.NoteToken(token.AccessToken)
				}
				time.Sleep(time.Millisecond) // as an application that has to do
			}
		})
	}
	for range 3 {
		time.Sleep(2 * time.Second)
		next := harness.ReadKey(t, s.CLI(t, "key", "rotate", key.ClientID, "--overlap", "2s", "-o", "json"))
		s.AwaitKeys(t, next)
		writeSecret(t, app.ClientSecretFile, next.ClientSecret)
	}
	time.Sleep(2 * time.Second)
	stop()
	callers.Wait()
	if n := app.exchanges.Load(); n < 5 || n > 9 {
		t.Errorf("%d exchanges in 8 s", n)
	}
}

// The answer to a secret that retires says when.
func TestTheClientSDKHearsThatItsSecretRetires(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	harness.ReadKey(t, s.CLI(t, "key", "rotate", key.ClientID, "--overlap", "2h", "-o", "json"))
	app := newApplication(t, s, key)
	harness.Eventually(t, harness.Soon, "the answer says when", func() bool {
		expires := get(t, newSource(t, app.Config)).SecretExpires
		return !expires.IsZero() && time.Until(expires) > 119*time.Minute && time.Until(expires) < 121*time.Minute
	})
}

// C-253: who starts before the server does gets a token once it is there.
func TestAClientWaitsForAServerThatStarts(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo")
	app := newApplication(t, s, key)
	s.Stop(t)
	began := time.Now()
	hasty := app.Config
	hasty.RetryFor = -1
	if _, err := newSource(t, hasty).Token(t.Context()); !errors.Is(err, tokenwright.ErrUnavailable) || time.Since(began) > 5*time.Second {
		t.Errorf("got %v after %s", err, time.Since(began))
	}
	type result struct {
		token *tokenwright.Token
		err   error
	}
	done := make(chan result, 1)
	source := newSource(t, app.Config)
	go func() {
		token, err := source.Token(t.Context())
		done <- result{token, err}
	}()
	harness.Eventually(t, 10*time.Second, "it has tried", func() bool { return app.exchanges.Load() >= 3 })
	s.Installation.Start(t)
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	harness.NoteToken(r.token.AccessToken)
}

// C-251, C-340: an application that has asked too often hears so, and does not go
// on asking; one that has a token goes on with it.
func TestTheClientSDKWaitsWhereItsLimitIsReached(t *testing.T) {
	t.Parallel()
	s, key := harness.StartWithKey(t, "demo", "--token-limit", "2") // of which the first shows that the API key works
	app := newApplication(t, s, key)
	served := newSource(t, app.Config)
	token := get(t, served)

	impatient := app.Config
	impatient.RetryFor = -1
	_, err := newSource(t, impatient).Token(t.Context())
	e, ok := errors.AsType[*tokenwright.Error](err)
	if !ok || !errors.Is(err, tokenwright.ErrUnavailable) || e.Status != 429 || e.Code != "temporarily_unavailable" ||
		e.RetryAfter < 200*time.Second || e.RetryAfter > 300*time.Second {
		t.Fatalf("got %v", err)
	}
	before := app.exchanges.Load()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := newSource(t, app.Config).Token(ctx); err == nil {
		t.Error("there is a token over the limit")
	}
	if n := app.exchanges.Load() - before; n != 1 {
		t.Errorf("%d exchanges in 2 s", n)
	}
	if again := get(t, served); again != token {
		t.Error("who has a token got another one")
	}
}
