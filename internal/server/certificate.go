package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Certificate is a TLS certificate with its key, kept in two files that may be
// replaced at any time. New connections get the new one; those that are open
// stay as they are.
type Certificate struct {
	certFile, keyFile string
	pair              atomic.Pointer[tls.Certificate]

	mu   sync.Mutex     // held while loading
	seen [2]os.FileInfo // of the files that pair came from
}

// LoadCertificate reads PEM files: the chain, the server's certificate first,
// and its private key.
func LoadCertificate(certFile, keyFile string) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile}
	if err := c.Reload(); err != nil {
		return nil, err
	}
	return c, nil
}

// Reload reads the files again. If they are not a certificate with its key, it
// says why and the pair in use stays.
func (c *Certificate) Reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	// Before reading: a change in between is then seen as one the next time.
	seen, err := c.stat()
	if err != nil {
		return fmt.Errorf("loading the TLS certificate: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("loading the TLS certificate %s with the key %s: %w", c.certFile, c.keyFile, err)
	}
	c.pair.Store(&pair)
	c.seen = seen
	return nil
}

func (c *Certificate) stat() (infos [2]os.FileInfo, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if infos[i], err = os.Stat(name); err != nil {
			return infos, err
		}
	}
	return infos, nil
}

// changed tells whether the files are others than those that pair came from. A
// file that cannot be looked at has changed: loading it will say so.
func (c *Certificate) changed() bool {
	now, err := c.stat()
	if err != nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, was := range c.seen {
		if !now[i].ModTime().Equal(was.ModTime()) || now[i].Size() != was.Size() || !os.SameFile(now[i], was) {
			return true
		}
	}
	return false
}

// watch loads the files whenever they change, until ctx is done. A pair that
// does not load is tried again and again, for its two files are rarely replaced
// in one instant; the same error is logged once.
func (c *Certificate) watch(ctx context.Context, interval time.Duration, logger *slog.Logger) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	logged := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !c.changed() {
			logged = ""
			continue
		}
		switch err := c.Reload(); {
		case err == nil:
			logged = ""
			logger.Info("TLS certificate reloaded", "not_after", c.pair.Load().Leaf.NotAfter)
		case err.Error() != logged:
			logged = err.Error()
			logger.Error("TLS certificate not reloaded, the one in use stays", "error", err)
		}
	}
}

// tlsConfig returns the settings of the listener. There is one for its lifetime,
// and it asks for the certificate at each handshake: no setting can be lost in a
// reload.
func (c *Certificate) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// RFC 9325 4.2: for TLS 1.2 these, with forward secrecy and authenticated
		// encryption. Those of TLS 1.3 are all of that kind, and not configurable.
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		},
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.pair.Load(), nil
		},
	}
}
