package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// about is an endpoint that is asked about access tokens: whether they are alive.
type about struct {
	name  string
	start func(context.Context) (*process, error)
	// tokens are asked about in turn.
	tokens func() ([]string, error)
	base   string // URL of ours
	url    string
	ask    func(token string) ask
}

// fewTokens is about how many tokens the loads ask, where nothing else is said: less
// than anybody would want to keep.
const fewTokens = 1000

// contend starts the endpoint. Nobody is measured who takes a token for good whose
// signature is not.
func (a *about) contend(ctx context.Context, b *bench) (*contender, error) {
	p, err := a.start(ctx)
	if err != nil {
		return nil, err
	}
	var tokens []string
	waiting := p.await(ctx, func() bool { // peers answer a moment after they were started
		tokens, err = a.tokens()
		return err == nil
	})
	if waiting == nil {
		err = a.judges(tokens[0])
	}
	if err := errors.Join(waiting, err); err != nil {
		p.stop()
		return nil, fmt.Errorf("%s: %w", a.name, err)
	}
	asks := make([]ask, len(tokens))
	for i, token := range tokens {
		asks[i] = a.ask(token)
	}
	l, err := newLoader(b.generator, a.url, asks)
	if err != nil {
		p.stop()
		return nil, err
	}
	return &contender{a.name, p, l, connections}, nil
}

// judges holds that the endpoint takes a token, and not one that was altered.
func (a *about) judges(token string) error {
	good, err := alive(a.url, a.ask(token))
	if err != nil {
		return err
	}
	altered, err := alive(a.url, a.ask(alter(token)))
	if err == nil && (!good || altered) {
		err = fmt.Errorf("a good token is taken: %t; an altered one: %t", good, altered)
	}
	return err
}

// alter changes a character near the end of a token: of its signature, where it has one.
func alter(token string) string {
	at := len(token) - 20
	other := "A"
	if token[at] == 'A' {
		other = "B"
	}
	return token[:at] + other + token[at+1:]
}

// alive asks once.
func alive(url string, a ask) (bool, error) {
	method := http.MethodGet
	if a.form != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequest(method, url, strings.NewReader(a.form))
	if err != nil {
		return false, err
	}
	if a.form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if a.authorization != "" {
		r.Header.Set("Authorization", a.authorization)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	// A gateway is answered by the status, introspection in the body.
	return resp.StatusCode/100 == 2 && !bytes.Contains(body, []byte(`"active":false`)), err
}

// tokensFrom returns what asks an endpoint for so many tokens.
func tokensFrom(url, body string, n int) func() ([]string, error) {
	return func() ([]string, error) {
		client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{}} // one connection, kept
		tokens := make([]string, n)
		for i := range tokens {
			token, ok := askOnce(client, url, body)
			if !ok {
				return nil, fmt.Errorf("no token from %s", url)
			}
			tokens[i] = token
		}
		client.CloseIdleConnections()
		return tokens, nil
	}
}

// aboutAll starts all of them; what has been started is returned with an error too.
func (b *bench) aboutAll(endpoints []about) func(context.Context) ([]*contender, error) {
	return func(ctx context.Context) (all []*contender, err error) {
		for i := range endpoints {
			c, err := endpoints[i].contend(ctx, b)
			if err != nil {
				return all, err
			}
			all = append(all, c)
		}
		return all, nil
	}
}

// stocked makes an installation whose API key has so many tokens, and stops its server.
func (b *bench) stocked(ctx context.Context, name string, port, n int) (in *installation, key apiKey, tokens []string, err error) {
	in = newInstallation(b.dir, name, b.binary("tokenwright"), port)
	p, err := in.serve(ctx, b.dir, serverCore)
	if err != nil {
		return nil, key, nil, err
	}
	defer p.stop()
	if key, err = in.seed(); err != nil {
		return nil, key, nil, err
	}
	waiting := p.await(ctx, func() bool { // the server knows of the API key a moment later
		tokens, err = tokensFrom(in.url+"/oauth/token", key.body(), n)()
		return err == nil
	})
	return in, key, tokens, errors.Join(waiting, err)
}
