package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/adminapi"
	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/console"
	"github.com/tokenwright/tokenwright/internal/docs"
	"github.com/tokenwright/tokenwright/internal/forwardauth"
	"github.com/tokenwright/tokenwright/internal/leaks"
	"github.com/tokenwright/tokenwright/internal/mail"
	"github.com/tokenwright/tokenwright/internal/oauthapi"
	"github.com/tokenwright/tokenwright/internal/server"
	"github.com/tokenwright/tokenwright/internal/store"
	"github.com/tokenwright/tokenwright/internal/webhook"
	"github.com/tokenwright/tokenwright/verify"
)

// node is the part of a server that needs the database. While that is not there
// yet it answers every request with 503, and goes on trying.
type node struct {
	*app
	options  store.Options
	logger   *slog.Logger
	registry *prometheus.Registry
	stopping context.Context // done once the server is to end
	started  func(context.Context, *openNode) error
	webhooks []webhook.Webhook
	mail     *mail.Sender // nil where there is no mail server
	pulse    server.Pulse

	opened atomic.Pointer[openNode] // nil until the database is there
}

type openNode struct {
	auth     *authority.Authority
	accounts *account.Accounts
	store    *store.Store
	leaks    *leaks.Handler
	webhooks *webhook.Dispatcher
	handler  http.Handler
}

// openPause is how long a node waits, give or take a half, before it asks again
// for a database that did not answer.
const openPause = time.Second

// open opens the database, sets it up where it is empty, and reads the
// directory.
func (n *node) open(ctx context.Context) error {
	auth, st, err := n.openServing(ctx, n.options, n.logger)
	if err != nil {
		return err
	}
	if err := webhook.Begin(ctx, st, n.told(), auth.Now()); err != nil { // whoever sees a node that is ready can rely on it
		return errors.Join(err, st.Close())
	}
	opened := &openNode{auth: auth, accounts: account.New(auth, st), store: st, leaks: n.leaksOf(auth)}
	opened.webhooks = n.dispatcher(opened)
	if opened.handler, err = n.surfaces(opened); err != nil {
		return errors.Join(err, st.Close())
	}
	n.registry.MustRegister(newState(auth, st, n.config.MaxStaleness))
	n.opened.Store(opened)
	return nil
}

func (n *node) close() error {
	if opened := n.opened.Load(); opened != nil {
		return opened.store.Close()
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if opened := n.opened.Load(); opened != nil {
		opened.handler.ServeHTTP(w, r)
		return
	}
	if forwardauth.Serves(r.URL.Path) {
		forwardauth.Unavailable(w, r)
		return
	}
	w.Header().Set("Retry-After", "1")
	server.WriteError(w, http.StatusServiceUnavailable, "This node waits for its database. Try again after the time in Retry-After.")
}

var errNoAnswer = errors.New("the database has not answered since this node was started")

// ready says why the node should get no traffic.
func (n *node) ready() error {
	if opened := n.opened.Load(); opened != nil {
		return opened.auth.Ready()
	}
	return errNoAnswer
}

// run waits for the database where it is not there yet, until serving is done,
// and then does what a node does beside answering, until following is done. An
// error that ends the server goes to stop.
func (n *node) run(serving, following context.Context, stop context.CancelCauseFunc) {
	if n.opened.Load() == nil {
		// It has started, for it lives; a manager that waits for more would kill it.
		n.notify(n.logger, daemon.SdNotifyReady, statusWaiting)
	}
	if err := n.await(serving); err != nil {
		stop(err)
	}
	opened := n.opened.Load()
	if opened == nil {
		return
	}
	if serving.Err() == nil {
		n.notify(n.logger, daemon.SdNotifyReady, statusServing+n.config.URL)
	}
	var wg sync.WaitGroup
	wg.Go(func() { opened.auth.Follow(following) })
	wg.Go(func() { opened.auth.Keep(following) })
	wg.Go(func() { opened.leaks.Run(following) })
	wg.Go(func() { opened.webhooks.Run(following) })
	if n.started != nil {
		if err := n.started(serving, opened); err != nil {
			stop(err)
		}
	}
	wg.Wait()
}

// await tries until the database is open, ctx is done, or something is wrong
// that waiting does not mend.
func (n *node) await(ctx context.Context) error {
	for told := false; n.opened.Load() == nil; {
		err := n.open(ctx)
		switch {
		case err == nil:
			n.logger.Info("the database answers")
			return nil
		case ctx.Err() != nil:
			return nil
		case !store.Unreachable(err):
			return err
		case !told:
			n.logger.Error("the database does not answer; asking again until it does", "error", err)
			told = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(openPause/2 + rand.N(openPause)):
		}
	}
	return nil
}

// openServing opens the database and reads the directory.
func (a *app) openServing(ctx context.Context, o store.Options, logger *slog.Logger) (_ *authority.Authority, _ *store.Store, err error) {
	environments, err := a.config.environments()
	if err != nil {
		return nil, nil, err
	}
	if o.Create {
		if err := a.refuseLost(); err != nil {
			return nil, nil, err
		}
	}
	st, err := a.openStore(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			_ = st.Close()
		}
	}()
	if _, _, err := st.Installation(ctx); errors.Is(err, authority.ErrNotFound) && o.Create {
		if err := a.initialize(ctx, st, environments); err != nil {
			return nil, nil, err
		}
	}
	keys, err := a.masterKeys()
	if err != nil {
		return nil, nil, err
	}
	cfg := a.config.authority()
	cfg.Store, cfg.MasterKeys, cfg.Logger = st, keys, logger
	cfg.BaseURL, cfg.Environments, cfg.Node = a.config.URL, environments, nodeInfo()
	auth, err := a.openAuthority(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	return auth, st, auth.LoadDirectory(ctx)
}

// nodeInfo is what a server tells of itself in the list of nodes.
func nodeInfo() authority.NodeInfo {
	version, _, _ := server.Build()
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return authority.NodeInfo{Version: version, Host: host}
}

// surfaces is all that a node answers.
func (n *node) surfaces(o *openNode) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", server.NotFound)
	api, err := n.register(o, mux.Handle)
	if err != nil {
		return nil, err
	}
	// Gateways send the Host of their client, which may be an environment's own.
	return n.forwardAuthOf(o.auth).Before(api.OwnHosts(mux, server.NotFound)), nil
}

// register hands every route below the base URL to handle, but those that stand
// before the mux: forward-auth and the probes.
func (n *node) register(o *openNode, handle func(pattern string, handler http.Handler)) (*oauthapi.API, error) {
	site, err := docs.New(n.docsConfig(o.auth))
	if err != nil {
		return nil, err
	}
	api := oauthapi.New(oauthapi.Config{
		Authority: o.auth, BaseURL: n.config.URL, Registry: n.registry, Stopping: n.stopping, Overloaded: n.pulse.Overloaded,
		TokenLimit: n.config.TokenLimit, TokenLimitDryRun: n.config.TokenLimitDryRun, FailureLimit: n.config.FailureLimit,
	})
	api.Register(handle)
	n.adminAPI(o).Register(handle)
	providers, err := n.singleSignOn()
	if err != nil {
		return nil, err
	}
	pages, err := console.New(console.Config{
		Authority: o.auth, Accounts: o.accounts, BaseURL: n.config.URL, Version: nodeInfo().Version, Database: n.config.databaseKind(),
		SingleSignOn: providers, Mail: n.mailTo(), Registry: n.registry,
	})
	if err != nil {
		return nil, err
	}
	pages.Register(handle)
	o.leaks.Register(handle)
	site.Register(handle)
	handle("GET /{$}", http.RedirectHandler("/docs", http.StatusFound)) // the address that people open first
	return api, nil
}

// adminAPI is open to tokens of every environment, platform among them, that are
// for it.
func (n *node) adminAPI(o *openNode) *adminapi.API {
	var issuers verify.Issuers
	for i := range o.auth.Environments() {
		issuers = append(issuers, oauthapi.Verifier(o.auth, &o.auth.Environments()[i], n.config.URL+"/admin"))
	}
	return adminapi.New(adminapi.Config{
		Authority: o.auth, Accounts: o.accounts, Webhooks: o.webhooks, Issuers: issuers, Limit: n.config.AdminLimit,
	})
}

// forwardAuthOf is the check of gateways, for tokens of every environment but
// platform.
func (n *node) forwardAuthOf(auth *authority.Authority) *forwardauth.Handler {
	verifiers := map[string]*verify.Verifier{}
	for i := range auth.Environments() {
		if env := &auth.Environments()[i]; env.Name != authority.Platform {
			verifiers[env.Name] = oauthapi.Verifier(auth, env, env.Audience)
		}
	}
	return forwardauth.New(forwardauth.Config{
		Verifier: func(env string) *verify.Verifier { return verifiers[env] }, Policies: n.config.ForwardAuth.policies(),
		Registry: n.registry,
	})
}

// leaksOf takes reports of leaked secrets, and of tokens of every environment.
func (n *node) leaksOf(auth *authority.Authority) *leaks.Handler {
	c := leaks.Config{Authority: auth, Logger: n.logger}
	for i := range auth.Environments() {
		c.Verifiers = append(c.Verifiers, oauthapi.AnyVerifier(auth, &auth.Environments()[i]))
	}
	return leaks.New(c)
}

// docsConfig is what the documentation says of the installation.
func (a *app) docsConfig(auth *authority.Authority) docs.Config {
	c := docs.Config{BaseURL: a.config.URL, Prefix: auth.Installation().Prefix}
	for i := range auth.Environments() {
		env := &auth.Environments()[i]
		described := docs.Environment{Name: env.Name, Issuer: env.Issuer, Audience: env.Audience, Algorithm: string(env.Algorithm)}
		if env.Name == authority.Platform {
			c.Platform = described
			c.Platform.Audience = a.config.URL + "/admin" // what operator keys get tokens for
		} else {
			c.Environments = append(c.Environments, described)
		}
	}
	return c
}
