package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/tokenwright/tokenwright/internal/jose"
)

const (
	connections = 16
	nameOurs    = "tokenwright"
)

// contender is a running token endpoint that is compared with others.
type contender struct {
	Name string
	*process
	*loader
	connections int
}

// ours starts a server that has one API key.
func (b *bench) ours(ctx context.Context, name, cores string, port int) (*contender, error) {
	data, err := os.MkdirTemp(b.dir, "data-")
	if err != nil {
		return nil, err
	}
	in := newInstallation(b.dir, filepath.Base(data), b.binary("tokenwright"), port)
	p, err := in.serve(ctx, b.dir, cores)
	if err != nil {
		return nil, err
	}
	key, err := in.seed()
	if err != nil {
		p.stop()
		return nil, err
	}
	return b.contend(ctx, name, p, in.url+"/oauth/token", in.url+"/demo/oauth/jwks", key.body())
}

// theirs starts a peer.
func (b *bench) theirs(ctx context.Context, name string, peer peer, cores string, port int) (*contender, error) {
	address := fmt.Sprintf("127.0.0.1:%d", port)
	p, err := peer.start(b.dir, cores, address)
	if err != nil {
		return nil, err
	}
	return b.contend(ctx, name, p, "http://"+address+"/token", "http://"+address+"/jwks", peerBody)
}

// contend makes a process a contender once it answers with a token that
// verifies; it is stopped if it does not.
func (b *bench) contend(ctx context.Context, name string, p *process, url, jwks, body string) (*contender, error) {
	l, err := newLoader(b.generator, url, forms(body))
	if err == nil {
		waiting := p.await(ctx, func() bool {
			err = checkToken(url, jwks, body)
			return !errors.Is(err, errNoAnswer)
		})
		err = errors.Join(waiting, err)
	}
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &contender{name, p, l, connections}, nil
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
