package model

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tokenwright/tokenwright/internal/accesstoken"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/jose"
)

// Who works in a round: 50 altogether, half on each node.
const (
	shared         = 4 // merchants whose API keys both nodes change
	workersPer     = 8
	owned          = 2 // merchants whose API keys only one node changes
	workersPerOwn  = 5
	others         = 8 // secrets, tokens, signing keys
	workers        = shared*workersPer + owned*workersPerOwn + others
	callsPerWorker = 3
)

// merchant is one of a round, with the API keys that were made so far.
type merchant struct {
	id  authority.MerchantID
	own bool // one node alone changes them

	mu   sync.Mutex
	made []*apiKey
}

func (m *merchant) add(k *apiKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made = append(m.made, k)
}

func (m *merchant) any(r *rand.Rand) *apiKey {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.made[r.IntN(len(m.made))]
}

// round is what 50 workers do at once.
type round struct {
	*installation
	t         *testing.T
	n         int
	merchants []*merchant
	standing  *apiKey // nobody changes it

	mu   sync.Mutex
	ops  []*operation
	dead []deadToken
}

// deadToken is one that was revoked, and that was acknowledged.
type deadToken struct {
	claims *accesstoken.Claims
	kid    string
}

// run lets all workers begin at the same moment, and waits for the last.
func (r *round) run(seed uint64) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	begun := 0
	begin := func(node int, work func(w *worker)) {
		w := &worker{round: r, n: begun, node: node, Rand: rand.New(rand.NewPCG(seed, uint64(begun)))}
		begun++
		wg.Go(func() {
			<-start
			for range callsPerWorker {
				work(w)
			}
		})
	}
	for i, m := range r.merchants {
		for n := range workersPer {
			if !m.own {
				begin(n%2, func(w *worker) { w.manage(m) })
			} else if n < workersPerOwn {
				begin(i%2, func(w *worker) { w.changeOrUse(m) })
			}
		}
	}
	for n := range others / 4 {
		begin(n%2, (*worker).rotateSecret)
		begin(n%2, (*worker).revokeToken)
		begin(n%2, (*worker).rotateSigningKey)
		begin(n%2, (*worker).tend)
	}
	if begun != workers {
		r.t.Fatalf("%d workers", begun)
	}
	close(start)
	wg.Wait()
}

// worker does one thing after the other, at one node.
type worker struct {
	*round
	*rand.Rand
	n, node, calls int
}

func (w *worker) authority() *authority.Authority { return w.nodes[w.node] }

// do makes one call and records it.
func (w *worker) do(a action, m *merchant, key string, call func(context.Context, authority.Actor, *operation) error) {
	w.calls++
	o := &operation{
		worker: w.n, node: w.node, action: a, key: key, request: fmt.Sprintf("round %d worker %d call %d", w.round.n, w.n, w.calls),
	}
	if m != nil {
		o.merchant = m.id
	}
	o.call = time.Now()
	o.err = call(w.t.Context(), authority.Actor{Permissions: authority.Everything(), ID: "test", RequestID: o.request}, o)
	o.ret = time.Now()
	o.result = resultOf(o.err)
	if o.result == "" {
		if w.disturb == nil || errors.Is(o.err, errAlive) {
			w.t.Errorf("%s of %s at node %d: %v", a, key, w.node, o.err)
		}
		o.result = unknown
	}
	w.record(o)
}

func (r *round) record(o *operation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, o)
}

// changes is how many calls have changed something so far.
func (r *round) changes() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.ops {
		if o.result == done && kinds[o.action].kind != "" {
			n++
		}
	}
	return n
}

// resultOf says what an error means; "" for one that must not be. That the
// database took too long is judged in full.
func resultOf(err error) result {
	var refusal *authority.Refusal
	var unripe *authority.UnripeError
	var sql *pgconn.PgError
	switch {
	case err == nil:
		return done
	case errors.Is(err, authority.ErrActiveKeyLimit):
		return atLimit
	case errors.Is(err, authority.ErrNotFound):
		return notFound
	case errors.Is(err, authority.ErrConflict):
		return conflict
	case errors.As(err, &refusal), errors.As(err, &unripe), errors.Is(err, authority.ErrSecretLimit):
		return refused
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &sql) && slices.Contains(tooLong, sql.Code):
		return unknown
	}
	return ""
}

// tooLong is lock_timeout, statement_timeout and idle_in_transaction_session_timeout.
var tooLong = []string{"55P03", "57014", "25P03"}

// manage does something about the API keys of a merchant.
func (w *worker) manage(m *merchant) {
	if w.IntN(4) == 0 {
		w.create(m)
		return
	}
	if w.IntN(4) == 0 {
		w.do(list, m, "", func(ctx context.Context, _ authority.Actor, o *operation) error { return w.list(ctx, m, o) })
		return
	}
	w.change(m, m.any(w.Rand))
}

func (w *worker) create(m *merchant) {
	k := &apiKey{name: fmt.Sprintf("%d.%d", w.n, w.calls)}
	w.do(create, m, k.name, func(ctx context.Context, actor authority.Actor, _ *operation) error {
		created, secret, err := w.authority().CreateAPIKey(ctx, actor, authority.NewAPIKey{
			MerchantID: m.id, Env: demo, Name: k.name, Scopes: []string{scope},
		})
		if err == nil {
			k.id, k.secret = created.ID, secret
			m.add(k)
		}
		return err
	})
}

// change disables, enables or deletes an API key.
func (w *worker) change(m *merchant, k *apiKey) {
	a := []action{disable, disable, enable, enable, remove}[w.IntN(5)]
	w.do(a, m, k.name, func(ctx context.Context, actor authority.Actor, _ *operation) (err error) {
		switch a {
		case disable:
			_, err = w.authority().DisableAPIKey(ctx, actor, k.id, 0)
		case enable:
			_, err = w.authority().EnableAPIKey(ctx, actor, k.id, 0)
		default:
			err = w.authority().DeleteAPIKey(ctx, actor, k.id, 0)
		}
		return err
	})
}

func (w *worker) list(ctx context.Context, m *merchant, o *operation) error {
	found, err := w.authority().APIKeys(ctx, somebody, authority.APIKeyFilter{MerchantID: m.id}, "", 1000)
	o.listed = keys{}
	for i := range found {
		o.listed[found[i].Name] = found[i].Status == authority.Active
	}
	return err
}

// changeOrUse changes an API key that only this node changes, or asks for a token.
func (w *worker) changeOrUse(m *merchant) {
	k := m.any(w.Rand)
	if w.IntN(3) == 0 {
		w.change(m, k)
		return
	}
	w.do(use, m, k.name, func(context.Context, authority.Actor, *operation) error {
		_, err := w.authority().IssueToken(k.request())
		return err
	})
}

// rotateSecret gives an API key that others change meanwhile another secret;
// the one that is known works on.
func (w *worker) rotateSecret() {
	k := w.merchants[w.IntN(shared)].any(w.Rand)
	w.do(rotateSecret, nil, k.name, func(ctx context.Context, actor authority.Actor, _ *operation) error {
		_, _, err := w.authority().RotateSecret(ctx, actor, k.id, authority.Rotation{Overlap: 24 * time.Hour})
		return err
	})
}

// rotateSigningKey lets another signing key sign, or revokes the one that signs.
func (w *worker) rotateSigningKey() {
	if w.IntN(10) > 0 {
		w.do(rotateSigningKey, nil, "", func(ctx context.Context, actor authority.Actor, _ *operation) error {
			_, err := w.authority().RotateSigningKey(ctx, actor, demo)
			return err
		})
		return
	}
	w.do(revokeSigningKey, nil, "", func(ctx context.Context, actor authority.Actor, _ *operation) error {
		list, err := w.authority().SigningKeys(ctx, somebody)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(list, func(k authority.SigningKey) bool { return k.Env == demo && k.Status == authority.SigningKeyActive })
		_, err = w.authority().RevokeSigningKey(ctx, actor, list[at].KeyID, false)
		return err
	})
}

// tend does what time asks for, and so writes down the use of the API
// keys that both nodes have met.
func (w *worker) tend() {
	w.do(writeUsage, nil, "", func(ctx context.Context, _ authority.Actor, _ *operation) error {
		return w.authority().FlushUsage(ctx)
	})
	w.do(tendSigningKeys, nil, "", func(ctx context.Context, _ authority.Actor, _ *operation) error {
		return w.authority().TendSigningKeys(ctx)
	})
}

var errAlive = errors.New("a token is alive at the node that has revoked it")

// revokeToken kills a token, which must be dead at this node at once.
func (w *worker) revokeToken() {
	a := w.authority()
	w.do(revokeToken, nil, "", func(ctx context.Context, actor authority.Actor, _ *operation) error {
		token, err := a.IssueToken(w.standing.request())
		if err != nil {
			return err
		}
		message, err := jose.Parse(string(token.AccessToken))
		if err != nil {
			return err
		}
		claims, err := accesstoken.Parse(string(message.Payload))
		if err != nil {
			return err
		}
		client, err := a.AuthenticateClient(w.standing.request())
		if err != nil {
			return err
		}
		if revoked, err := a.RevokeToken(ctx, actor, client, claims); err != nil || !revoked {
			return errors.Join(err, ctx.Err())
		}
		if is, err := a.Revoked(demo, claims, message.KeyID); err != nil || !is {
			return fmt.Errorf("%w (%v)", errAlive, err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.dead = append(w.dead, deadToken{claims, message.KeyID})
		return nil
	})
}
