package tokenwright

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxSecretSize is more than any secret has, in bytes.
const maxSecretSize = 4 << 10

// secret reads the client secret from where it is.
func (c *Config) secret(ctx context.Context) (secret string, err error) {
	switch {
	case c.ClientSecretFunc != nil:
		secret, err = c.ClientSecretFunc(ctx)
	case c.ClientSecretFile != "":
		secret, err = readSecret(c.ClientSecretFile)
	default:
		secret = c.ClientSecret
	}
	if err == nil && secret == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", fmt.Errorf("reading the client secret: %w", err)
	}
	return secret, nil
}

// readSecret reads a file. One line break at its end, which editors and echo
// leave, is no part of the secret; whatever else stands there is for the server
// to judge.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxSecretSize+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > maxSecretSize:
		return "", fmt.Errorf("%s: too large for a secret", path)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}
