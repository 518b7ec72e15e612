package e2e

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tokenwright/tokenwright/test/harness"
)

// startWithHosts starts a server that ends TLS itself, where the environment
// demo has a host of its own and production has not.
func startWithHosts(t *testing.T) (s *harness.Server, ca *harness.Authority, demo string) {
	t.Helper()
	in := harness.New(t)
	ca = harness.NewAuthority(t)
	ca.Issue(t, "localhost", "demo.localhost")
	in.URL, demo = fmt.Sprintf("https://localhost:%d", in.Port), fmt.Sprintf("https://demo.localhost:%d", in.Port)
	in.Client = harness.NewClient(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12}})
	in.Configure(t, fmt.Sprintf(`
url: %s
tls_cert_file: %s
tls_key_file: %s
environments: {demo: {issuer: "%s"}, production: {}}
`, in.URL, ca.Path("cert.pem"), ca.Path("key.pem"), demo))
	s = in.Start(t)
	s.Seed(t)
	return s, ca, demo
}

func TestEnvironmentWithItsOwnHostServesTheGuidesURL(t *testing.T) {
	t.Parallel()
	s, ca, demo := startWithHosts(t)
	key := s.CreateKey(t, "demo")
	s.AwaitKeys(t, key)

	a := harness.Curl(t, "--cacert", ca.Path("ca.pem"), "--resolve", fmt.Sprintf("demo.localhost:%d:127.0.0.1", s.Port),
		"-XPOST", demo+"/api/oauth/token", "-H", "Content-Type: application/json", "-d", harness.TokenRequest(t, key.ClientID, key.ClientSecret))
	token := a.Token(t).AccessToken
	checkGuidesAnswer(t, a, token)
	jwks := s.Get(t, demo+"/oauth/jwks").Body
	for name, token := range map[string]string{
		"of the guide's URL": token, "of its host": s.Ask(t, demo+"/oauth/token", key.ClientID, key.ClientSecret).AccessToken,
		"of the common endpoint": s.Token(t, key),
	} {
		harness.CheckShape(t, token, demo, "demo", "customers:read customers:write")
		if found := harness.Jose(t, harness.Verification{Token: token, JWKS: jwks, Issuer: demo, Audience: demo + "/api", Type: "at+jwt"})[0]; found.Error != "" {
			t.Errorf("token %s: jose: %s", name, found.Error)
		}
	}
}

// The probes are left out: a load balancer asks for them by address, so they
// answer under every name.
func TestEnvironmentsOwnHostServesOnlyItsIssuer(t *testing.T) {
	t.Parallel()
	s, _, demo := startWithHosts(t)
	for url, want := range map[string]int{
		demo + "/oauth/jwks":                             200,
		demo + "/.well-known/oauth-authorization-server": 200,
		demo + "/.well-known/openid-configuration":       200,
		demo + "/":                       404,
		demo + "/docs":                   404,
		demo + "/docs/errors":            404,
		demo + "/llms.txt":               404,
		demo + "/demo/oauth/jwks":        404,
		demo + "/demo/oauth/token":       404,
		demo + "/production/oauth/jwks":  404,
		demo + "/production/oauth/token": 404,
		demo + "/platform/oauth/jwks":    404,
		demo + "/.well-known/oauth-authorization-server/production":  404,
		demo + "/admin/v1/merchants":                                 404,
		s.URL + "/docs":                                              200,
		s.URL + "/production/oauth/jwks":                             200,
		s.URL + "/.well-known/oauth-authorization-server/production": 200,
		s.URL + "/demo/oauth/jwks":                                   404,
		s.URL + "/demo/oauth/token":                                  404,
		s.URL + "/oauth/jwks":                                        404,
		s.URL + "/.well-known/oauth-authorization-server":            404,
		s.URL + "/.well-known/oauth-authorization-server/demo":       404,
	} {
		if got := s.Get(t, url).Status; got != want {
			t.Errorf("%s answers %d, not %d", url, got, want)
		}
	}
	metadata := string(s.Get(t, demo+"/.well-known/oauth-authorization-server").Body)
	for _, member := range []string{`"issuer":"` + demo + `"`, `"token_endpoint":"` + demo + `/oauth/token"`, `"jwks_uri":"` + demo + `/oauth/jwks"`} {
		if !strings.Contains(metadata, member) {
			t.Errorf("the metadata has no %s: %s", member, metadata)
		}
	}
}

func TestTLSBelowVersion12IsRefused(t *testing.T) {
	t.Parallel()
	s, ca, _ := startWithHosts(t)
	for version, accepted := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port), &tls.Config{
			RootCAs: ca.Pool(), ServerName: "localhost", MinVersion: version, MaxVersion: version,
		})
		if err == nil {
			_ = conn.Close()
		}
		// The refusal must be the server's, not that of our own library.
		const alert = "remote error: tls: protocol version not supported"
		if accepted && err != nil || !accepted && (err == nil || !strings.Contains(err.Error(), alert)) {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

// hangUpWithNewCertificate has a server read another certificate, and waits until new
// connections get it.
func hangUpWithNewCertificate(t *testing.T, s *harness.Server, ca *harness.Authority) {
	t.Helper()
	serial := ca.Issue(t, "localhost", "demo.localhost")
	s.Signal(t, syscall.SIGHUP)
	harness.Eventually(t, 10*time.Second, "new connections get the new certificate", func() bool {
		conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port), &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Cmp(serial) == 0
	})
}

// A client that keeps its connection never notices that the certificate was
// replaced; a new connection gets the new one at SIGHUP.
func TestHangupReloadsTheCertificateUnderRunningClients(t *testing.T) {
	t.Parallel()
	s, ca, _ := startWithHosts(t)
	key := s.CreateKey(t, "production")
	s.AwaitKeys(t, key)

	stop, done := make(chan struct{}), make(chan error, 1)
	var answered atomic.Int64
	kept := harness.NewClient(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}, MaxConnsPerHost: 1})
	defer kept.CloseIdleConnections()
	go func() { done <- askUntil(stop, kept, s, key, &answered) }()
	harness.Eventually(t, 10*time.Second, "the running client is answered", func() bool { return answered.Load() > 0 })

	for try := range 3 {
		hangUpWithNewCertificate(t, s, ca)
		// The server also looks at the files every few seconds, which it
		// logs: only without that record was it the signal.
		if logged(t, s) && len(s.Records(t, "TLS certificate reloaded")) <= try {
			break
		}
		if try == 2 {
			t.Error("SIGHUP has never reloaded the certificate")
		}
	}
	before := answered.Load()
	harness.Eventually(t, 10*time.Second, "the running client is answered", func() bool { return answered.Load() > before+5 })
	close(stop)
	if err := <-done; err != nil {
		t.Errorf("a client on a kept connection: %v", err)
	}
}

// logged waits until every record so far is written: when that of a new
// request is, the older ones are.
func logged(t *testing.T, s *harness.Server) bool {
	t.Helper()
	id := s.Get(t, s.URL+"/production/oauth/jwks").Header.Get("X-Request-Id")
	harness.Eventually(t, 10*time.Second, "the request is logged", func() bool { return strings.Contains(s.ReadLog(t), id) })
	return true
}

// askUntil asks for tokens one after the other on one connection.
func askUntil(stop <-chan struct{}, client *http.Client, s *harness.Server, key harness.APIKey, answered *atomic.Int64) error {
	connections := map[string]bool{}
	for {
		select {
		case <-stop:
			if len(connections) != 1 {
				return fmt.Errorf("it needed %d connections", len(connections))
			}
			return nil
		default:
		}
		local, err := harness.AskOnce(client, s.URL, key)
		if err != nil {
			return err
		}
		connections[local] = true
		answered.Add(1)
	}
}

// certificates are replaced under load, by clients that keep their connections and
// by others that make a new one for each request. No request fails, and each new
// connection has one of the certificates.
func TestCertificatesAreReplacedUnderLoadWithoutAFailure(t *testing.T) {
	t.Parallel()
	s, ca, _ := startWithHosts(t)
	key := s.CreateKey(t, "demo")
	s.AwaitKeys(t, key)

	var stopped atomic.Bool
	var answered [2]atomic.Int64 // on kept connections, and on new ones
	failures := make(chan error, 8)
	var clients sync.WaitGroup
	for n := range 6 {
		client := harness.NewClient(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}, DisableKeepAlives: n%2 == 1})
		clients.Go(func() {
			defer client.CloseIdleConnections()
			for !stopped.Load() {
				if _, err := harness.AskOnce(client, s.URL, key); err != nil {
					failures <- err
					return
				}
				answered[n%2].Add(1)
			}
		})
	}
	for range 5 {
		hangUpWithNewCertificate(t, s, ca)
		kept, anew := answered[0].Load(), answered[1].Load()
		harness.Eventually(t, 10*time.Second, "clients of both kinds are answered", func() bool {
			return answered[0].Load() > kept+10 && answered[1].Load() > anew+10 || len(failures) > 0
		})
	}
	stopped.Store(true)
	clients.Wait()
	close(failures)
	for err := range failures {
		t.Errorf("a request failed: %v", err)
	}
}
