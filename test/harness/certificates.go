package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority is a certificate authority of one test.
type Authority struct {
	dir         string // ca.pem, and cert.pem with key.pem of the server
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	serial      int64
}

// NewAuthority makes one that has issued nothing yet.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	ca := &Authority{dir: t.TempDir(), key: newKey(t)}
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

// Issue puts a new certificate for the hosts in the place of the one before,
// and returns its serial number.
func (ca *Authority) Issue(t testing.TB, hosts ...string) *big.Int {
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

func (ca *Authority) sign(t testing.TB, c *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, ca.certificate, &key.PublicKey, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// Path returns that of ca.pem, cert.pem or key.pem.
func (ca *Authority) Path(name string) string { return filepath.Join(ca.dir, name) }

func (ca *Authority) write(t testing.TB, name, kind string, der []byte) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(ca.Path(name+".new"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(ca.Path(name+".new"), ca.Path(name)); err != nil {
		t.Fatal(err)
	}
}

// Pool is what clients are to trust.
func (ca *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.certificate)
	return pool
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// ServeTLS has the servers of an installation speak TLS, and its clients trust them.
func (in *Installation) ServeTLS(t testing.TB) {
	t.Helper()
	ca := NewAuthority(t)
	ca.Issue(t, "localhost")
	in.URL, in.roots = fmt.Sprintf("https://localhost:%d", in.Port), ca.Pool()
	in.Client = in.NewClient(&http.Transport{})
	in.Configure(t, fmt.Sprintf("tls_cert_file: %s\ntls_key_file: %s\n", ca.Path("cert.pem"), ca.Path("key.pem")))
}
