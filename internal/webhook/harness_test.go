package webhook_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/internal/store"
	"github.com/tokenwright/tokenwright/internal/storetest"
	"github.com/tokenwright/tokenwright/internal/webhook"
)

// secret is base64 of 32 bytes.
const secret = "whsec_dG9rZW53cmlnaHQgdGVzdCBzZWNyZXQgMzIgYnl0ZXM="

func mustSecret(t testing.TB, text string) webhook.Secret {
	t.Helper()
	s, err := webhook.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// world is an installation with a log of events, and a clock of its own.
type world struct {
	*store.Store
	path     string
	registry *prometheus.Registry
	log      bytes.Buffer // of dispatchers that have ended a step

	mu  sync.Mutex
	now time.Time
	n   int // events
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{path: filepath.Join(t.TempDir(), "tokenwright.db"), now: time.UnixMilli(1764000000123).UTC()}
	w.Store = w.reopened(t)
	inst := &authority.Installation{Prefix: "tw", MerchantIDs: authority.MerchantText, Lineage: authority.Lineage{Number: 1}, CreatedAt: w.now,
		Environments: []authority.Environment{{Name: "demo", Issuer: "http://localhost:8080/demo", Algorithm: jose.ES256}}}
	root := &authority.SealedRootKey{ID: 1, Sealed: []byte("sealed"), CreatedAt: w.now}
	if err := w.Initialize(t.Context(), inst, root, nil, w.draft(authority.InstallationCreated, "tw", "", "")); err != nil {
		t.Fatal(err)
	}
	return w
}

// reopened is the same database, as another process has it.
func (w *world) reopened(t *testing.T) *store.Store {
	t.Helper()
	st, err := storetest.OpenSQLite(t.Context(), w.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

func (w *world) draft(kind authority.EventKind, subject string, merchant authority.MerchantID, env string) *authority.Draft {
	return &authority.Draft{Event: authority.Event{
		Time: w.Now(), Actor: authority.Actor{ID: "system"}, Kind: kind, Subject: subject, MerchantID: merchant, Env: env, Details: "{}", RootKeyID: 1,
	}}
}

// happen writes an event into the log, with a change that does not matter.
func (w *world) happen(t *testing.T, kind authority.EventKind, merchant authority.MerchantID, env string) {
	t.Helper()
	w.n++
	scope := &authority.Scope{Name: fmt.Sprintf("s%d:read", w.n), CreatedAt: w.Now()}
	if err := w.CreateScope(t.Context(), scope, w.draft(kind, scope.Name, merchant, env)); err != nil {
		t.Fatal(err)
	}
}

// Now is the clock.
func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// dispatcher is a node with webhooks, each of which begins now where it is new.
func (w *world) dispatcher(t *testing.T, list ...webhook.Webhook) *webhook.Dispatcher {
	t.Helper()
	w.registry = prometheus.NewRegistry()
	d := webhook.New(webhook.Config{
		Store: w.Store, Webhooks: list, Clock: w.Now, Logger: slog.New(slog.NewTextHandler(&w.log, nil)), Registry: w.registry,
		Data: func(e *authority.Event) any { return map[string]any{"seq": e.Seq, "kind": e.Kind} },
	})
	step(t, d)
	return d
}

func step(t *testing.T, d *webhook.Dispatcher) {
	t.Helper()
	if err := d.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// delivery is the newest of a webhook.
func (w *world) delivery(t *testing.T, name string) webhook.Delivery {
	t.Helper()
	list, err := w.Deliveries(t.Context(), name, "", 0, 1)
	if err != nil || len(list) != 1 {
		t.Fatalf("the deliveries of %s are %v, %v", name, list, err)
	}
	return list[0]
}

// endpoint is a receiver of messages.
type endpoint struct {
	*httptest.Server
	answer func(http.ResponseWriter, *http.Request) // nil: 204

	mu       sync.Mutex
	requests []received
}

// received is a request that an endpoint got.
type received struct {
	header http.Header
	body   string
}

func newEndpoint(t *testing.T, answer func(http.ResponseWriter, *http.Request)) *endpoint {
	t.Helper()
	e := &endpoint{answer: answer}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

// ServeHTTP implements http.Handler.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	e.requests = append(e.requests, received{r.Header.Clone(), string(body)})
	e.mu.Unlock()
	if e.answer != nil {
		e.answer(w, r)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (e *endpoint) received() []received {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]received(nil), e.requests...)
}

// hook is a webhook of an endpoint on this machine, told of everything.
func (e *endpoint) hook(t *testing.T, name string) webhook.Webhook {
	t.Helper()
	return webhook.Webhook{Name: name, URL: e.URL + "/hook", Events: []string{"*"}, Secret: mustSecret(t, secret), AllowPrivate: true}
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}
