package faults

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/jose"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
	"github.com/tokenwright/tokenwright/verify"
)

// usage is one token request.
type usage struct {
	asked, answered time.Time
	token           string           // "" where it was refused
	failure         evidence.Failure // then
}

// user asks one node for tokens of one API key, 100 times a second, whatever
// the answers.
type user struct {
	key    harness.APIKey
	url    string
	client *http.Client
	stop   chan struct{}
	done   sync.WaitGroup

	mu   sync.Mutex
	uses []usage // in the order of their answers
}

func use(node *harness.Server, key harness.APIKey) *user {
	u := &user{key: key, url: node.URL + "/demo/oauth/token", stop: make(chan struct{})}
	u.client = node.NewClient(&http.Transport{MaxIdleConnsPerHost: 256})
	u.client.Timeout = evidence.Patience
	u.done.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-u.stop:
				return
			case <-tick.C:
				u.done.Go(u.ask)
			}
		}
	})
	return u
}

func (u *user) ask() {
	f := evidence.Post(u.client, u.url, evidence.Credentials(u.key, "grant_type", "client_credentials"))
	one := usage{asked: f.At, answered: f.At.Add(f.Took)}
	if f.Status == http.StatusOK {
		one.token = evidence.TokenOf(f.Body, u.key)
	}
	if one.token == "" {
		one.failure = f
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.uses = append(u.uses, one)
}

// awaitRefusals waits until the API key has been refused ten times, one after
// the other, or until latest.
func (u *user) awaitRefusals(latest time.Time) {
	for !u.refused(10) && time.Now().Before(latest) {
		<-time.After(10 * time.Millisecond)
	}
}

func (u *user) end() {
	close(u.stop)
	u.done.Wait()
	u.client.CloseIdleConnections()
}

func (u *user) refused(times int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.uses) < times {
		return false
	}
	for _, one := range u.uses[len(u.uses)-times:] {
		if one.token != "" {
			return false
		}
	}
	return true
}

// tokensSince returns the last token that was answered before then, and all
// after it.
func (u *user) tokensSince(then time.Time) (tokens []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	last := ""
	for _, one := range u.uses {
		switch {
		case one.token == "":
		case one.answered.Before(then):
			last = one.token
		default:
			tokens = append(tokens, one.token)
		}
	}
	return append(tokens, last)
}

// feedReader judges tokens as a resource server does that knows the signing keys
// and the revocations which one node publishes.
type feedReader struct {
	verifier *verify.Verifier
	keys     []*jose.Key
	feed     *accesstoken.Revocations
}

// newFeedReader reads both; the feed must be signed by one of the keys.
func newFeedReader(t *testing.T, node *harness.Server) *feedReader {
	t.Helper()
	r := &feedReader{}
	var err error
	if r.keys, err = jose.ParseJWKS(node.Get(t, node.URL+"/demo/oauth/jwks").Body); err != nil {
		t.Fatal(err)
	}
	message, err := jose.ParseUpTo(string(node.Get(t, node.URL+"/demo/oauth/revocations").Body), accesstoken.MaxRevocationsSize)
	if err != nil {
		t.Fatal(err)
	}
	key, err := r.Key(t.Context(), message.KeyID)
	if err == nil {
		err = message.Verify(key)
	}
	if err == nil {
		r.feed, err = accesstoken.ParseRevocations(string(message.Payload))
	}
	if err != nil {
		t.Fatal(err)
	}
	r.verifier, err = verify.New(t.Context(), verify.Config{
		Issuer: r.feed.Issuer, Audience: r.feed.Issuer + "/api", Keys: r, Revocations: r,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Key implements verify.KeySet.
func (r *feedReader) Key(_ context.Context, kid string) (*jose.Key, error) {
	for _, k := range r.keys {
		if k.KeyID() == kid {
			return k, nil
		}
	}
	return nil, verify.ErrKey
}

// Revoked implements verify.Revocations, for API keys alone.
func (r *feedReader) Revoked(_ time.Time, _ string, claims *accesstoken.Claims) error {
	for _, c := range r.feed.Cutoffs {
		if c.ClientID == claims.ClientID && claims.Generation < c.Generation {
			return verify.ErrRevoked
		}
	}
	return nil
}

// judge returns nil for a token that is alive. One that is not must be revoked,
// not wrong in some other way.
func (r *feedReader) judge(t *testing.T, token string) error {
	t.Helper()
	_, err := r.verifier.Verify(t.Context(), token)
	if err != nil && !errors.Is(err, verify.ErrRevoked) {
		t.Errorf("a token of the node is refused: %v", err)
	}
	return err
}
