package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/tokenwright/tokenwright/verify"
)

// revocationFigures is how long a revoked token lives on.
type revocationFigures struct {
	Node     delays `json:"other_node"` // until the other node's introspection says so
	Verifier delays `json:"verifier"`   // until a verifier that follows the feed of the other node does
}

// delays are from the answer to the revocation on.
type delays struct {
	Trials int     `json:"trials"`
	P50    float64 `json:"p50_ms"`
	P99    float64 `json:"p99_ms"`
	Max    float64 `json:"max_ms"`
}

const (
	// How often the time of a round tokens are revoked for, one after the other.
	revocationTurns = 5
	// A verifier that does not hear of a revocation for so long never will.
	deaf = 30 * time.Second
)

// revocation ends tokens at one of two nodes, and looks when the other one knows, and
// a verifier that asks nobody. (That it holds under load, and with notifications lost,
// make proof shows.)
func (b *bench) revocation(ctx context.Context) (any, error) {
	p, err := b.populate(ctx, "revocation", 9180, 1)
	if err != nil {
		return nil, err
	}
	pg, err := b.move(ctx, p)
	if err != nil {
		return nil, err
	}
	defer pg.Remove()
	for _, port := range []int{p.port, p.port + 1} {
		node, err := b.node(ctx, p, port)
		if err != nil {
			return nil, err
		}
		defer node.stop()
	}
	issuer := p.url + "/demo"
	v, err := verify.New(ctx, verify.Config{Issuer: issuer, Audience: issuer + "/api"})
	if err != nil {
		return nil, err
	}
	defer v.Close()
	t := revocationTrial{key: p.keys[0], revokes: fmt.Sprintf("http://127.0.0.1:%d/demo/oauth", p.port+1), hears: issuer + "/oauth", verifier: v}
	var node, verifier []time.Duration
	for began := time.Now(); time.Since(began) < revocationTurns*time.Duration(b.rounds)*b.duration; {
		n, o, err := t.run(ctx)
		if err != nil {
			return nil, err
		}
		node, verifier = append(node, n), append(verifier, o)
	}
	f := &revocationFigures{delaysOf(node), delaysOf(verifier)}
	row := func(who string, d *delays, bar bar) []string {
		return []string{who, fmt.Sprintf("%.0f ms", d.P50), fmt.Sprintf("%.0f ms", d.P99), fmt.Sprintf("%.0f ms", d.Max), bar.beside(d.P99 / 1000)}
	}
	b.table(fmt.Sprintf("Revocation of a token at one of two nodes on one PostgreSQL, %d times", f.Node.Trials), [][]string{
		{"who knows of it", "half of the times within", "99 of 100 within", "always within", "must reach"},
		row("the other node", &f.Node, barOtherNode), row("a verifier that follows the other node", &f.Verifier, barVerifier),
	})
	return f, nil
}

// revocationTrial ends a token at one node; who hears of it follows the other one.
type revocationTrial struct {
	key            apiKey
	revokes, hears string // where the endpoints of the two nodes are
	verifier       *verify.Verifier
}

func (t *revocationTrial) run(ctx context.Context) (node, verifier time.Duration, err error) {
	token, ok := askOnce(http.DefaultClient, t.revokes+"/token", t.key.body())
	if !ok {
		return 0, 0, errors.New("no token")
	}
	about := t.key.introspection(token)
	known := func() (bool, error) {
		good, err := alive(t.hears+"/introspect", about)
		return !good, err
	}
	refused := func() (bool, error) {
		_, err := t.verifier.Verify(ctx, token)
		if errors.Is(err, verify.ErrRevoked) {
			return true, nil
		}
		return false, err
	}
	for _, dead := range []func() (bool, error){known, refused} {
		if early, err := dead(); early || err != nil {
			return 0, 0, fmt.Errorf("a token is dead before it was revoked: %t, %w", early, err)
		}
	}
	resp, err := http.PostForm(t.revokes+"/revoke", url.Values{"client_id": {t.key.ClientID}, "client_secret": {t.key.ClientSecret}, "token": {token}})
	if err != nil {
		return 0, 0, err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, 0, fmt.Errorf("revocation is answered %s", resp.Status)
	}
	answered := time.Now()
	var errs [2]error
	var both sync.WaitGroup
	both.Go(func() { node, errs[0] = until(ctx, answered, known) })
	both.Go(func() { verifier, errs[1] = until(ctx, answered, refused) })
	both.Wait()
	return node, verifier, errors.Join(errs[:]...)
}

// until is the time since begun at which something is so; it is looked at every millisecond.
func until(ctx context.Context, begun time.Time, so func() (bool, error)) (time.Duration, error) {
	for {
		switch ok, err := so(); {
		case err != nil:
			return 0, err
		case ok:
			return time.Since(begun), nil
		case time.Since(begun) > deaf:
			return 0, fmt.Errorf("a revoked token lives after %s", deaf)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

func delaysOf(all []time.Duration) delays {
	slices.Sort(all)
	ms := func(quantile float64) float64 {
		return float64(all[int(quantile*float64(len(all)-1))].Microseconds()) / 1000
	}
	return delays{len(all), ms(0.5), ms(0.99), ms(1)}
}
