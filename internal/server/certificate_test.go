package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// files are a certificate and its key in a directory of the test.
type files struct{ cert, key string }

func newFiles(t *testing.T, name string) files {
	dir := t.TempDir()
	f := files{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	f.replace(t, name)
	return f
}

// replace writes a new pair for 127.0.0.1 with the given common name.
func (f files) replace(t *testing.T, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	write(t, f.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

// write replaces a file as tools do: by renaming a new one.
func write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// startTLS starts a server that looks at its certificate files all the time, or
// never if watched is false.
func startTLS(t *testing.T, f files, watched bool) *running {
	t.Helper()
	cert, err := LoadCertificate(f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, site(), func(s *Server) {
		s.config.Certificate = cert
		s.certificateInterval = time.Hour
		if watched {
			s.certificateInterval = time.Millisecond
		}
	})
	r.client.Transport = &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // self-signed; the name is compared by the tests
		ForceAttemptHTTP2: true,
	}
	return r
}

// served makes a new connection and returns the common name it was shown.
func (r *running) served() string {
	r.t.Helper()
	conn, err := tls.Dial("tcp", r.address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// wantStrictTLS checks the rules of the listener, with whatever certificate.
func (r *running) wantStrictTLS() {
	r.t.Helper()
	for alert, refused := range map[string]*tls.Config{
		"protocol version not supported": {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"handshake failure": {MaxVersion: tls.VersionTLS12,
			CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}},
	} {
		refused.InsecureSkipVerify = true
		conn, err := tls.Dial("tcp", r.address, refused)
		if err == nil {
			conn.Close()
			r.t.Errorf("accepted, want %q", alert)
		} else if !strings.Contains(err.Error(), "remote error: tls: "+alert) {
			r.t.Errorf("%v, want the server to say %q", err, alert)
		}
	}
	for want, config := range map[uint16]*tls.Config{
		tls.VersionTLS12: {MaxVersion: tls.VersionTLS12},
		tls.VersionTLS13: {MinVersion: tls.VersionTLS12},
	} {
		config.InsecureSkipVerify = true
		config.NextProtos = []string{"h2"}
		conn, err := tls.Dial("tcp", r.address, config)
		if err != nil {
			r.t.Fatal(err)
		}
		if state := conn.ConnectionState(); state.Version != want || state.NegotiatedProtocol != "h2" {
			r.t.Errorf("%s with %q, want %s with h2", tls.VersionName(state.Version), state.NegotiatedProtocol, tls.VersionName(want))
		}
		conn.Close()
	}
}

func TestTLSIsStrictBeforeAndAfterAReload(t *testing.T) { // C-235, CVE-2024-23656
	f := newFiles(t, "old")
	r := startTLS(t, f, false)
	r.wantStrictTLS()
	f.replace(t, "new")
	if err := r.config.Certificate.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := r.served(); got != "new" {
		t.Errorf("certificate %q after Reload, want the new one", got)
	}
	r.wantStrictTLS()
}

func TestCertificateChangesWithoutDroppingConnections(t *testing.T) { // C-236, R-63
	f := newFiles(t, "old")
	r := startTLS(t, f, true)
	get := func() *http.Response {
		answer, _ := r.do("GET", "https://"+r.address+"/pages/1")
		return answer
	}
	if first := get(); first.ProtoMajor != 2 {
		t.Errorf("%s, want HTTP/2", first.Proto)
	}
	f.replace(t, "new")
	eventually(t, "the new certificate", func() bool { return r.served() == "new" })
	if name := get().TLS.PeerCertificates[0].Subject.CommonName; name != "old" {
		t.Errorf("the open connection was replaced: it shows %q", name)
	}
	r.client.CloseIdleConnections()
	if name := get().TLS.PeerCertificates[0].Subject.CommonName; name != "new" {
		t.Errorf("a new connection shows %q", name)
	}
}

func TestBrokenCertificateKeepsTheOldOne(t *testing.T) {
	f := newFiles(t, "old")
	r := startTLS(t, f, true)
	good, _ := os.ReadFile(f.key)
	write(t, f.key, []byte("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n"))
	failures := func() int { return bytes.Count(r.lines.bytes(), []byte("TLS certificate not reloaded")) }
	eventually(t, "an error in the log", func() bool { return failures() > 0 })
	if err := r.config.Certificate.Reload(); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Reload = %v, want an error without the file's content", err)
	}
	if got := r.served(); got != "old" {
		t.Errorf("certificate %q, want the old one", got)
	}
	r.wantStrictTLS()
	write(t, f.key, good)
	f.replace(t, "new")
	eventually(t, "the repaired certificate", func() bool { return r.served() == "new" })
	if n := failures(); n > 3 { // one each for: the broken key, and a pair seen half replaced
		t.Errorf("%d error records for one fault", n)
	}
	if bytes.Contains(r.lines.bytes(), []byte("hunter2")) {
		t.Error("the log quotes the key file")
	}
}

func TestLoadCertificateRefusesWhatIsNotAPair(t *testing.T) {
	a, b := newFiles(t, "a"), newFiles(t, "b")
	for name, pair := range map[string][2]string{
		"missing":  {a.cert + ".not", a.key},
		"swapped":  {a.key, a.cert},
		"of other": {a.cert, b.key},
	} {
		if _, err := LoadCertificate(pair[0], pair[1]); err == nil || !strings.Contains(err.Error(), filepath.Dir(a.cert)) {
			t.Errorf("%s: %v, want an error that names the file", name, err)
		}
	}
}

func TestHTTP2IsOffInTheClear(t *testing.T) { // C-240
	r := start(t, site(), nil)
	conn := r.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	if got, _ := io.ReadAll(conn); !strings.HasPrefix(string(got), "HTTP/1.1 4") {
		t.Errorf("answer %q, want a refusal in HTTP/1.1", got)
	}
}
