package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authorityOfTests is a certificate authority that lives for one test.
type authorityOfTests struct {
	dir         string // ca.pem, and cert.pem with key.pem of the server
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	serial      int64
}

func newAuthority(t *testing.T) *authorityOfTests {
	t.Helper()
	ca := &authorityOfTests{dir: t.TempDir(), key: newKey(t)}
	ca.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Authority of the tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := ca.sign(t, ca.certificate, ca.key)
	ca.write(t, "ca.pem", "CERTIFICATE", der)
	var err error
	if ca.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return ca
}

// issue puts a new certificate for the hosts in the place of the one before,
// and returns its serial number.
func (ca *authorityOfTests) issue(t *testing.T, hosts ...string) *big.Int {
	t.Helper()
	ca.serial++
	serial := big.NewInt(100 + ca.serial)
	key := newKey(t)
	der := ca.sign(t, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: hosts[0]}, DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, key)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	ca.write(t, "key.pem", "PRIVATE KEY", raw)
	ca.write(t, "cert.pem", "CERTIFICATE", der)
	return serial
}

func (ca *authorityOfTests) sign(t *testing.T, c *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, ca.certificate, &key.PublicKey, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (ca *authorityOfTests) path(name string) string { return filepath.Join(ca.dir, name) }

func (ca *authorityOfTests) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(ca.path(name+".new"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(ca.path(name+".new"), ca.path(name)); err != nil {
		t.Fatal(err)
	}
}

func (ca *authorityOfTests) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.certificate)
	return pool
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
