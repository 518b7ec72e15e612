package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
)

// installation is a data directory of tokenwright's.
type installation struct {
	binary, data, url string
	port              int
	environ           []string // of every process, beside the usual
}

// apiKey is what the benchmark needs of a new API key.
type apiKey struct {
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
}

// body is a token request as most libraries send it.
func (k apiKey) body() string {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {k.ClientID}, "client_secret": {k.ClientSecret}}.Encode()
}

func newInstallation(dir, name, binary string, port int) *installation {
	return &installation{binary: binary, data: filepath.Join(dir, name), port: port, url: fmt.Sprintf("http://127.0.0.1:%d", port)}
}

// serve starts the server and waits until it is ready.
func (in *installation) serve(ctx context.Context, dir, cores string) (*process, error) {
	p, err := in.exec(dir, cores)
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, func() bool { return answers(in.url + "/readyz") }); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// exec starts the server with everything on, as an operator would: access log
// to a file, metrics, request IDs, time-outs, and limits, which count and write
// their headers, but are not reached.
func (in *installation) exec(dir, cores string) (*process, error) {
	address := fmt.Sprintf("127.0.0.1:%d", in.port)
	if err := free(address); err != nil {
		return nil, err
	}
	return start(dir, cores, in.environ, in.binary, "serve", "--data", in.data, "--url", in.url,
		"--listen", address, "--metrics-listen", fmt.Sprintf("127.0.0.1:%d", in.port+1000),
		"--token-limit", "1000000000")
}

// cli runs a management command.
func (in *installation) cli(args ...string) ([]byte, error) {
	var stderr bytes.Buffer
	c := exec.Command(in.binary, append(args, "--data", in.data)...)
	c.Env = append(os.Environ(), in.environ...)
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("tokenwright %v: %w\n%s", args, err, &stderr)
	}
	return out, nil
}

// pinned runs a command on the server's core.
func (in *installation) pinned(ctx context.Context, args ...string) error {
	args = append([]string{"-c", serverCore, in.binary}, append(args, "--data", in.data)...)
	if out, err := exec.CommandContext(ctx, "taskset", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("tokenwright %v: %w\n%s", args, err, out)
	}
	return nil
}

// seed makes a merchant with one API key for demo.
func (in *installation) seed() (key apiKey, err error) {
	for _, args := range [][]string{
		{"merchant", "create", "--id", "4259", "--name", "Acme"},
		{"scope", "create", "customers:read", "--description", "Look up customers"},
		{"scope", "create", "customers:write", "--description", "Create and change customers"},
	} {
		if _, err := in.cli(args...); err != nil {
			return key, err
		}
	}
	return in.keyOf("demo")
}

// keyOf makes an API key for an environment, once the merchant is there.
func (in *installation) keyOf(env string) (key apiKey, err error) {
	out, err := in.cli("key", "create", "--merchant", "4259", "--env", env, "--name", "Bench",
		"--scope", "customers:read", "--scope", "customers:write", "-o", "json")
	if err != nil {
		return key, err
	}
	return key, json.Unmarshal(out, &key)
}

// askOnce asks for a token and tells whether it got one.
func askOnce(client *http.Client, endpoint, body string) (token string, ok bool) {
	resp, err := client.Post(endpoint, "application/x-www-form-urlencoded", bytes.NewReader([]byte(body)))
	if err != nil {
		return "", false
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.AccessToken, err == nil && answer.AccessToken != ""
}
