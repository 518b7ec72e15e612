package main

import (
	"context"
	"fmt"
	"os/exec"
)

const (
	nameNew       = "tokenwright, new token"
	nameSeen      = "tokenwright, seen token"
	nameLimitNew  = "limit: bare net/http, new token"
	nameLimitSeen = "limit: bare net/http, seen token"

	// Asked about in turn, so many are new each time: the server keeps 10,000.
	newTokens = 40_000
	// More than a server answers in a second.
	newTokensPerSecond = 15_000
)

// forwardAuth compares the answer to a gateway that asks for each request: of a token
// that was not seen before the signature is checked, of others it is known.
func (b *bench) forwardAuth(ctx context.Context) (any, error) {
	var endpoints []about
	enough := int((b.duration+warming).Seconds()*newTokensPerSecond) + fewTokens
	for i, c := range []struct {
		name   string
		tokens int
	}{{nameNew, min(newTokens, enough)}, {nameSeen, fewTokens}} {
		in, _, tokens, err := b.stocked(ctx, fmt.Sprintf("forward-auth-%d", i), 9170+i, c.tokens)
		if err != nil {
			return nil, err
		}
		endpoints = append(endpoints, about{
			name: c.name, start: func(ctx context.Context) (*process, error) { return in.serve(ctx, b.dir, serverCore) },
			tokens: func() ([]string, error) { return tokens, nil },
			base:   in.url, url: in.url + "/forward-auth?env=demo&scope=customers:read", ask: bearer,
		})
	}
	if wanted(b.onlyPeers, idOAuth2Proxy) {
		proxy, err := b.oauth2Proxy(ctx, endpoints[0])
		if err != nil {
			return nil, err
		}
		endpoints = append(endpoints, *proxy)
	}
	limit := b.peers()[0]
	for i, c := range []struct{ name, path string }{{nameLimitNew, "/check"}, {nameLimitSeen, "/check/seen"}} {
		at := fmt.Sprintf("127.0.0.1:%d", 9070+i)
		endpoints = append(endpoints, about{
			name: c.name, start: func(context.Context) (*process, error) { return limit.start(b.dir, serverCore, at) },
			tokens: tokensFrom("http://"+at+"/token", peerBody, fewTokens), url: "http://" + at + c.path, ask: bearer,
		})
	}
	return b.compete(ctx, contest{
		title: "Forward auth: ES256", start: b.aboutAll(endpoints),
		limitOf: func(name string) string {
			if name == nameSeen || name == nameLimitSeen {
				return nameLimitSeen
			}
			return nameLimitNew
		},
		mustReach: func(*requestFigures) string { return "" },
	})
}

// oauth2ProxyPackage is compiled as released, in the version that is named here.
const oauth2ProxyPackage = "github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6"

// oauth2Proxy builds the peer, which verifies the tokens of ours and reads its JWKS;
// it keeps no tokens, and follows no revocations.
func (b *bench) oauth2Proxy(ctx context.Context, ours about) (*about, error) {
	b.progress("building %s", oauth2ProxyPackage)
	c := exec.CommandContext(ctx, "go", "install", oauth2ProxyPackage)
	c.Env = append(released(), "GOBIN="+b.dir)
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building %s: %w\n%s", oauth2ProxyPackage, err, out)
	}
	const at = "127.0.0.1:9079"
	issuer := ours.base + "/demo"
	ours.name, ours.url = nameOAuth2Proxy, "http://"+at+"/oauth2/auth"
	ours.start = func(ctx context.Context) (*process, error) {
		if err := free(at); err != nil {
			return nil, err
		}
		p, err := start(b.dir, serverCore, nil, b.binary("oauth2-proxy"), "--http-address="+at, "--provider=oidc", "--oidc-issuer-url="+issuer,
			"--skip-jwt-bearer-tokens", "--client-id="+issuer+"/api", "--email-domain=*", "--upstream=static://200",
			// Of no concern to bearer tokens, but it wants them.
			"--client-secret=none", "--cookie-secret=0123456789abcdef0123456789abcdef", "--redirect-url=http://"+at+"/oauth2/callback")
		if err != nil {
			return nil, err
		}
		if err := p.await(ctx, func() bool { return answers("http://" + at + "/ping") }); err != nil {
			p.stop()
			return nil, err
		}
		return p, nil
	}
	return &ours, nil
}

func bearer(token string) ask { return ask{authorization: "Bearer " + token} }
