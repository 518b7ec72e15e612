package load

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/evidence"
	"github.com/tokenwright/tokenwright/test/harness"
)

// applications that connect, by TLS, for every single token.
func TestEachTokenMayComeOnAConnectionOfItsOwn(t *testing.T) {
	evidence.Short(t)
	in := harness.New(t)
	in.URL = strings.Replace(in.URL, "http:", "https:", 1)
	dir := t.TempDir()
	certificate, key := filepath.Join(dir, "fullchain.pem"), filepath.Join(dir, "key.pem")
	harness.Tool(t, "", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
		"-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate)
	config := &tls.Config{RootCAs: roots(t, certificate)}
	in.Client = in.NewClient(&http.Transport{TLSClientConfig: config})
	s := in.Start(t, append([]string{"--tls-cert-file", certificate, "--tls-key-file", key}, unlimited...)...)
	keys := newKeys(t, manager(t, in), 20)

	rate, long := evidence.Choose(100, 300), evidence.Lasting(2*time.Second, 5*time.Minute)
	o := evidence.Row{Rule: "R-03", What: fmt.Sprintf("%d tokens a second for %s, each on a new connection by TLS", rate, long)}
	l := evidence.Plan{At: []*harness.Installation{in}, Keys: keys, Rate: rate, Fresh: true, TLS: config, Check: verifier(t, in, s.URL)}.Start(t)
	last(long)
	into(t, l, &o, rate, long, bars{p99: 150 * time.Millisecond})
	o.Report(t)
}

func roots(t *testing.T, path string) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(path)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("that is no certificate: %v", err)
	}
	return pool
}
