package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/tokenwright/tokenwright/internal/account"
	"github.com/tokenwright/tokenwright/internal/forwardauth"
	"github.com/tokenwright/tokenwright/internal/oauthapi"
	"github.com/tokenwright/tokenwright/internal/server"
	"github.com/tokenwright/tokenwright/internal/store"
)

func (a *app) serveCommand() *cobra.Command {
	var noMigrate bool
	c := a.command("serve", "Run the server", func(ctx context.Context, _ []string) error {
		return a.serve(ctx, store.Options{Create: !noMigrate, NoMigrate: noMigrate}, a.offerSetUp)
	})
	explained(c, `Run the server. An empty data directory is set up: database, master key, and one
signing key for each environment. An empty PostgreSQL database is set up as well,
under the master key that all nodes are given.

The log goes to standard error. SIGTERM and SIGINT end the server gracefully, a
second one at once; SIGHUP reads the TLS certificate again.

Each setting may also stand in the file of --config, or in a variable; tokenwright
config check shows what is in force.`,
		`# On this machine, to try it.
tokenwright serve
# Behind a proxy that ends TLS.
tokenwright serve --url https://auth.example.com --listen :8080 --trusted-proxies 10.0.0.10/32
# By itself.
tokenwright serve --url https://auth.example.com --listen :443 --tls-cert-file cert.pem --tls-key-file key.pem
# With everything in a file.
tokenwright serve --config tokenwright.yaml`)
	c.Flags().BoolVar(&noMigrate, "no-migrate", false, "do not create or migrate the database, only check it")
	a.configFlags(c.Flags())
	return c
}

// offerSetUp prints a link that makes the first operator, where there is none.
// It is for whoever has started the server, and no record of the log.
func (a *app) offerSetUp(ctx context.Context, o *openNode) error {
	link, err := a.setUpURL(ctx, o)
	if err == nil && link != "" {
		fmt.Fprintf(a.stdout, "The console has no operator yet. Open this link once, within a day, to become the first:\n  %s\n", link)
	}
	return err
}

// setUpURL is that link, or "" where there is an operator.
func (a *app) setUpURL(ctx context.Context, o *openNode) (string, error) {
	link, err := o.accounts.SetUpLink(ctx)
	if errors.Is(err, account.ErrSetUp) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return a.config.URL + account.LinkPath + link.Token.Reveal(), nil
}

// serve runs the server until ctx is done. started is called once it answers; an
// error of it ends the server.
func (a *app) serve(ctx context.Context, o store.Options, started func(context.Context, *openNode) error) (err error) {
	a.limitMemory()
	webhooks, err := a.webhooks()
	if err != nil {
		return err
	}
	if _, err := a.singleSignOn(); err != nil { // before anything is opened; the URL may not be known yet
		return err
	}
	mails, err := a.mailConfig()
	if err != nil {
		return err
	}
	log, err := a.openLog()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	listeners, err := a.listen(ctx, secretsInClear)
	if err != nil {
		return err
	}
	defer listeners.close() // the server closes them too; twice does no harm
	n := &node{app: a, options: o, logger: log.Logger(), registry: prometheus.NewRegistry(), stopping: ctx, started: started, webhooks: webhooks}
	n.mail = a.sender(mails, n.registry)
	defer func() { err = errors.Join(err, n.close()) }()
	if err := n.open(ctx); err != nil && !store.Unreachable(err) {
		return err
	}
	srv, reload, err := a.newServer(server.Config{
		Handler: n, Registry: n.registry, Logger: n.logger, Ready: n.ready, Pulse: &n.pulse, StayOnHTTPS: strings.HasPrefix(a.config.URL, "https:"),
	}, listeners)
	if err != nil {
		return err
	}
	log.Logger().Info("serving", "url", a.config.URL, "listen", listeners.public.Addr().String(), "database", a.config.databaseName())
	return a.runServer(ctx, srv, n, reload)
}

func (a *app) openLog() (*server.Log, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(a.config.LogLevel)); err != nil {
		return nil, errors.New("log_level is debug, info, warn or error")
	}
	return server.NewLog(a.stderr, a.config.LogFormat, level), nil
}

// secretsInClear says what would happen without TLS, and what to do.
const secretsInClear = "client secrets would cross the network in clear.\n" +
	"  Give --tls-cert-file and --tls-key-file, or, where a proxy in front ends TLS, its address as --url https://…"

type listeners struct {
	public, metrics net.Listener
	certificate     *server.Certificate // nil for none
}

func (l *listeners) close() {
	_ = l.public.Close()
	if l.metrics != nil {
		_ = l.metrics.Close()
	}
}

// listen binds the addresses, derives the URL where none is configured, and
// refuses to send secrets over a network in clear; why says what would happen
// then, and what to do.
func (a *app) listen(ctx context.Context, why string) (*listeners, error) {
	certificate, err := a.config.certificate()
	if err != nil {
		return nil, err
	}
	public, err := bind(ctx, a.config.Listen, "--listen")
	if err != nil {
		return nil, err
	}
	l := &listeners{public: public, certificate: certificate}
	if a.config.URL == "" {
		a.config.URL = a.config.urlOf(public.Addr().String())
	}
	// What bind made, of a network tcp, has an address of that kind.
	bound := public.Addr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	if err := errors.Join(a.config.checkExposure(bound, why), a.config.checkURL()); err != nil {
		l.close()
		return nil, err
	}
	if a.config.MetricsListen != "off" {
		if l.metrics, err = bind(ctx, a.config.MetricsListen, "--metrics-listen"); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func bind(ctx context.Context, address, flag string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the address %s is in use by another process; choose another one with %s", address, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("listening (%s): %w", flag, err)
	}
	return l, nil
}

// newServer adds to cfg what all servers have, and returns what reads the
// certificate again.
func (a *app) newServer(cfg server.Config, l *listeners) (_ *server.Server, reload func() error, err error) {
	if cfg.TrustedProxies, err = a.config.trustedProxies(); err != nil {
		return nil, nil, err
	}
	cfg.Listener, cfg.MetricsListener, cfg.DrainDelay, cfg.AnyPath = l.public, l.metrics, a.config.ShutdownDelay, forwardauth.Path
	reload = func() error { return nil }
	if cfg.Certificate = l.certificate; l.certificate != nil {
		reload = l.certificate.Reload
	}
	return server.New(cfg), reload, nil
}

// ballastSize counts as live heap to Go, which collects when the heap has
// doubled: with 1 MiB alive, the heap of a small installation, that would be
// every few hundred tokens. More is no better: a heap that grows beyond the
// processor's caches costs as much as it saves (docs/decisions/0010). The counters
// of failures are a part of it.
const ballastSize = 12 << 20

// runServer owns every goroutine of the process, and ends them in their order.
func (a *app) runServer(ctx context.Context, srv *server.Server, n *node, reload func() error) error {
	following, stopFollowing := context.WithCancel(context.WithoutCancel(ctx)) // until the last request is answered
	serving, stopServing := context.WithCancelCause(ctx)
	defer stopServing(nil)
	size := ballastSize
	if a.config.FailureLimit > 0 {
		size -= oauthapi.FailureMemory
	}
	ballast := make([]byte, size) // never touched, so it takes no memory of the machine
	defer runtime.KeepAlive(ballast)
	var wg sync.WaitGroup
	wg.Go(func() { reloadOnHangup(serving, reload, n.logger) })
	wg.Go(func() { n.run(serving, following, stopServing) })
	wg.Go(func() {
		<-serving.Done()
		n.notify(n.logger, daemon.SdNotifyStopping)
	})
	err := srv.Run(serving)
	if cause := context.Cause(serving); err == nil && !errors.Is(cause, context.Canceled) && !errors.Is(cause, errFinished) {
		err = cause
	}
	stopServing(nil)
	stopFollowing()
	wg.Wait()
	return err
}

// errFinished ends a server that has done what it was started for.
var errFinished = errors.New("finished")

func reloadOnHangup(ctx context.Context, reload func() error, logger *slog.Logger) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			if err := reload(); err != nil {
				logger.Error("the certificate could not be read again; the old one stays", "error", err)
			}
		}
	}
}
