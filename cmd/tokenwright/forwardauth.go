package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/tokenwright/tokenwright/internal/authority"
	"github.com/tokenwright/tokenwright/internal/forwardauth"
	"github.com/tokenwright/tokenwright/internal/server"
	"github.com/tokenwright/tokenwright/verify"
)

// ForwardAuthConfig is what gateways may ask.
type ForwardAuthConfig struct {
	// Policies are checks by name, of a-z, 0-9, _ and -: for gateways that append the
	// path of their client. They ask at /forward-auth/<name>, where the query has no say.
	// Default: none.
	Policies map[string]PolicyConfig `yaml:"policies"`
}

// PolicyConfig is what an access token must be.
type PolicyConfig struct {
	// Env is the environment of the token. Required.
	Env string `yaml:"env"`
	// Scope is what the token must have: one scope, or several parted by single
	// spaces. Required.
	Scope string `yaml:"scope"`
	// Merchant is the one that the token must be of; it may be left out, but not be
	// empty. Default: any.
	Merchant string `yaml:"merchant"`
}

// UnmarshalYAML refuses a merchant without a value: a template that lacks one
// must not open the policy to all merchants.
func (p *PolicyConfig) UnmarshalYAML(node *yaml.Node) error {
	type plain PolicyConfig
	if err := node.Decode((*plain)(p)); err != nil {
		return err
	}
	var given map[string]any
	if err := node.Decode(&given); err != nil {
		return err
	}
	if _, ok := given["merchant"]; ok && p.Merchant == "" {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: merchant is empty; leave it out where any merchant may pass", node.Line)}}
	}
	return nil
}

// checkIssuer is for forward-auth: other commands have an --issuer of their own.
func (c *Config) checkIssuer() error {
	if c.Issuer == "" {
		return nil
	}
	return named("issuer", authority.CheckURL(c.Issuer))
}

// checkForwardAuth checks what needs no knowledge of the environments there are.
func (c *Config) checkForwardAuth() error {
	var problems []error
	if c.MaxStale != 0 && c.MaxStale < 5*time.Second {
		problems = append(problems, errors.New("max_stale is at least 5s"))
	}
	if c.FailClosedAfter != 0 && c.FailClosedAfter < 5*time.Second {
		problems = append(problems, errors.New("fail_closed_after is at least 5s"))
	}
	for _, name := range slices.Sorted(maps.Keys(c.ForwardAuth.Policies)) {
		p := c.ForwardAuth.Policies[name]
		if !forwardauth.ValidName(name) {
			problems = append(problems, fmt.Errorf("forward_auth.policies: %q is not 1 to 64 characters of a-z, 0-9, _ and -, the first a letter or digit", name))
		} else {
			problems = append(problems, below("forward_auth.policies."+name, p.check(authority.MerchantIDKind(c.MerchantIDs))))
		}
	}
	return errors.Join(problems...)
}

func (p PolicyConfig) check(ids authority.MerchantIDKind) error {
	var problems []error
	if !forwardauth.ValidEnvironment(p.Env) {
		problems = append(problems, errors.New("env is missing or names no environment"))
	}
	_, err := authority.ParseScopes(p.Scope)
	problems = append(problems, named("scope", err))
	if p.Merchant != "" {
		_, err := (&authority.Installation{MerchantIDs: ids}).ParseMerchantID(p.Merchant)
		if invalid, ok := errors.AsType[*authority.InvalidError](err); ok {
			problems = append(problems, fmt.Errorf("merchant %s (merchant_ids is %s)", invalid.Reason, ids))
		}
	}
	return errors.Join(problems...)
}

// checkPolicies is for servers, which know every environment.
func (c *Config) checkPolicies() error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(c.ForwardAuth.Policies)) {
		if env := c.ForwardAuth.Policies[name].Env; !hasKey(c.Environments, env) {
			problems = append(problems, fmt.Errorf("forward_auth.policies.%s.env is %s, which is none of the environments", name, env))
		}
	}
	return errors.Join(problems...)
}

func hasKey[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}

func (f ForwardAuthConfig) policies() map[string]forwardauth.Policy {
	list := map[string]forwardauth.Policy{}
	for name, p := range f.Policies {
		scopes, err := authority.ParseScopes(p.Scope)
		if err != nil {
			panic(err) // it was checked when it was read
		}
		list[name] = forwardauth.Policy{Env: p.Env, Scopes: scopes, Merchant: p.Merchant}
	}
	return list
}

func (a *app) forwardAuthCommand() *cobra.Command {
	c := a.command("forward-auth", "Check access tokens for a gateway, without a database", func(ctx context.Context, _ []string) error {
		return a.forwardAuth(ctx)
	})
	explained(c, `Answer a gateway (nginx, Caddy, Traefik, Envoy) whether a request may pass, by the
access token in its Authorization header:

  200  it may; X-Tokenwright-Merchant-Id, -Env, -Client-Id and -Scope say who it is
  401  there is no good token
  403  the token is not for this, or tokens cannot be checked just now

What a token must be, the gateway says in the query of its own configuration, with
merchant=4259 as well where only that one may pass:

  /forward-auth?env=demo&scope=orders:read

If it appends path and query of its client, it says so by the name of a policy, which
the file of --config has; then the query has no say:

  /forward-auth/orders

  forward_auth:
    policies:
      orders: {env: demo, scope: "orders:read", merchant: 4259}

The command tokenwright serve answers the same by itself. This one stands beside a
gateway elsewhere: it needs no database and no master key, only the issuer, whose
signing keys and revocations it follows. Until it has reached the issuer, and once
that has been away for longer than --max-stale or --fail-closed-after, it lets
nothing pass (403), and /readyz says why. An issuer whose certificate is of an
authority of your own needs that in the file which SSL_CERT_FILE names.

Tokens come in clear unless --tls-cert-file and --tls-key-file are given; without
them it listens on loopback addresses only, beside the gateway. Beside a server on
the same machine and with the same file, give --listen and --metrics-listen.`,
		`tokenwright forward-auth --issuer https://auth.example.com/demo
# Ask as a gateway would.
echo "Authorization: Bearer $TOKEN" | curl -i --header @- 'http://127.0.0.1:8081/forward-auth?env=demo&scope=orders:read'`)
	a.configFlags(c.Flags(), append([]string{
		"listen", "metrics_listen", "tls_cert_file", "tls_key_file", "trusted_proxies", "log_format", "log_level", "shutdown_delay",
	}, forwardAuthOnly...)...)
	a.otherDefaults(c, func(c *Config) { c.Listen, c.MetricsListen = "127.0.0.1:8081", "127.0.0.1:9465" }) // beside a server
	return c
}

// forwardAuth runs the check of gateways until ctx is done.
func (a *app) forwardAuth(ctx context.Context) (err error) {
	if a.config.Issuer == "" {
		return usageError{"--issuer is missing: the URL of the issuer whose access tokens are checked"}
	}
	if err := a.config.checkIssuer(); err != nil {
		return err
	}
	log, err := a.openLog()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	a.config.URL = "" // of the issuer's server, where the file is also that server's
	listeners, err := a.listen(ctx, "access tokens would cross the network in clear.\n"+
		"  Give --tls-cert-file and --tls-key-file, or listen on a loopback address beside the gateway")
	if err != nil {
		return err
	}
	defer listeners.close() // the server closes them too; twice does no harm
	audience := cmp.Or(a.config.Audience, a.config.Issuer+"/api")
	verifier, err := verify.New(ctx, verify.Config{
		Issuer: a.config.Issuer, Audience: audience, MaxStale: a.config.MaxStale, FailClosedAfter: a.config.FailClosedAfter,
		StartUnready: true, Logger: log.Logger(),
	})
	if err != nil {
		return err
	}
	defer verifier.Close()
	registry := revocationsRegistry(verifier)
	srv, reload, err := a.newServer(server.Config{
		Handler: a.gatewayCheck(verifier, registry), Registry: registry, Logger: log.Logger(), Ready: verifier.Ready,
	}, listeners)
	if err != nil {
		return err
	}
	log.Logger().Info("checking access tokens for gateways", "issuer", a.config.Issuer, "audience", audience,
		"listen", listeners.public.Addr().String(), "policies", len(a.config.ForwardAuth.Policies))
	serving, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { reloadOnHangup(serving, reload, log.Logger()) })
	err = srv.Run(serving)
	stop()
	wg.Wait()
	return err
}

// gatewayCheck has one issuer, whose tokens say their environment themselves.
func (a *app) gatewayCheck(verifier *verify.Verifier, registry prometheus.Registerer) http.Handler {
	check := forwardauth.New(forwardauth.Config{
		Verifier: func(string) *verify.Verifier { return verifier }, Policies: a.config.ForwardAuth.policies(), Registry: registry,
	})
	return check.Before(http.HandlerFunc(server.NotFound))
}

func revocationsRegistry(verifier *verify.Verifier) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tokenwright_revocations_age_seconds", Help: "Time since what is known of revocations was complete; 0 before the issuer is reached.",
	}, func() float64 { return verifier.RevocationsAge().Seconds() }))
	return registry
}
