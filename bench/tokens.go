package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/tokenwright/tokenwright/internal/jose"
)

// tokenFigures is one row of the comparison.
type tokenFigures struct {
	Name      string  `json:"name"`
	CPU       spread  `json:"cpu_s_per_1000"`
	OfLimit   spread  `json:"limit_cpu_by_own"` // 1 is as good as the limit, 0.5 costs twice as much
	PerSecond spread  `json:"tokens_per_s"`
	P50       float64 `json:"latency_p50_us"` // at one connection
	P99       float64 `json:"latency_p99_us"`
	Memory    float64 `json:"memory_mib"` // after the load
}

const (
	connections = 16
	nameOurs    = "tokenwright"
)

// tokens compares the token endpoint, everything on, with the limit and with
// two libraries: form body, ES256, 16 keep-alive connections.
func (b *bench) tokens(ctx context.Context) (any, error) {
	contenders, err := b.endpoints(ctx)
	defer func() {
		for _, c := range contenders {
			c.stop()
		}
	}()
	if err != nil {
		return nil, err
	}
	samples, err := b.compare(ctx, contenders)
	if err != nil {
		return nil, err
	}
	var figures []tokenFigures
	rows := [][]string{{"program", "CPU s/1,000", "limit/own", "(min-max)", "tokens/s on a core", "p50, p99 at 1 connection", "memory", "must reach"}}
	for _, c := range contenders {
		f := tokenFigures{Name: c.Name, CPU: spreadBy(samples[c.Name], cpuOf), OfLimit: ratio(samples[nameLimit], samples[c.Name])}
		f.PerSecond = spreadBy(samples[c.Name], perSecond)
		single, err := c.run(ctx, 1, b.duration)
		if err != nil {
			return nil, err
		}
		f.P50, f.P99 = single.P50, single.P99
		if f.Memory, err = c.memory(); err != nil {
			return nil, err
		}
		mustReach := ""
		if f.Name == nameOurs {
			mustReach = barTokens.beside(f.OfLimit.Median)
		}
		figures = append(figures, f)
		rows = append(rows, []string{f.Name, fmt.Sprintf("%.4f", f.CPU.Median), fmt.Sprintf("%.3f", f.OfLimit.Median),
			fmt.Sprintf("%.3f-%.3f", f.OfLimit.Min, f.OfLimit.Max), fmt.Sprintf("%.0f", f.PerSecond.Median),
			fmt.Sprintf("%.0f, %.0f µs", f.P50, f.P99), fmt.Sprintf("%.0f MiB", f.Memory), mustReach})
	}
	b.table(fmt.Sprintf("Token endpoint: ES256, form body, %d connections, %d rounds of %s", connections, b.rounds, b.duration), rows)
	return figures, nil
}

// endpoints starts everything that is compared; what has been started is
// returned with an error too.
func (b *bench) endpoints(ctx context.Context) ([]*contender, error) {
	var all []*contender
	add := func(name string, p *process, url, jwks, body string) error {
		l, err := newLoader(b.dir, fmt.Sprintf("load-%d", len(all)), url, []string{body})
		if err != nil {
			p.stop()
			return err
		}
		all = append(all, &contender{name, p, l, connections})
		return p.await(ctx, func() bool { err = checkToken(url, jwks, body); return err == nil || !errors.Is(err, errNoAnswer) })
	}
	in := newInstallation(b.dir, "tokens", b.binary("tokenwright"), 9100)
	p, err := in.serve(ctx, b.dir, serverCore)
	if err != nil {
		return nil, err
	}
	key, err := in.seed()
	if err != nil {
		p.stop()
		return nil, err
	}
	if err := add(nameOurs, p, in.url+"/oauth/token", in.url+"/demo/oauth/jwks", key.body()); err != nil {
		return all, err
	}
	for i, peer := range b.peers() {
		address := fmt.Sprintf("127.0.0.1:%d", 9000+i)
		p, err := peer.start(b.dir, serverCore, address)
		if err != nil {
			return all, err
		}
		if err := add(peer.name, p, "http://"+address+"/token", "http://"+address+"/jwks", peerBody); err != nil {
			return all, err
		}
	}
	for _, c := range all {
		b.progress("%s answers with a token that verifies", c.Name)
	}
	return all, nil
}

var errNoAnswer = errors.New("no token")

// checkToken asks for a token and verifies it: nobody is measured who does not
// sign with ES256.
func checkToken(url, jwks, body string) error {
	token, ok := askOnce(http.DefaultClient, url, body)
	if !ok {
		return errNoAnswer
	}
	resp, err := http.Get(jwks)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	keys, err := jose.ParseJWKS(text)
	if err != nil {
		return err
	}
	message, err := jose.Parse(token)
	if err != nil {
		return err
	}
	var claims struct {
		Expiry int64 `json:"exp"`
	}
	if err := json.Unmarshal(message.Payload, &claims); err != nil || claims.Expiry == 0 {
		return fmt.Errorf("the claims of the token: %w", err)
	}
	for _, key := range keys {
		if key.KeyID() == message.KeyID && key.Algorithm() == jose.ES256 {
			return message.Verify(key)
		}
	}
	return errors.New("no ES256 key with the kid of the token")
}
