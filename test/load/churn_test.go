package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/admin"
	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

const (
	churnEmail    = "ada@example.com"
	churnPassword = "trumpet-oboe-figs-47"
)

// churn is the work that goes on beside a load: in each round an API key comes, is
// used, changes, and goes, and a token is revoked; in every fifth somebody signs in.
type churn struct {
	t      *testing.T
	server *harness.Server
	admin  *admin.Client
	stop   context.CancelFunc
	done   sync.WaitGroup

	rounds, failed int
}

func startChurn(t *testing.T, s *harness.Server, m *admin.Client, apart time.Duration) *churn {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &churn{t: t, server: s, admin: m, stop: cancel}
	c.done.Go(func() {
		for ctx.Err() == nil {
			if err := c.round(context.WithoutCancel(ctx)); err != nil {
				if c.failed++; c.failed <= 5 {
					t.Errorf("round %d: %v", c.rounds, err)
				}
			}
			c.rounds++
			<-time.After(apart)
		}
	})
	return c
}

// end returns how many rounds have failed.
func (c *churn) end() int {
	c.stop()
	c.done.Wait()
	return c.failed
}

func (c *churn) round(ctx context.Context) error {
	key, err := newKey(ctx, c.admin)
	if err != nil {
		return fmt.Errorf("creating an API key: %w", err)
	}
	token, err := c.token(key)
	if err != nil {
		return err
	}
	if err := c.revoke(key, token); err != nil {
		return err
	}
	now := int64(0)
	rotated, err := c.admin.RotateAPIKey(ctx, key.ClientID, admin.Rotation{Overlap: &now})
	if err != nil {
		return fmt.Errorf("replacing a secret: %w", err)
	}
	harness.NoteSecret(rotated.ClientSecret)
	old := key
	key.ClientSecret = rotated.ClientSecret
	if _, err := c.token(key); err != nil {
		return err
	}
	if _, err := c.token(old); err == nil {
		return errors.New("a token for a secret that was replaced")
	}
	if _, err := c.admin.DisableAPIKey(ctx, key.ClientID, 0); err != nil {
		return fmt.Errorf("disabling an API key: %w", err)
	}
	if err := c.admin.DeleteAPIKey(ctx, key.ClientID, 0); err != nil {
		return fmt.Errorf("deleting an API key: %w", err)
	}
	if _, err := c.token(key); err == nil {
		return errors.New("a token for an API key that was deleted")
	}
	if c.rounds%5 == 0 { // of an address the console takes a hundred forms in five minutes
		return c.signIn()
	}
	return nil
}

func (c *churn) post(path string, form url.Values) evidence.Failure {
	return evidence.Post(c.server.Client, c.server.URL+path, form)
}

func (c *churn) token(key harness.APIKey) (string, error) {
	f := c.post("/demo/oauth/token", evidence.Credentials(key, "grant_type", "client_credentials"))
	token := evidence.TokenOf(f.Body, key)
	if token == "" {
		return "", fmt.Errorf("no token: %s", f)
	}
	if c.rounds%100 == 0 {
		harness.NoteToken(token)
	}
	return token, nil
}

func (c *churn) revoke(key harness.APIKey, token string) error {
	form := evidence.Credentials(key, "token", token)
	if f := c.post("/demo/oauth/introspect", form); !strings.HasPrefix(f.Body, `{"active":true,`) {
		return fmt.Errorf("introspection of a token: %s", f)
	}
	if f := c.post("/demo/oauth/revoke", form); f.Status != http.StatusOK {
		return fmt.Errorf("revoking a token: %s", f)
	}
	if f := c.post("/demo/oauth/introspect", form); f.Body != `{"active":false}` {
		return fmt.Errorf("introspection of a token that was revoked: %s", f)
	}
	return nil
}

// signIn lets somebody into the console.
func (c *churn) signIn() error {
	r := harness.FormOf(c.t, c.server.URL, "/console/sign-in", url.Values{"email": {churnEmail}, "password": {churnPassword}})
	resp, err := c.server.Client.Transport.RoundTrip(r)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	cookies := resp.Cookies()
	if resp.StatusCode != http.StatusSeeOther || len(cookies) == 0 {
		return fmt.Errorf("somebody who signs in is answered %s", resp.Status)
	}
	if c.rounds%100 == 0 {
		harness.NoteSession(cookies[0].Name + "=" + cookies[0].Value)
	}
	return nil
}
