package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
)

// introspection compares the answer to whether a token is alive: a client that proves
// its secret, and a signature that is checked, for nobody keeps what was answered.
func (b *bench) introspection(ctx context.Context) (any, error) {
	in, _, tokens, err := b.stocked(ctx, "introspection", 9160, fewTokens)
	if err != nil {
		return nil, err
	}
	api, err := in.operatorKey()
	if err != nil {
		return nil, err
	}
	endpoints := []about{{
		name:   nameOurs,
		start:  func(ctx context.Context) (*process, error) { return in.serve(ctx, b.dir, serverCore) },
		tokens: func() ([]string, error) { return tokens, nil },
		url:    in.url + "/demo/oauth/introspect", ask: api.introspection,
	}}
	for i, peer := range b.peers() {
		at := fmt.Sprintf("127.0.0.1:%d", 9060+i)
		e := about{
			name: peer.name, start: func(context.Context) (*process, error) { return peer.start(b.dir, serverCore, at) },
			tokens: tokensFrom("http://"+at+"/token", peerBody, fewTokens), url: "http://" + at + "/introspect", ask: peerKey.introspection,
		}
		switch peer.id {
		case idLimit:
			e.name = nameLimitAsked
		case idLong, idHedged: // verify as the limit does
			continue
		case idFosite:
			e.ask = peerKey.introspectionByBasic
		case idProvider:
			e.tokens, e.url = tokensFrom("http://"+at+"/token", peerBody+"&resource=urn%3Aopaque", opaqueTokens), "http://"+at+"/token/introspection"
			e.name = nameOpaque
		}
		endpoints = append(endpoints, e)
	}
	return b.compete(ctx, contest{
		title: "Introspection: ES256, 1,000 tokens in turn", start: b.aboutAll(endpoints),
		limitOf: func(string) string { return nameLimitAsked },
		mustReach: func(f *requestFigures) string {
			if f.Name != nameOurs {
				return ""
			}
			return barIntrospection.beside(f.perCore())
		},
	})
}

const (
	nameLimitAsked = "limit (bare net/http)"
	nameOpaque     = "npm oidc-provider, memory, opaque tokens: no signature to check"
	// oidc-provider's memory keeps 1,000 things.
	opaqueTokens = 100
)

// operatorKey makes an API key that may ask about all tokens.
func (in *installation) operatorKey() (key apiKey, err error) {
	out, err := in.cli("key", "create", "--operator", "--name", "API", "--scope", "tokens:introspect", "-o", "json")
	if err != nil {
		return key, err
	}
	return key, json.Unmarshal(out, &key)
}

func (k apiKey) introspection(token string) ask {
	return ask{form: url.Values{"client_id": {k.ClientID}, "client_secret": {k.ClientSecret}, "token": {token}}.Encode()}
}

func (k apiKey) introspectionByBasic(token string) ask {
	return ask{
		form:          url.Values{"token": {token}}.Encode(),
		authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte(k.ClientID+":"+k.ClientSecret)),
	}
}
